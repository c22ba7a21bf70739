#!/bin/sh
# The check of the links finds each that leads nowhere.
# usage: links_can_fail.sh LINKS.SH
set -eu
check=$1
house=$(mktemp -d)
trap 'rm -rf "$house"' EXIT INT TERM
mkdir -p "$house/bench" "$house/conf/examples" "$house/launchd" "$house/tests"
echo '# Here' >"$house/conf/examples/a.md"

# says TEXT: what the check makes of a page with it.
says() {
	# shellcheck disable=SC2016 # no expansion is meant
	printf '# A page\n\n## With `code`, and more\n%s\n' "$1" \
		>"$house/README.md"
	if sh "$check" "$house" >/dev/null; then
		echo taken
	else
		echo refused
	fi
}

[ "$(says 'no link')" = taken ]
[ "$(says '[a](conf/examples/a.md), [b](conf) and [c](https://a.test/b)')" = taken ]
[ "$(says '[a](#a-page), [b](#with-code-and-more)')" = taken ]
[ "$(says '[a](conf/examples/a.md#here)')" = taken ]
[ "$(says '[a](conf/examples/a.md#there)')" = refused ]
[ "$(says '[a](conf/examples/b.md)')" = refused ]
[ "$(says '[a](conf) and [b](nowhere)')" = refused ]
[ "$(says '[a](#a-pages)')" = refused ]
[ "$(says '[a](#with-code)')" = refused ]
rm "$house/conf/examples/a.md"
echo '[a](../../READ.md)' >"$house/conf/examples/a.md"
[ "$(says 'no link')" = refused ]
