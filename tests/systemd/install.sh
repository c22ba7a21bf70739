# Played by boot.sh: `lowport install` with a real systemd, as root and as an
# ordinary user, from the first line to the last.
set -eu

fail() {
	echo "FAILED: $*"
	[ ! -f /run/said ] || sed 's/^/  | /' /run/said
	systemctl --no-pager list-units --all 'lowport*' || :
	journalctl --no-pager -n 40 || :
	exit 1
}

# says TEXT...: the last command has said all of it.
says() {
	for text in "$@"; do
		grep -qF -- "$text" /run/said || fail "it does not say: $text"
	done
}

# run STATUS COMMAND...
run() {
	wanted=$1
	shift
	status=0
	"$@" >/run/said 2>&1 || status=$?
	[ $status = "$wanted" ] || fail "$* ended with $status, not $wanted"
}

as_ann() {
	setpriv --reuid ann --regid ann --init-groups \
		env -i HOME=/home/ann XDG_RUNTIME_DIR=/run/user/20001 \
		PATH="$PATH" ASAN_OPTIONS="$ASAN_OPTIONS" "$@"
}

served() {
	answer=$(curl -sS --max-time 20 "http://$1/word" 2>&1) || :
	[ "$answer" = "${2:-hello}" ] || fail "$1: \"$answer\""
}

refused() {
	! curl -s --max-time 5 "http://$1/" >/dev/null || fail "$1 is served"
}

main_pid() {
	systemctl show -P MainPID "$1"
}

# await COMMAND...: until it works.
await() {
	for _ in $(seq 200); do
		! "$@" >/dev/null 2>&1 || return 0
		sleep 0.1
	done
	fail "waited in vain for: $*"
}

# Sanitized programs look for leaks by means that a hardened service lacks.
systemctl set-environment ASAN_OPTIONS=detect_leaks=0
mkdir /run/www
echo hello >/run/www/word
systemd-run -q --unit=backend -p WorkingDirectory=/run/www \
	python3 -m http.server --bind 127.0.0.1 3000
await curl -sf http://127.0.0.1:3000/word

echo "the system's systemd holds port 80, and lowport has no rights"
run 0 lowport install --listen 127.0.0.1:80 --to 127.0.0.1:3000 --label web
says '127.0.0.1:80 answers' 'log:    journalctl -u lowport-web' \
	'remove: sudo lowport uninstall web'
served 127.0.0.1:80
pid=$(main_pid lowport-web)
[ "$(readlink /proc/$pid/exe)" = /usr/local/bin/lowport ] || fail "a copy runs"
awk '/^Uid:/ { exit !($2 > 60000) }' /proc/$pid/status || fail "its user"
grep -q '^CapBnd:.0*$' /proc/$pid/status || fail "it has capabilities"
grep -q '^Seccomp:.2$' /proc/$pid/status || fail "it may call anything"
[ "$(systemctl show -P StatusText lowport-web)" = relaying ] || fail "its status"
systemctl is-enabled -q lowport-web.socket || fail "not enabled"
run 0 lowport doctor web
says 'lowport-web.socket' "running, pid $pid" '127.0.0.1:80 listens' \
	'127.0.0.1:3000 answers'
run 0 lowport status
says "pid $pid,"
# Builds for tests may have no sandbox.
! ldd /usr/local/bin/lowport | grep -q seccomp ||
	says 'sandbox      seccomp and Landlock'

echo "one that is killed, or hangs, is started again"
kill -KILL "$pid"
served 127.0.0.1:80
mkdir /etc/systemd/system/lowport-web.service.d
printf '[Service]\nWatchdogSec=1\n' \
	>/etc/systemd/system/lowport-web.service.d/soon.conf
systemctl daemon-reload
systemctl restart lowport-web
served 127.0.0.1:80
sleep 2.5 # more than two looks
[ "$(systemctl show -P NRestarts lowport-web)" = 0 ] || fail "no sign of life"
pid=$(main_pid lowport-web)
kill -STOP "$pid"
await [ ! -e "/proc/$pid" ]
served 127.0.0.1:80
rm -r /etc/systemd/system/lowport-web.service.d
systemctl daemon-reload

