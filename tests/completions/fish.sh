# What fish offers behind a line: one word a line.
# usage: sh fish.sh LOWPORT LINE
set -eu
PATH=$(dirname "$1"):$PATH
export PATH
# shellcheck disable=SC2016 # these are fish's
fish --no-config -c 'lowport completions fish | source
	complete -C $argv[1]' "$2" | cut -f 1
