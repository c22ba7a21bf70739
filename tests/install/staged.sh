#!/bin/sh
# What `cmake --install` leaves in a folder: a program that runs, its manual,
# its completions, and a library that another program is built with.
# usage: staged.sh CMAKE BUILD_FOLDER EMBEDDER.C CC [CFLAGS...]
set -eu
cmake=$1 build=$2 embedder=$3
shift 3
for needed in pkg-config python3 curl; do
	command -v $needed >/dev/null || {
		echo "SKIP: there is no $needed here"
		exit 77
	}
done
stage=$(mktemp -d)
server=
end() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || :
	rm -rf "$stage"
}
trap end EXIT
trap 'exit 1' HUP INT TERM

"$cmake" --install "$build" --prefix "$stage/usr" >"$stage/log" || {
	cat "$stage/log"
	exit 1
}

# in_stage NAME: the one file that ends so.
in_stage() {
	found=$(find "$stage/usr" -path "*/$1")
	[ -f "$found" ] || {
		echo "$1 was not installed, or twice:"
		find "$stage/usr" -type f
		exit 1
	}
	echo "$found"
}

"$(in_stage bin/lowport)" --version
for file in man/man1/lowport.1 man/man5/lowport.conf.5 doc/lowport/README.md \
	doc/lowport/CHANGELOG.md doc/lowport/systemd/lowport-web.socket \
	bash-completion/completions/lowport zsh/site-functions/_lowport \
	fish/vendor_completions.d/lowport.fish; do
	[ -s "$(in_stage "share/$file")" ]
done
! grep -rlF "$build" "$stage"/usr/share "$stage"/usr/include || {
	echo "these name the folder that they were built in"
	exit 1
}

pc=$(in_stage pkgconfig/lowport.pc)
PKG_CONFIG_PATH=$(dirname "$pc")${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export PKG_CONFIG_PATH
# The prefix is where the file lies, not where it was to be installed.
flags() { pkg-config --define-prefix "$@" lowport; }
# shellcheck disable=SC2046 # words
"$@" -Wall -Wextra -Wpedantic -Werror $(flags --cflags) -o "$stage/embedder" \
	"$embedder" $(flags --libs)
[ "$(flags --modversion)" = "$("$(in_stage bin/lowport)" --version |
	cut -d ' ' -f 2)" ]

echo 'carried by another program' >"$stage/page"
mkfifo "$stage/server" "$stage/relay"
python3 -u -m http.server --bind 127.0.0.1 --directory "$stage" 0 \
	>"$stage/server" 2>/dev/null &
server=$!
read -r _ _ _ _ _ port _ <"$stage/server"
"$stage/embedder" "127.0.0.1:$port" >"$stage/relay" &
exec 3<"$stage/relay"
read -r address <&3
[ "$(curl -sS --noproxy '*' --max-time 20 "http://$address/page")" = \
	'carried by another program' ]
read -r line <&3
case $line in
closed*why=done) echo "$line" ;;
*)
	echo "its record is: $line"
	exit 1
	;;
esac
wait $!
