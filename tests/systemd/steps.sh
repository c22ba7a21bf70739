# What the scripts that boot.sh plays are made of; it comes before each of them.
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
