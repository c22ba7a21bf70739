#!/bin/sh
# An example of conf/examples, played as it stands: as an ordinary user, in a
# network, a process table and a few files of its own. What it says a command
# prints has to be printed; "..." stands for anything. NAME.sh, where there is
# one, may have: packages() to name what is needed, fetch() to get what is not
# in a package, before() to make what the example takes for granted, after() to
# look closer, and at_end() to look when lowport has ended.
# usage: play.sh NAME LOWPORT SUDO WORK
set -eu
name=$1 lowport=$2 sudo=$3 work=$4
here=$(cd -- "$(dirname -- "$0")" && pwd)
example=$here/../../conf/examples/$name.md
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
tries=${TRIES:-150} # of 0.1 s each

skip() {
	echo "skip: $*"
	exit 77
}

fail() {
	exec >&2
	echo "$name: $*"
	for log in "$room"/*.out "$room"/*.log "$room"/steps/*.[lo][ou][gt]; do
		[ ! -s "$log" ] || { echo "--- ${log##*/}"; cat "$log"; }
	done
	exit 1
}

packages() { :; }
fetch() { :; }
before() { :; }
after() { :; }
at_end() { :; }
# shellcheck disable=SC1090
[ ! -e "$here/$name.sh" ] || . "$here/$name.sh"

# --- outside ---------------------------------------------------------------

if [ -z "${EXAMPLE_ROOM-}" ]; then
	[ "$(uname -s)" = Linux ] || skip "Linux, for namespaces"
	[ "$(id -u)" = 0 ] || skip "root, for a network of its own"
	{
		echo "ip iproute2"
		echo "curl curl"
		echo "python3 python3"
		echo "setpriv util-linux"
		echo "systemd-socket-activate systemd"
		packages
	} | while read -r program package; do
		command -v "$program" >/dev/null || echo "$program ($package)"
	done >"$work.missing"
	[ ! -s "$work.missing" ] || skip "$(paste -sd ' ' "$work.missing")"
	unshare --net --mount --pid --fork true 2>/dev/null ||
		skip "leave to make a network of its own"
	fetch
	export EXAMPLE_ROOM=/mnt
	# All that it starts ends with it.
	exec unshare --net --mount --pid --fork --kill-child --mount-proc \
		sh "$0" "$@"
fi

# --- inside ----------------------------------------------------------------

# A room that nobody else sees, for it has a sudo in it that asks nobody.
room=$EXAMPLE_ROOM
mount -t tmpfs -o mode=755 room "$room"
mount -t tmpfs -o mode=755 run /run
ip link set lo up
home=$room/home
user=4242
install -d "$room/bin" "$room/steps"
install "$lowport" "$room/bin/lowport"
install -m 4755 "$sudo" "$room/bin/sudo"
install -d -o $user -g $user "$home"

# Put a file over one of the system's, here only.
cover() {
	[ -e "$1" ] || skip "$1, to put another over it"
	cat >"$room/${1##*/}"
	mount --bind "$room/${1##*/}" "$1"
}

{ cat /etc/passwd; echo "you:x:$user:$user::$home:/bin/sh"; } |
	cover /etc/passwd
{ cat /etc/group; echo "you:x:$user:"; } | cover /etc/group
cover /etc/hosts <<'END'
127.0.0.1 localhost
::1 localhost
127.0.0.2 server
END

# As the one who types; "on" has how to get to another machine.
on=
as_you() {
	# shellcheck disable=SC2086
	(cd "$home" && exec $on setpriv --reuid $user --regid $user --clear-groups \
		env -i HOME="$home" USER=you LOGNAME=you TERM=dumb \
		LC_ALL=C.UTF-8 PATH="$room/bin:$PATH" "$@")
}

# Does file $1 say what file $2 wants?
matches() {
	pattern=$(sed 's/[][\\*?]/\\&/g; s/\.\.\./*/g' "$2")
	said=$(tr -d '\r' <"$1")
	# shellcheck disable=SC2254
	case $said in $pattern) ;; *) false ;; esac
}

# Try $@ until it is true.
await() {
	left=$tries
	until "$@"; do
		left=$((left - 1))
		[ $left -gt 0 ] || return 1
		sleep 0.1
	done
}

# On this machine, or on one that before() has made a network for.
type_it() {
	on=
	[ ! -e "$1.on" ] || on="nsenter --net=/run/netns/$(cat "$1.on")"
	as_you sh -c "$(cat "$1.do")" >"$1.out" 2>"$1.log" </dev/null && on=
}

type_until_right() { type_it "$1" && matches "$1.out" "$1.says"; }

# What prints something may have to wait for what was started before it.
play() {
	printf '$ %s\n' "$(cat "$1.do")"
	if [ -s "$1.says" ]; then
		await type_until_right "$1" ||
			fail "it was to say: $(cat "$1.says")"
	else
		type_it "$1" || fail "that did not work"
	fi
}

# The pid of the one lowport, which is nobody but you.
lowport_pid() {
	pid=$(pgrep -x lowport) || fail "lowport does not run"
	[ "$(ps -o uid= -p "$pid" | tr -d ' ')" = $user ] ||
		fail "lowport runs as $(ps -o user= -p "$pid")"
	echo "$pid"
}

not_running() { ! kill -0 "$1" 2>/dev/null; }

before
awk -v prompt='$' -v dir="$room/steps" -f "$here/steps.awk" "$example" ||
	fail "no command in $example"
for step in "$room"/steps/*.do; do
	play "${step%.do}"
done
pid=$(lowport_pid)
after
kill "$pid"
await not_running "$pid" || fail "lowport does not stop"
at_end
if grep -rE 'AddressSanitizer|LeakSanitizer|runtime error:' "$room/steps"; then
	fail "see above"
fi

# What it says of a Mac is at least what `lowport install` takes.
install -d "$room/mac"
awk -v prompt=% -v dir="$room/mac" -f "$here/steps.awk" "$example" || exit 0
for step in "$room"/mac/*.do; do
	printf '%% %s\n' "$(cat "$step")"
	as_you sh -c "$(cat "$step") --print" >"$step.out" 2>&1 ||
		fail "% $(cat "$step"): $(cat "$step.out")"
done
