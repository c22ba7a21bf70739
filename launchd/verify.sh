#!/bin/sh
# What only a real Mac can tell, one line a finding. Run as yourself, without
# sudo, with a built lowport:  launchd/verify.sh build/release/lowport
#
# It installs agents labelled verify and verify-late on 127.0.0.1:80 and takes
# them out again. Lines begin with ok, NOT (not as expected: a bug or a wrong
# belief of ours) or note (what we did not know).
# shellcheck disable=SC2015 # ok, not and note never fail
set -u

lowport=${1:-build/release/lowport}
domain=gui/$(id -u)
work=$(mktemp -d)
backend=
failures=0

say() { printf '%-4s %s\n' "$1" "$2"; }
ok() { say ok "$1"; }
not() { say NOT "$1"; failures=$((failures + 1)); }
note() { say note "$1"; }

clean() {
	"$lowport" uninstall verify >/dev/null 2>&1
	"$lowport" uninstall verify-late >/dev/null 2>&1
	[ -n "$backend" ] && kill "$backend" 2>/dev/null
	rm -rf "$work"
}
trap clean EXIT
trap 'exit 1' INT TERM

[ "$(uname)" = Darwin ] || { echo "verify.sh: this is no Mac" >&2; exit 2; }
[ -x "$lowport" ] || { echo "verify.sh: $lowport is not built" >&2; exit 2; }
[ "$(id -u)" != 0 ] || { echo "verify.sh: run it without sudo" >&2; exit 2; }
launchctl print "$domain" >/dev/null 2>&1 || domain=user/$(id -u)
note "macOS $(sw_vers -productVersion), $(uname -m), domain $domain"

# A backend to forward to.
echo "hello from the backend" >"$work/index.html"
python3 -m http.server 18080 --bind 127.0.0.1 --directory "$work" \
	>/dev/null 2>&1 &
backend=$!
tries=0
until curl -s -o /dev/null http://127.0.0.1:18080/; do
	tries=$((tries + 1))
	[ $tries -lt 50 ] || { echo "verify.sh: no backend" >&2; exit 2; }
	sleep 0.1
done

answers() { curl -s -m 5 "http://$1/" | grep -q "hello from the backend"; }
descriptors() { lsof -nP -a -p "$1" -iTCP -sTCP:LISTEN 2>/dev/null; }
agent_pid() {
	launchctl print "$domain/lowport.verify" 2>/dev/null |
		awk '$1 == "pid" { print $3; exit }'
}

# What an ordinary user may bind by himself.
"$lowport" run --listen 127.0.0.1:80 --to 18080 2>"$work/err" &
pid=$!
sleep 1
if kill "$pid" 2>/dev/null; then
	note "this user may bind 127.0.0.1:80 by himself"
else
	ok "127.0.0.1:80 is refused to an ordinary user: $(head -1 "$work/err")"
fi

# 1. Install on a privileged port of one address.
if "$lowport" install --listen 127.0.0.1:80 --to 127.0.0.1:18080 \
	--label verify >"$work/out" 2>&1; then
	ok "installed without sudo on 127.0.0.1:80"
else
	not "install failed: $(tr '\n' ' ' <"$work/out")"
fi
answers 127.0.0.1 && ok "curl through :80 is answered" ||
	not "curl through :80 is not answered"
curl -s -m 2 -o /dev/null "http://[::1]/" && not "[::1]:80 answers too" ||
	ok "[::1]:80 does not answer: only what was asked for"
pid=$(agent_pid)
if [ -n "$pid" ]; then
	ok "the agent runs as $(ps -o user= -p "$pid")"
	note "its listeners: $(descriptors "$pid" | tail -n +2 | tr '\n' ';')"
fi
note "launchd's view: $(launchctl print "$domain/lowport.verify" |
	sed -n '/sockets = {/,/^	}/p' | tr -s '\n\t ' ' ')"
"$lowport" doctor verify >"$work/out" 2>&1 && ok "doctor finds nothing wrong" ||
	not "doctor: $(grep '^problem' "$work/out" | tr '\n' ';')"

# 2. On demand again after an end.
[ -n "$pid" ] && kill -9 "$pid"
answers 127.0.0.1 && ok "after kill -9 the next client starts it again" ||
	not "after kill -9 nobody answers (ThrottleInterval is 10 s)"

# 3. The same port once more: who holds it?
"$lowport" doctor --listen 127.0.0.1:80 --to 18080 >"$work/out" 2>&1
grep -q "^problem  port" "$work/out" &&
	ok "doctor sees that 127.0.0.1:80 is held" ||
	not "doctor does not see that 127.0.0.1:80 is held"

# 4. Upgrade: the copy is replaced and the job loaded anew.
if "$lowport" install --reload verify >"$work/out" 2>&1; then
	answers 127.0.0.1 && ok "reloaded, and answers" ||
		not "reloaded, and does not answer"
else
	not "reload failed: $(tr '\n' ' ' <"$work/out")"
fi

# 5. An address that is not there: what does launchd hand over? Needs an
# address that can be added without sudo, which only the user's own tunnel is;
# so the missing one is looked at, and its coming only on request.
"$lowport" install --listen 127.77.77.77:8077 --to 127.0.0.1:18080 \
	--label verify-late >"$work/out" 2>&1
note "address missing at load: $(tr '\n' ' ' <"$work/out")"
note "launchd's view of it: $(launchctl print "$domain/lowport.verify-late" |
	sed -n '/sockets = {/,/^	}/p' | tr -s '\n\t ' ' ')"
launchctl kickstart "$domain/lowport.verify-late" 2>/dev/null
sleep 2
note "what lowport says of its socket: $(tail -2 \
	"$HOME/Library/Logs/lowport.verify-late.log" 2>/dev/null | tr '\n' ' ')"
if [ "${VERIFY_SUDO:-}" = yes ]; then
	sudo ifconfig lo0 alias 127.77.77.77
	sleep 2
	answers 127.77.77.77:8077 &&
		note "it binds by itself once the address has come" ||
		note "it stays unbound although the address has come"
	"$lowport" install --reload verify-late >/dev/null 2>&1
	answers 127.77.77.77:8077 && ok "bound after a reload" ||
		not "not bound after a reload"
	sudo ifconfig lo0 -alias 127.77.77.77
	sudo ifconfig lo0 alias 127.77.77.77
	answers 127.77.77.77:8077 &&
		note "the listener lives through its address going and coming" ||
		note "the listener dies with its address"
	sudo ifconfig lo0 -alias 127.77.77.77
else
	note "not looked at: an address that comes and goes (VERIFY_SUDO=yes, \
two ifconfig calls with sudo)"
fi

# 6. The wildcard, which needs no launchd.
"$lowport" run --listen only:127.0.0.1:81 --to 18080 2>"$work/err" &
pid=$!
sleep 1
answers 127.0.0.1:81 && ok "only:127.0.0.1:81 answers on 127.0.0.1" ||
	not "only:127.0.0.1:81: $(head -1 "$work/err")"
kill "$pid" 2>/dev/null

# 7. Gone, really.
"$lowport" uninstall verify >"$work/out" 2>&1 &&
	grep -q "is free" "$work/out" && ok "uninstalled, and the port is free" ||
	not "uninstall: $(tr '\n' ' ' <"$work/out")"
curl -s -m 2 -o /dev/null http://127.0.0.1/ && not "something answers on :80" ||
	ok "nobody answers on 127.0.0.1:80"

[ $failures = 0 ]
