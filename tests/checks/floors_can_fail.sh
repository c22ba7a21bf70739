#!/bin/sh
# The check of the floors takes a good house and finds each kind of mistake.
# usage: floors_can_fail.sh FLOORS.SH
set -eu
check=$1
house=$(mktemp -d)
trap 'rm -rf "$house"' EXIT INT TERM

build() {
	rm -rf "$house/src" "$house/include"
	mkdir -p "$house/include"
	for floor in base os engine config service control cli; do
		mkdir -p "$house/src/$floor"
		printf '#include <stdio.h>\n#include "%s/a.h"\n' $floor \
			>"$house/src/$floor/a.c"
		: >"$house/src/$floor/a.h"
	done
	printf '#include "base/a.h"\n#include <uv.h>\n' \
		>"$house/include/lowport.h"
	printf '#include "os/a.h"\n#include "lowport.h"\n' \
		>"$house/src/config/b.c"
	printf '#include "config/a.h"\n#include "engine/a.h"\nuv_loop_t *l;\n' \
		>"$house/src/cli/b.c"
}

# refused FILE LINE: with that line in that file the check fails and names it.
refused() {
	build
	printf '%s\n' "$2" >>"$house/$1"
	if said=$(sh "$check" "$house"); then
		echo "not found: $1: $2"
		exit 1
	fi
	case $said in
	*"$1"*) ;;
	*)
		echo "found without naming $1: $said"
		exit 1
		;;
	esac
}

build
sh "$check" "$house"
refused src/base/a.c '#include "os/a.h"'
refused src/base/a.h '  #  include "lowport.h"'
refused src/os/a.c '#include "engine/a.h"'
refused src/os/a.c '#include "lowport.h"'
refused src/engine/a.c '#include "config/a.h"'
refused src/engine/a.c '#include "cli/a.h"'
refused src/config/a.c '#include "engine/a.h"'
refused src/config/a.c '#include "service/a.h"'
refused src/service/a.c '#include "control/a.h"'
refused src/control/a.c '#include "config/a.h"'
refused src/control/a.h '#include "cli/a.h"'
refused include/lowport.h '#include "engine/a.h"'
refused src/cli/a.c '#include "../os/a.h"'
refused src/cli/a.c '#include "a.h"'
refused src/cli/a.c '#include "base/missing.h"'
refused src/os/a.c '#include <uv.h>'
refused src/config/a.c '#include <uv/unix.h>'
refused src/service/a.c 'int err = uv_exepath(NULL, NULL);'
refused src/base/a.c 'uv_loop_t *loop;'

build
mkdir "$house/src/attic"
: >"$house/src/attic/a.c"
if sh "$check" "$house"; then
	echo "a floor that nobody knows was taken"
	exit 1
fi
rm -rf "$house/src" "$house/include"
mkdir "$house/src" "$house/include"
if sh "$check" "$house"; then
	echo "an empty house was taken"
	exit 1
fi
