#!/bin/sh
# A good example is played to its end; each kind of rot in one is found.
# usage: play_can_fail.sh LOWPORT SUDO
set -eu
here=$(cd -- "$(dirname -- "$0")" && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT INT TERM
mkdir -p "$place/tests/examples" "$place/conf/examples"
cp "$here/play.sh" "$here/steps.awk" "$place/tests/examples"
good=$here/../../conf/examples/front-an-app.md
export TRIES=20

play() {
	sh "$place/tests/examples/play.sh" it "$1" "$2" "$place/work" \
		>"$place/said" 2>&1
}

# refused EXPRESSION WHAT: changed by this sed, it fails, and WHAT is said.
refused() {
	sed "$1" "$good" >"$place/conf/examples/it.md"
	! cmp -s "$good" "$place/conf/examples/it.md" || {
		echo "this changes nothing: $1"
		exit 1
	}
	if play "$lowport" "$sudo"; then
		echo "played to its end: $1"
		exit 1
	fi
	grep -q -e "$2" "$place/said" || {
		echo "found without saying \"$2\": $1"
		cat "$place/said"
		exit 1
	}
}

lowport=$1 sudo=$2
cp "$good" "$place/conf/examples/it.md"
play "$lowport" "$sudo" || {
	status=$?
	cat "$place/said"
	exit $status
}
refused 's/^    hello$/    hell?/' 'it was to say: hell?'
refused 's/^    hello$/&\n    and more/' 'it was to say: hello'
refused 's/--to 8080 &/--to 8081 \&/' 'why=unreachable'
refused 's/@127.0.0.1:80 /@127.0.0.1:81 /' 'expected 127.0.0.1:81'
refused '/setpriv/d' 'this is root'
refused 's/echo hello/no-such-command/' 'no-such-command'
refused 's/% lowport install/& --nonsense/' 'nonsense'
refused 's/^    \$ /    > /' 'no command'
