# Played by boot.sh: what `lowport doctor` says of a service that something is
# wrong with, and whether what it advises mends it.

etc=/etc/systemd/system
run 0 lowport install --listen 127.0.0.1:80 --to 127.0.0.1:3000 --label web
run 0 lowport doctor web

# ill TEXT...: it says so, and that something is wrong.
ill() {
	run 1 lowport doctor web
	says "$@"
}

# A drop-in of the service's, or none.
drop_in() {
	rm -rf $etc/lowport-web.service.d
	if [ $# -gt 0 ]; then
		mkdir $etc/lowport-web.service.d
		printf '[Service]\n%s\n' "$@" >$etc/lowport-web.service.d/x.conf
	fi
	systemctl daemon-reload
	systemctl restart lowport-web.socket
}

well() {
	drop_in
	systemctl reset-failed
	run 0 lowport install --reload web
	run 0 lowport doctor web
	served 127.0.0.1:80
}

echo "its socket is stopped, and then another program has the port"
systemctl stop lowport-web.socket lowport-web.service
ill 'lowport-web.socket is inactive' 'nobody listens on 127.0.0.1:80' \
	'lowport install --reload web'
systemd-run -q --unit=thief python3 -m http.server --bind 127.0.0.1 80
await curl -sf http://127.0.0.1:80/
ill '127.0.0.1:80 is held by another program' python3 'stop that program'
systemctl stop thief
well

echo "it does not come at the next boot"
systemctl disable -q lowport-web.socket
ill 'lowport-web.socket is disabled: nobody listens after the next boot'
well

echo "its file was changed, is anybody's, or is gone"
echo '# changed' >>$etc/lowport-web.socket
ill 'lowport-web.socket has been changed since systemd read it'
well
chmod o+w $etc/lowport-web.service
ill "$etc/lowport-web.service may be written by anybody" 'chmod 644'
chmod 644 $etc/lowport-web.service
mv $etc/lowport-web.socket /run/kept
gone="$etc/lowport-web.socket does not exist, though the service wants it"
ill "$gone" 'lowport install, with the same words, writes it anew'
run 1 lowport install --reload web
says "$gone"
run 1 lowport uninstall web
says "$gone"
mv /run/kept $etc/lowport-web.socket
well

echo "it was ended by a signal, or for giving no sign of life"
drop_in Restart=no
served 127.0.0.1:80
kill -KILL "$(main_pid lowport-web)"
await systemctl is-failed -q lowport-web
# Looking at the port starts it again: what is there without.
systemctl stop lowport-web.socket
ill 'was ended by signal 9 the last time'
well
drop_in Restart=no WatchdogSec=1
served 127.0.0.1:80
kill -STOP "$(main_pid lowport-web)"
await systemctl is-failed -q lowport-web
systemctl stop lowport-web.socket
ill 'gave no sign of life and was ended by systemd'
well

echo "its program may not be run, or is not there"
drop_in Restart=no ExecStart= ExecStart=/run/www/word
! curl -s --max-time 10 http://127.0.0.1:80/ || fail "a text is run"
await systemctl is-failed -q lowport-web
systemctl stop lowport-web.socket
ill 'ended with status 203 the last time' 'could not be started'
well
cp /usr/local/bin/lowport /run/lowport
rm /usr/local/bin/lowport
run 1 /run/lowport doctor web
says '/usr/local/bin/lowport: No such file or directory' 'install it there'
cp /run/lowport /usr/local/bin/lowport
well

echo "its interface has no address"
ip link add v0 type veth peer name v1
ip addr add 10.9.8.7/24 dev v0
ip link set v0 up
ip link set v1 up
run 0 lowport install --listen if:v0:81 --to 127.0.0.1:3000 --label v0
ip addr flush dev v0
run 1 lowport doctor v0
says 'v0 has no address now' 'bring the interface up'
run 0 lowport uninstall v0

echo "a port that is bound, but listens nowhere, is said; what was made is gone"
python3 -c '
import socket, sys
s = socket.socket()
s.bind(("127.0.0.1", 88))
print("bound", flush=True)
sys.stdin.readline()
' </dev/zero >/run/bound &
await grep -q bound /run/bound
run 1 lowport install --listen 127.0.0.1:88 --to 127.0.0.1:3000 --label bound
says '127.0.0.1:88: systemd cannot listen there (resources): ' \
	'journalctl -u lowport-bound.socket says why'
! ls $etc | grep bound || fail "files stay"

echo "an ordinary user is told what his systemd may not"
run 0 as_ann lowport doctor --listen 127.0.0.1:89 --to 127.0.0.1:3000
says 'your own systemd may not open ports below 1024' 'sudo lowport install'
