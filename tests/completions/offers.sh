#!/bin/sh
# A shell offers the commands, exactly the options of each, and values.
# usage: offers.sh bash|zsh|fish LOWPORT
set -eu
here=$(dirname "$0")
shell=$1
lowport=$2
command -v "$shell" >/dev/null || {
	echo "SKIP: there is no $shell here"
	exit 77
}
scrap=$(mktemp -d)
trap 'rm -rf "$scrap"' EXIT INT TERM

# offered LINE: what the shell offers behind it.
offered() {
	case $shell in
	zsh) zsh -f "$here/zsh.sh" "$lowport" "$1" "$scrap/zsh" ;;
	fish) sh "$here/fish.sh" "$lowport" "$1" ;;
	bash) bash "$here/bash.sh" "$lowport" "$1" ;;
	esac | tr ' ' '\n' | sort -u
}

# same NAME: what is in got is what is in wanted.
same() {
	sort -u "$scrap/wanted" >"$scrap/sorted"
	diff "$scrap/sorted" "$scrap/got" >"$scrap/diff" || {
		echo "$shell, behind \"$1\": < is missing, > is too much"
		cat "$scrap/diff"
		exit 1
	}
}

# offers LINE WORD...: among others, those words.
offers() {
	line=$1
	shift
	offered "$line" >"$scrap/got"
	for word in "$@"; do
		grep -qxF -e "$word" "$scrap/got" || {
			echo "$shell, behind \"$line\": no $word, but:"
			cat "$scrap/got"
			exit 1
		}
	done
}

# options COMMAND: those that its usage has, or that its help lists; its sentences
# may name those of others.
options() {
	"$lowport" "$1" --help >"$scrap/help"
	sed '/^$/q' "$scrap/help" | grep -oE -e '--[a-z][a-z-]*' || :
	sed -n 's/^  \(-[a-z], \)\{0,1\}\(--[a-z-]*\).*/\2/p' "$scrap/help"
	! grep -q 'RUN OPTIONS' "$scrap/help" || options run
	echo --help
}

commands=$("$lowport" --help | sed -n 's/^  \([a-z][a-z-]*\)  *.*/\1/p')
[ -n "$commands" ]
# shellcheck disable=SC2086
offers 'lowport ' $commands
for command in $commands; do
	offered "lowport $command --" >"$scrap/got"
	options "$command" >"$scrap/wanted"
	same "lowport $command --"
done

printf '%s\n' error warn info debug >"$scrap/wanted"
offered 'lowport run --log-level ' >"$scrap/got"
same 'lowport run --log-level '
offers 'lowport run --listen 127.0.0.1:80 --splice ' auto off
offers 'lowport completions ' bash zsh fish
