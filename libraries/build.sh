#!/bin/sh
# Libraries of lowport for this machine, static, in a prefix of their own:
# build/libraries/WORLD, for ./dev worlds.
# usage: build.sh WORLD FLAGS LIBRARY...: FLAGS are for the compiler, a LIBRARY is
# the name of its Debian source.
set -eu
cd -P -- "$(dirname -- "$0")/.."
: "${CMAKE_BUILD_PARALLEL_LEVEL:=$(getconf _NPROCESSORS_ONLN)}"
export CMAKE_BUILD_PARALLEL_LEVEL
world=$1 flags=$2
shift 2
out=$PWD/build/libraries/$world
builder="libraries of $world"
. libraries/functions.sh

mkdir -p "$out"
need make make
need cmake cmake
fetch_sources "$@"
by_cmake=
for library in "$@"; do
	case $library in
	libmicrohttpd) build_libmicrohttpd "$out" CC="cc $flags" ;;
	*) by_cmake="$by_cmake;$library" ;;
	esac
done
quietly cmake -S libraries -B "$out/build" -G "Unix Makefiles" \
	-DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS="$flags" \
	-DCMAKE_INSTALL_PREFIX="$out" -DCMAKE_INSTALL_LIBDIR=lib \
	-DSOURCES="$cache/src" -DLIBRARIES="${by_cmake#;}"
quietly cmake --build "$out/build"
quietly cmake --install "$out/build"
for library in "$@"; do
	find_source "$library"
	say "$world: $library $version"
done
