#!/bin/sh
# The figures in the README are those of the last measurement.
# usage: figures.sh README.md RESULTS.md
set -eu

# The table that begins with the first load.
table() {
	awk '/^\| \| one stream, / { on = 1 } !/^\|/ { on = 0 } on' "$1"
}

if [ -z "$(table "$2")" ]; then
	echo "$2 has no overview: bench/run.sh --report makes it"
	exit 1
fi
if [ "$(table "$1")" != "$(table "$2")" ]; then
	echo "the table in $1 is not the overview in $2:"
	table "$2"
	exit 1
fi
