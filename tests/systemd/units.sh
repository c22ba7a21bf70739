#!/bin/sh
# What `lowport install --print` and --daemon print is what systemd takes:
# systemd-analyze finds nothing to say about it, rates it well, and its command
# line serves what systemd-socket-activate hands over.
# usage: units.sh LOWPORT CONF
set -eu
lowport=$1
conf=$2
PATH=$PATH:/usr/sbin:/sbin
most=2.0 # of 10, which is a service that may do anything

skip() {
	echo "skipped, for want of $*"
	exit 77
}

for program in systemd-analyze systemd-socket-activate curl python3; do
	command -v $program >/dev/null || skip "$program"
done
room=$(mktemp -d "${TMPDIR:-/tmp}/lowport-units-XXXXXX")
children=

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	for child in $children; do kill "$child" 2>/dev/null || :; done
	wait 2>/dev/null || :
	rm -rf "$room"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

fail() {
	echo "FAILED: $*"
	exit 1
}

# A user's own units are printed for a user who is not root.
cp "$lowport" "$room/lowport"
chmod 755 "$room" "$room/lowport"
as_user=
if [ "$(id -u)" = 0 ]; then
	command -v setpriv >/dev/null || skip setpriv
	as_user="setpriv --reuid 65534 --regid 65534 --clear-groups"
fi

# units FOLDER ARGUMENT...: what install prints, as files in $room/FOLDER, with
# the program where it is now.
units() {
	mkdir "$room/$1"
	folder=$room/$1
	shift
	# shellcheck disable=SC2086 # words
	HOME=/home/nobody $as_user "$room/lowport" install "$@" \
		2>"$folder.err" |
		awk -v folder="$folder" -v program="$lowport" '
			/^# \// { n = split($2, part, "/")
				file = folder "/" part[n]; next }
			/^ExecStart=/ { sub(/^ExecStart=("[^"]*"|[^ ]*)/,
				"ExecStart=" program) }
			{ print >file }'
	[ -n "$(ls "$folder")" ] || fail "install $* prints nothing:
$(cat "$folder.err")"
}

# Nothing to say, of the user's or the system's.
verified() {
	folder=$room/$1
	shift
	said=$(systemd-analyze verify --man=no "$@" "$folder"/* 2>&1) ||
		fail "systemd-analyze verify: $said"
	# Of these units; a system has others, which it loads as well.
	! printf '%s\n' "$said" | grep -i lowport ||
		fail "see above"
}

# It wants one to be there.
XDG_RUNTIME_DIR=$room
export XDG_RUNTIME_DIR

units plain --daemon --listen 127.0.0.1:80 --to 127.0.0.1:8080 --label web
verified plain
units many --daemon --listen '*:80' --listen 10.9.8.7:81 --to unix:/home/a/s \
	--listen if:wg0+ll:82 --to 'name:80' --label many --access-log off
verified many
units app --daemon --listen 127.0.0.1:80 --label app \
	--exec "sh -c 'echo \"50% of \$HOME\"; exec ./app {port}'"
verified app
units own --print --listen 127.0.0.1:8000 --to 8080 --label own
verified own --user
! grep -E 'DynamicUser|Private|Protect|Capability' "$room/own/lowport-own.service" ||
	fail "what a user's systemd may not do"
units own-app --print --listen 127.0.0.1:8000 --label own --exec 'app {port}'
verified own-app --user
echo "systemd-analyze verify has nothing to say"

# It can fail.
printf 'ListenStreem=80\n' >>"$room/plain/lowport-web.socket"
(verified plain) >/dev/null && fail "verify misses a misspelt key"

for label in plain:web many:many; do
	file=$room/${label%:*}/lowport-${label#*:}.service
	rating=$(systemd-analyze security --offline=true --no-pager "$file" \
		2>/dev/null | sed -n 's/.*Overall exposure level.*: \([0-9.]*\).*/\1/p')
	[ -n "$rating" ] || fail "systemd-analyze security says nothing"
	echo "${file##*/}: exposure $rating of 10"
	awk -v r="$rating" -v most=$most 'BEGIN { exit !(r <= most) }' ||
		fail "more than $most"
done

# The files that are there to be copied are what install writes.
"$lowport" install --daemon --listen 127.0.0.1:80 --to 127.0.0.1:8080 \
	--label web 2>/dev/null |
	sed "s|^ExecStart=[^ ]*|ExecStart=/usr/local/bin/lowport|" |
	awk -v folder="$room" '
		/^# \// { if (file) close(file); n = split($2, part, "/")
			file = folder "/" part[n]; next }
		{ line[file] = line[file] $0 "\n" }
		END { for (f in line) { sub(/\n\n$/, "\n", line[f])
			printf "%s", line[f] >f } }'
for unit in lowport-web.socket lowport-web.service; do
	cmp "$room/$unit" "$conf/$unit" || fail "$conf/$unit is not what" \
		"lowport install writes"
done
echo "conf/systemd is what install writes"

# The command line as it is written, with sockets by name.
cat >"$room/serve.py" <<'END'
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(sys.argv[1].encode())
    def log_message(self, *args):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
END

# await_line FILE PATTERN: what it matches first.
await_line() {
	for _ in $(seq 200); do
		line=$(grep -m 1 -- "$2" "$1" 2>/dev/null) && return 0
		sleep 0.1
	done
	fail "waited in vain for $2 in $1: $(cat "$1")"
}

# backend NAME: its port is in $line.
backend() {
	python3 "$room/serve.py" "$1" >"$room/$1.port" &
	children="$children $!"
	await_line "$room/$1.port" .
}

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

backend one
one=$line
backend two
two=$line
first=$(free_port)
second=$(free_port)
units run --daemon --listen "127.0.0.1:$first" --to "127.0.0.1:$one" \
	--listen "127.0.0.1:$second" --to "127.0.0.1:$two" --label run
names=$(cat "$room/run/lowport-run.socket" "$room/run/lowport-run@2.socket" |
	sed -n 's/^FileDescriptorName=//p' | paste -sd:)
command=$(sed -n 's/^ExecStart=//p' "$room/run/lowport-run.service")
# shellcheck disable=SC2086 # words, none of which is quoted
systemd-socket-activate -l "127.0.0.1:$first" -l "127.0.0.1:$second" \
	"--fdname=$names" $command --allow-root 2>"$room/activate" &
children="$children $!"
await_line "$room/activate" "Listening on .*:$second"
[ "$(curl -sS "http://127.0.0.1:$first/")" = one ] || fail "the first socket"
[ "$(curl -sS "http://127.0.0.1:$second/")" = two ] || fail "the second socket"
echo "what ExecStart= says serves each socket by its name"
