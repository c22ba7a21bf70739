#!/bin/sh
# A manual page with the lines between its marks made anew from the table of
# options. The marks stay.
# usage: fill.sh LOWPORT PAGE
set -eu
what=$(sed -n 's/^\.\\" begin \([a-z]*\):.*/\1/p' "$2")
[ -n "$what" ] || {
	echo "$2 has no mark for where its options begin" >&2
	exit 1
}
rows=$("$1" manual "$what")
ROWS=$rows awk '
	/^\.\\" end / { inside = 0 }
	!inside
	/^\.\\" begin / { inside = 1; print ENVIRON["ROWS"] }
' "$2"
