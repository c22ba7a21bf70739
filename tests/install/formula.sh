#!/bin/sh
# The Homebrew formula, as far as it can be played through without brew.
# usage: formula.sh SOURCE_FOLDER
set -eu
[ "$(id -u)" = 0 ] && drop=setpriv || drop=
for needed in ruby python3 curl $drop; do
	command -v $needed >/dev/null || {
		echo "SKIP: there is no $needed here"
		exit 77
	}
done
formula=$1/HomebrewFormula/lowport.rb
ruby -wc "$formula"
exec ruby "$(dirname "$0")/brew.rb" "$formula" "$1"
