#!/bin/sh
# Every option that `lowport run --help` lists is in the README.
# usage: options.sh LOWPORT README.md
set -eu
names=$("$1" run --help | sed -n 's/^  --\([a-z-]*\).*/\1/p')
wrong=0

if [ -z "$names" ]; then
	echo "$1 run --help lists no option"
	exit 1
fi
if [ ! -f "$2" ]; then
	echo "$2 is not there"
	exit 1
fi
for name in $names; do
	grep -qE -- "(^|[^a-z-])--$name([^a-z-]|\$)" "$2" || {
		echo "--$name is not in $2"
		wrong=1
	}
done
exit $wrong
