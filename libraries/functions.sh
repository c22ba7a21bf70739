# shellcheck shell=sh disable=SC2154,SC2164
# The libraries of lowport, static, built from Debian's sources of them: for the
# cross build for macOS (launchd/cross/build.sh), and for the worlds of `./dev
# worlds` (build.sh beside this). Sourced in the root of the tree by scripts that
# say what $builder (their name) and $out (a folder for their log) are.
# What was fetched stays in build/libraries/src: the second run needs no network,
# and removing it asks for what is newest today.
cache=$PWD/build/libraries

# The newest suite that can be had wins: Homebrew, too, has the newest.
suites="sid trixie bookworm"

say() { printf '%s\n' "$*"; }

die() {
	say "$builder: $*" >&2
	exit 1
}

# Run $@; its output is shown only if it fails.
quietly() {
	"$@" >"$out/log" 2>&1 && return
	cat "$out/log" >&2
	die "failed: $*"
}

need() {
	command -v "$1" >/dev/null || die "there is no $1 here (package $2)"
}

# --- what is fetched -------------------------------------------------------

# The mirror that this machine takes Debian's own packages from.
mirror() {
	cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list \
		/etc/apt/sources.list.d/*.sources 2>/dev/null |
		sed -n 's/^\(URIs:\|deb \).*\(https\{0,1\}:[^ ]*\).*/\2/p' |
		grep -Ex -m 1 'https?://[^/]+/debian/?' ||
		say http://deb.debian.org/debian
}

# apt-get with sources and lists of its own, checked by Debian's keys as ever.
private_apt() {
	apt-get -q -o Dir::Etc::SourceList="$cache/apt/sources.list" \
		-o Dir::Etc::SourceParts=/dev/null \
		-o Dir::State::Lists="$cache/apt/lists" \
		-o Dir::Cache="$cache/apt/cache" \
		-o APT::Sandbox::User="$(id -un)" -o Acquire::Retries=2 "$@"
}

prepare_apt() {
	need apt-get apt
	need dpkg-source dpkg-dev
	keys=/usr/share/keyrings/debian-archive-keyring.gpg
	[ -r $keys ] || die "there is no $keys (package debian-archive-keyring)"
	mkdir -p "$cache/apt/lists/partial" "$cache/apt/cache/archives/partial"
	from=$(mirror)
	for suite in $suites; do
		say "deb-src [signed-by=$keys] $from $suite main"
	done >"$cache/apt/sources.list"
	say "reading the source lists of $from"
	private_apt update >"$out/log" 2>&1 || cat "$out/log" >&2
}

# The sources of Debian package $1, in build/libraries/src/$1-VERSION. A suite
# may list what its mirror does not have, sid above all: then the next one.
fetch_source() {
	for suite in $suites; do
		rm -rf "$cache/src/new"
		mkdir -p "$cache/src/new"
		(
			cd "$cache/src/new"
			private_apt source --download-only "$1/$suite" &&
				dpkg-source --no-check -x ./*.dsc tree
		) >"$out/log" 2>&1 || {
			sed -n "s/^E: .*\/\([^/]*\.dsc\) .*404.*/not there: \1 ($suite)/p" \
				"$out/log"
			continue
		}
		version=$(sed -n 's/^Version: *\([0-9]*:\)*//p' \
			"$cache"/src/new/*.dsc | head -n 1)
		mv "$cache/src/new/tree" "$cache/src/$1-${version%-*}"
		say "fetched $1 $version ($suite)"
		return
	done
	cat "$out/log" >&2
	die "$1: none of $suites has its source"
}

# Sets source and version of library $1, if it is there.
find_source() {
	for source in "$cache/src/$1"-*; do
		version=${source##*-}
		[ ! -d "$source" ] || return 0
	done
	return 1
}

# The sources of $@, each a Debian package.
fetch_sources() {
	listed=
	mkdir -p "$cache/src"
	for library in "$@"; do
		find_source "$library" && continue
		[ -n "$listed" ] || prepare_apt
		listed=yes
		fetch_source "$library"
	done
	rm -rf "$cache/src/new"
}

# --- what is built ---------------------------------------------------------

# Into prefix $1, with what else configure is told. How it names its own files must
# not be how they are called here.
build_libmicrohttpd() {
	prefix=$1
	shift
	find_source libmicrohttpd
	mkdir -p "$prefix/build-libmicrohttpd"
	(
		cd "$prefix/build-libmicrohttpd"
		[ -e Makefile ] || quietly "$source/configure" \
			--prefix="$prefix" --disable-shared --enable-static \
			CFLAGS="-O2 -ffile-prefix-map=$source=." \
			--disable-https \
			--disable-doc --disable-examples --disable-tools \
			--disable-curl --disable-messages --disable-dauth \
			--disable-bauth --disable-postprocessor \
			--disable-httpupgrade --with-threads=posix \
			ACLOCAL=: AUTOCONF=: AUTOHEADER=: AUTOMAKE=: "$@"
		quietly make -j "$CMAKE_BUILD_PARALLEL_LEVEL" install
	)
}
