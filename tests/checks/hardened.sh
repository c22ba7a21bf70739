#!/bin/sh
# The built program is as hard as its flags promise: what the loader and the
# compiler made of them is read from the binary itself.
# usage: hardened.sh PROGRAM
set -eu
command -v readelf >/dev/null || {
	echo "SKIP: there is no readelf (package binutils)"
	exit 77
}
all=$(readelf -W -h -l -d --dyn-syms "$1")
status=0

# $1 is what it is called, $2 the pattern that has to be there.
has() {
	if printf '%s\n' "$all" | grep -Eq "$2"; then
		echo "ok      $1"
	else
		echo "FAILED  $1: nothing is $2"
		status=1
	fi
}

has "its place in memory is random (PIE)" '\(FLAGS_1\).* PIE'
has "relocations are read-only (RELRO)" 'GNU_RELRO'
has "and all are done at the start (BIND_NOW)" '\(FLAGS\).* BIND_NOW'
has "the stack is no code" 'GNU_STACK +0x[0-9a-f]+ 0x[0-9a-f]+ 0x[0-9a-f]+ 0x[0-9a-f]+ 0x[0-9a-f]+ RW '
has "stacks are guarded (stack protector)" '__stack_chk_fail'
has "copies are checked (FORTIFY)" '__(memcpy|snprintf|vsnprintf|read|recv)_chk'
exit $status
