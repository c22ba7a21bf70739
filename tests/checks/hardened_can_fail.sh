#!/bin/sh
# hardened.sh finds a program that is not: each of its checks fails for one.
# usage: hardened_can_fail.sh HARDENED.SH CC
set -eu
command -v readelf >/dev/null || {
	echo "SKIP: there is no readelf (package binutils)"
	exit 77
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo 'int main(void) { return 0; }' >"$work/soft.c"
"$2" -O0 -fno-pie -no-pie -fno-stack-protector -z norelro -z lazy \
	-z execstack -U_FORTIFY_SOURCE -o "$work/soft" "$work/soft.c"
if sh "$1" "$work/soft" >"$work/said"; then
	cat "$work/said"
	echo "a soft program passes"
	exit 1
fi
if grep '^ok' "$work/said"; then
	echo "these pass for a program that has none of it"
	exit 1
fi
