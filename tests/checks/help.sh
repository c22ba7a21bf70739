#!/bin/sh
# The help of each command fits a screen: 80 columns, and 24 lines, or 60 for
# that of run, which has a line for each option.
# usage: help.sh LOWPORT
set -eu
lowport=$1
wrong=0

fits() {
	most=24
	[ "$*" != "run --help" ] || most=60
	"$lowport" "$@" | awk -v most=$most -v what="lowport $*" '
		length > 80 { print what ": more than 80 columns: " $0; bad = 1 }
		END {
			if (NR == 0 || NR > most) {
				print what ": " NR " lines, " most " at most"
				bad = 1
			}
			exit bad
		}' || wrong=1
}

fits --help
commands=$("$lowport" --help | sed -n 's/^  \([a-z][a-z-]*\)  *.*/\1/p')
[ -n "$commands" ] || {
	echo "$lowport --help names no command"
	exit 1
}
for command in $commands; do
	fits "$command" --help
done
exit $wrong