echo "it is loaded anew, and replaced by another of its name"
run 0 lowport install --reload web
says '127.0.0.1:80 answers'
served 127.0.0.1:80
run 0 lowport install --listen 127.0.0.1:80 --listen '[::1]:80' \
	--to 127.0.0.1:3000 --label web --idle-timeout 5m
served '[::1]:80'
served 127.0.0.1:80

echo "a port that is taken is said, and what was there goes on"
run 1 lowport install --listen 127.0.0.1:80 --to 127.0.0.1:3000 --label other
says '127.0.0.1:80: something answers there already'
[ ! -e /etc/systemd/system/lowport-other.socket ] || fail "a file stays"
run 1 lowport uninstall wbe
says 'there is no service "wbe"' 'installed are: web'
run 1 lowport install --listen 127.0.0.1:3000 --to 127.0.0.1:3001 --label web
says '127.0.0.1:3000: something answers there already'
served 127.0.0.1:80
# Nobody answers at *:80, but it cannot be had.
run 1 lowport install --listen '0.0.0.0:80' --to 127.0.0.1:3000 --label other
[ ! -e /etc/systemd/system/lowport-other.socket ] || fail "a file stays"

echo "a service that does not come up is said"
mkdir /etc/systemd/system/lowport-bad.service.d
printf '[Service]\nExecStartPre=/bin/false\n' \
	>/etc/systemd/system/lowport-bad.service.d/bad.conf
run 1 lowport install --listen 127.0.0.1:87 --to 127.0.0.1:3000 --label bad
says 'lowport-bad.service did not start (exit-code). ' \
	'See journalctl -u lowport-bad, and: lowport doctor bad'
! grep -q answers /run/said || fail "it says that somebody answers"
run 1 lowport doctor bad
says 'lowport-bad.service has failed: exit-code'
run 0 lowport uninstall bad
rm -r /etc/systemd/system/lowport-bad.service.d

echo "an address may come later"
run 0 lowport install --listen 10.9.8.7:80 --to 127.0.0.1:3000 --label late
says '10.9.8.7:80 is not an address of this machine now'
run 1 lowport doctor late
says 'systemd listens already'
ip link add v0 type veth peer name v1
ip addr add 10.9.8.7/24 dev v0
ip link set v0 up
ip link set v1 up
served 10.9.8.7:80
run 0 lowport doctor late

echo "an interface is followed"
run 0 lowport install --listen if:v0:81 --to 127.0.0.1:3000 --label v0
says '10.9.8.7:81 answers'
served 10.9.8.7:81
refused 127.0.0.1:81
ip addr add 10.9.8.8/24 dev v0
await curl -sf http://10.9.8.8:81/word
run 0 lowport doctor v0
says 'clients of v0 alone are served'

echo "each group has its sockets"
echo other >/run/other
systemd-run -q --unit=other -p WorkingDirectory=/run \
	python3 -m http.server --bind 127.0.0.1 3001
await curl -sf http://127.0.0.1:3001/other
run 0 lowport install --listen 127.0.0.1:85 --to 127.0.0.1:3000 \
	--listen 127.0.0.1:86 --to 127.0.0.1:3001 --label two
served 127.0.0.1:85
[ "$(curl -sS http://127.0.0.1:86/other)" = other ] || fail "the second group"
systemctl is-enabled -q lowport-two.socket lowport-two@2.socket ||
	fail "not enabled"
run 0 lowport doctor two
says lowport-two@2.socket
run 0 lowport install --listen 127.0.0.1:85 --to 127.0.0.1:3000 --label two
refused 127.0.0.1:86
[ ! -e /etc/systemd/system/lowport-two@2.socket ] || fail "a file stays"
run 0 lowport uninstall two

