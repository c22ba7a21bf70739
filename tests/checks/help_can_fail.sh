#!/bin/sh
# The check of the help finds what is too wide, too long, or not there.
# usage: help_can_fail.sh HELP.SH
set -eu
check=$1
scrap=$(mktemp -d)
trap 'rm -rf "$scrap"' EXIT INT TERM

# says LINES COLUMNS: what is made of a command whose help is so large.
says() {
	cat >"$scrap/lowport" <<END
#!/bin/sh
[ "\$1" != --help ] || { echo; echo "  go   somewhere"; exit; }
seq -f %0$2g 1 $1
END
	chmod +x "$scrap/lowport"
	if sh "$check" "$scrap/lowport" >/dev/null; then
		echo taken
	else
		echo refused
	fi
}

[ "$(says 24 80)" = taken ]
[ "$(says 25 80)" = refused ]
[ "$(says 24 81)" = refused ]
[ "$(says 0 80)" = refused ]
printf '#!/bin/sh\n' >"$scrap/lowport"
! sh "$check" "$scrap/lowport" >/dev/null
