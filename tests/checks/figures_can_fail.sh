#!/bin/sh
# The check of the figures wants each of them.
# usage: figures_can_fail.sh FIGURES.SH
set -eu
check=$1
scrap=$(mktemp -d)
trap 'rm -rf "$scrap"' EXIT INT TERM

# says README RESULTS: what the check makes of them.
says() {
	printf '%s\n' "$1" >"$scrap/README.md"
	printf '%s\n' "$2" >"$scrap/results.md"
	if sh "$check" "$scrap/README.md" "$scrap/results.md" >/dev/null; then
		echo taken
	else
		echo refused
	fi
}

head='| | one stream, Gbit/s |
|---|--:|'
measured="text

$head
| lowport | 28.8 |

more"
[ "$(says "other text
$head
| lowport | 28.8 |
end" "$measured")" = taken ]
[ "$(says "$head
| lowport | 29.8 |" "$measured")" = refused ]
[ "$(says "$head" "$measured")" = refused ]
[ "$(says "no table" "$measured")" = refused ]
[ "$(says "$head" "no table")" = refused ]