echo "a file is served with the sockets that systemd holds for it"
mkdir /etc/systemd/system/lowport.conf.d
conf=/etc/systemd/system/lowport.conf.d/site.conf
cat >$conf <<'END'
[lowport]
drain-timeout = 3s
[relay one]
listen = 127.0.0.1:91
listen = [::1]:91
to = 127.0.0.1:3000
[relay two]
listen = if:v0:92
listen = *:93
to = 127.0.0.1:3001
END
chmod 600 $conf
run 2 lowport install -c $conf
says "$conf: the service runs as a user of its own, who may not read it" \
	"chmod o+r $conf"
chmod 644 $conf
(cd /etc/systemd/system && run 0 lowport install -c lowport.conf.d/site.conf) ||
	exit 1
says '127.0.0.1:91 answers' '[::1]:91 answers' '10.9.8.7:92 answers' \
	'remove: sudo lowport uninstall site'
served 127.0.0.1:91
served '[::1]:91'
answer_of_other() {
	[ "$(curl -sS "http://$1/other")" = other ] || fail "$1 is not other"
}
answer_of_other 10.9.8.7:92
answer_of_other 127.0.0.1:93
refused 127.0.0.1:92
systemctl cat lowport-site.service |
	grep -q "^ExecStart=.* run -c $conf --take systemd\$" ||
	fail "its command"
[ "$(systemctl show -P TimeoutStopUSec lowport-site)" = 5s ] ||
	fail "its patience"
run 0 lowport doctor site
says "$conf: no mistake" '127.0.0.1:91 listens' '127.0.0.1:3001 answers' \
	'clients of v0 alone are served'
pid=$(main_pid lowport-site)
sed -i 's/^\[relay two\]/idle-timeout = 1h\n&/' $conf
systemctl reload lowport-site
await sh -c 'journalctl -u lowport-site | grep -q "configuration is in force"'
served 127.0.0.1:91
sed -i 's/127.0.0.1:91/127.0.0.1:94/' $conf
run 1 lowport reload --socket /run/lowport-site/$pid.sock
says '127.0.0.1:94: this user may not bind a port below 1024' \
	'add ListenStream=127.0.0.1:94 to the .socket unit'
served 127.0.0.1:91
run 1 lowport doctor site
says 'the file listens at 127.0.0.1:94, which systemd does not hold' \
	'systemd holds 127.0.0.1:91, where the file does not listen any more'
echo 'idle-timeout = never' >>$conf
run 2 lowport install --reload site
says "$conf:" 'is not a duration' 'nothing was touched'
run 1 lowport doctor site
says 'is not a duration'
served 127.0.0.1:91
sed -i '$d' $conf
run 0 lowport install --reload site
says '127.0.0.1:94 answers'
served 127.0.0.1:94
refused 127.0.0.1:91
answer_of_other 10.9.8.7:92
run 0 lowport doctor site
mv $conf /tmp/site.conf
run 2 lowport install -c /tmp/site.conf
says 'a /tmp of its own'
mv /tmp/site.conf /home/site.conf
run 0 lowport uninstall site
run 0 lowport install -c /home/site.conf --log-level debug
served 127.0.0.1:94
run 0 lowport uninstall site
printf '[relay a]\nlisten = systemd:x\nto = 80\n' >/home/site.conf
run 2 lowport install -c /home/site.conf
says '/home/site.conf:1: relay a: "systemd:x": install has systemd make'
printf '[relay a]\nlisten = unix:/srv/a\nlisten = 127.0.0.1:95\nto = 80\n' \
	>/home/site.conf
run 2 lowport install -c /home/site.conf
says 'may make files in /run/lowport-site alone'
printf '[relay a]\nlisten = unix:/run/lowport-site/a\nto = 80\n' \
	>/home/site.conf
run 2 lowport install -c /home/site.conf
says 'no listener is at an address that systemd could hold'
run 2 lowport install -c /home/site.conf --take systemd
says '--take: install sees to that'
rm -r ${conf%/*} /home/site.conf

echo "a socket in a home folder is reached, one in /tmp is a mistake"
cat >/run/unix.py <<'END'
import http.server, os, socketserver
class Handler(http.server.SimpleHTTPRequestHandler):
    def address_string(self): return "unix"
os.chdir("/run/www")
os.umask(0)
socketserver.UnixStreamServer("/home/app.sock", Handler).serve_forever()
END
systemd-run -q --unit=unix python3 /run/unix.py
await [ -S /home/app.sock ]
run 0 lowport install --listen 127.0.0.1:82 --to unix:/home/app.sock
served 127.0.0.1:82
run 2 lowport install --listen 127.0.0.1:83 --to unix:/tmp/app.sock
says 'a /tmp of its own'
run 0 lowport uninstall 127.0.0.1-82

echo "an app is started for the first client, and ends after the last"
run 0 env SUDO_USER=ann lowport install --listen 127.0.0.1:84 --label app \
	--exec 'python3 -m http.server --directory /run/www --bind {address} {port}'
served 127.0.0.1:84
[ "$(systemctl show -P User lowport-app)" = ann ] || fail "its user"
app=$(pgrep -u ann -x python3)
# It has not ended while somebody is still served.
mkfifo /run/held
exec 3<>/run/held
python3 -c '
import socket, sys
s = socket.create_connection(("127.0.0.1", 84))
s.send(b"GET /word HTTP/1.0\r\n")
print("in", flush=True)
sys.stdin.readline()
s.send(b"\r\n")
print(s.makefile().read().endswith("hello\n"), flush=True)
' <&3 >/run/slow &
await grep -q in /run/slow
systemctl stop --no-block lowport-app.socket lowport-app.service
await [ "$(systemctl show -P StatusText lowport-app)" ]
await sh -c 'journalctl -u lowport-app | grep -q "accepting no more"'
kill -0 "$app" || fail "the app was ended with lowport"
echo >&3
await grep -q True /run/slow
await [ ! -e "/proc/$app" ]
run 0 lowport uninstall app

echo "it is taken out, and leaves nothing"
run 0 lowport uninstall web
says 'removed /etc/systemd/system/lowport-web.socket' '127.0.0.1:80 is free'
refused 127.0.0.1:80
run 1 lowport uninstall web
says 'there is no service "web"'
run 0 lowport uninstall late
run 0 lowport uninstall v0
! ls /etc/systemd/system | grep lowport || fail "files stay"

echo "a user's systemd is told apart"
run 2 as_ann lowport install --listen 127.0.0.1:80 --to 3000
says 'your own systemd may not open ports below 1024' \
	'sudo /usr/local/bin/lowport install --listen 127.0.0.1:80 --to 3000'
[ ! -e /home/ann/.config ] || fail "something was touched"
run 1 as_ann lowport install --listen 127.0.0.1:8080 --to 3000
says 'Your own systemd is not reached from here'
[ ! -e /home/ann/.config ] || fail "something was touched"
run 0 lowport install --listen 127.0.0.1:80 --to 127.0.0.1:3000 --label web
run 0 as_ann lowport doctor web
run 1 as_ann lowport uninstall web
says 'belongs to the system: do that with sudo'
run 0 lowport uninstall web

echo "a user has a service of their own"
systemd-run -q --unit=ann -p User=ann -p Delegate=yes -p Type=notify \
	-E XDG_RUNTIME_DIR=/run/user/20001 -E ASAN_OPTIONS=detect_leaks=0 \
	/lib/systemd/systemd --user
run 0 as_ann lowport install --listen 127.0.0.1:8080 --to 127.0.0.1:3000 \
	--label mine
says '127.0.0.1:8080 answers' 'log:    journalctl --user -u lowport-mine' \
	'remove: lowport uninstall mine' 'loginctl enable-linger'
served 127.0.0.1:8080
run 0 as_ann lowport doctor mine
says 'lowport-mine.socket' '127.0.0.1:8080 listens'
pid=$(as_ann systemctl --user show -P MainPID lowport-mine)
grep -q '^Seccomp:.2$' "/proc/$pid/status" || fail "it may call anything"
run 0 as_ann lowport install --reload mine
served 127.0.0.1:8080
run 0 as_ann lowport uninstall mine
says '127.0.0.1:8080 is free'
[ -z "$(find /home/ann -type f -o -name 'lowport*')" ] || fail "files stay"
echo "all of it"
