#!/bin/sh
# The manual pages have every option, as the table has it, and mandoc finds
# nothing wrong with them.
# usage: manual.sh LOWPORT FOLDER
set -eu
lowport=$1
wrong=0

complain() {
	echo "$*"
	wrong=1
}

for page in "$2"/lowport.1 "$2"/lowport.conf.5; do
	sh "$2/fill.sh" "$lowport" "$page" | cmp -s - "$page" ||
		complain "$page is not what the options are: ./dev man mends it"
done

commands=$("$lowport" --help | sed -n 's/^  \([a-z][a-z-]*\)  *.*/\1/p')
[ -n "$commands" ] || complain "$lowport --help names no command"
for command in $commands; do
	grep -qE "^\.It Cm $command( |\$)" "$2/lowport.1" ||
		complain "$2/lowport.1 does not describe $command"
	for option in $("$lowport" "$command" --help |
		sed -n 's/^  \(-[a-z], \)\{0,1\}--\([a-z-]*\).*/\2/p'); do
		grep -qE "^\.(It )?Fl -$option( |\$)" "$2/lowport.1" ||
			complain "$2/lowport.1: $command has --$option"
	done
done

if ! command -v mandoc >/dev/null; then
	[ $wrong -eq 0 ] || exit 1
	echo "SKIP: there is no mandoc here to look at the pages"
	exit 77
fi
# Which other pages are here to be referred to is the machine's business.
mandoc -T lint "$2"/lowport.1 "$2"/lowport.conf.5 2>&1 |
	grep -vE "referenced manual not found|outdated mandoc.db" && wrong=1
exit $wrong
