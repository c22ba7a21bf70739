#!/bin/sh
# The check of the manual pages finds what is missing, changed or misspelt.
# usage: manual_can_fail.sh MANUAL.SH LOWPORT FOLDER
set -eu
command -v mandoc >/dev/null || {
	echo "SKIP: there is no mandoc here to look at the pages"
	exit 77
}
scrap=$(mktemp -d)
trap 'rm -rf "$scrap"' EXIT INT TERM

# refused PAGE SCRIPT: with the page edited so, the check fails.
refused() {
	cp "$source"/* "$scrap"
	sed "$2" "$source/$1" >"$scrap/$1"
	if cmp -s "$source/$1" "$scrap/$1"; then
		echo "$2 changes nothing in $1"
		exit 1
	fi
	if sh "$check" "$lowport" "$scrap" >/dev/null; then
		echo "taken: $1 with $2"
		exit 1
	fi
}

check=$1
lowport=$2
source=$3
sh "$check" "$lowport" "$source"
refused lowport.1 '/^\.It Fl -threads /d'
refused lowport.conf.5 '/^\.It Ic threads /d'
refused lowport.1 's/^\.Cm 10m \./.Cm 11m ./'
refused lowport.conf.5 's/^\.Cm 10m \./.Cm 11m ./'
refused lowport.1 '/^\.It Cm doctor$/d'
refused lowport.1 's/^\.It Fl -daemon$/.It Fl -demon/'
refused lowport.1 's/^\.Sh OPTIONS/.Shh OPTIONS/'
refused lowport.conf.5 's/^\.El/.Ell/'
refused lowport.1 '/begin options/d'
