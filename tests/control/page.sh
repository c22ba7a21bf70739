#!/bin/sh
# The page in a real browser: once with made up numbers, once from a lowport that
# relays.
# usage: page.sh SHOWN LOWPORT
set -eu
shown=$1 lowport=$2
here=$(cd -- "$(dirname -- "$0")" && pwd)

skip() {
	echo "skip: $*"
	exit 77
}

find_browser() {
	for browser in chromium-headless-shell chromium chromium-browser \
		google-chrome /usr/lib*/chromium*/headless_shell; do
		! command -v "$browser" || return 0
	done
	false
}

command -v node >/dev/null || skip "node (nodejs)"
node -e 'process.exit(parseInt(process.version.slice(1)) < 18 ? 1 : 0)' ||
	skip "node 18 or newer"
browser=$(find_browser) || skip "a browser (chromium-headless-shell)"
HOME=$(mktemp -d)
export HOME
# A browser that was killed may write to its profile for a moment.
trap 'rm -rf "$HOME" 2>/dev/null || { sleep 1; rm -rf "$HOME"; }' EXIT INT TERM
timeout 150 node "$here/page.mjs" "$browser" "$shown" "$lowport"
