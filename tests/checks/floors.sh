#!/bin/sh
# Includes only point down, and libuv stays on the floors that may know it.
# usage: floors.sh ROOT
set -eu
cd "$1"

# What each floor may include from, beside the system. lowport.h is the engine's
# public face: service, control and config are neighbours that see no more.
sees() {
	case $1 in
	base) echo base ;;
	os) echo base os ;;
	engine) echo base os lowport.h engine ;;
	config | service | control) echo base os lowport.h "$1" ;;
	cli) echo base os lowport.h engine config service control cli ;;
	include) echo base os ;;
	esac
}

wrong=0

complain() {
	echo "$1"
	wrong=1
}

check_includes() {
	allowed=$(sees "$2")
	if [ -z "$allowed" ]; then
		complain "$1: \"$2\" is not a floor of the house"
		return
	fi
	for target in $(sed -n \
		's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p' \
		"$1"); do
		case " $allowed " in
		*" ${target%%/*} "*)
			[ -e "src/$target" ] || [ -e "include/$target" ] ||
				complain "$1 includes $target, which is not there"
			;;
		*) complain "$1 includes $target; it may see: $allowed" ;;
		esac
	done
}

check_libuv() {
	case $2 in
	engine | control | cli | include) return ;;
	esac
	if grep -nE '(^|[^[:alnum:]_])uv_|include[[:space:]]*[<"]uv[./]' "$1"; then
		complain "$1 knows libuv; only engine, control and cli may"
	fi
}

files=$(find src/ include/ -name '*.[ch]' | sort)
[ -n "$files" ] || complain "there is nothing to look at in $1"
for file in $files; do
	floor=${file#src/}
	check_includes "$file" "${floor%%/*}"
	check_libuv "$file" "${floor%%/*}"
done
exit $wrong
