#!/bin/sh
# The check of the options wants each of them, under its whole name.
# usage: options_can_fail.sh OPTIONS.SH
set -eu
check=$1
scrap=$(mktemp -d)
trap 'rm -rf "$scrap"' EXIT INT TERM

cat >"$scrap/lowport" <<'EOF'
#!/bin/sh
printf 'usage: lowport run --frob\n\n  --to BACKEND   there\n'
printf '  --idle-timeout TIME   so long (0)\n'
EOF
chmod +x "$scrap/lowport"

# taken TEXT, refused TEXT: the check says so of that README.
taken() {
	printf '%s\n' "$1" >"$scrap/README.md"
	sh "$check" "$scrap/lowport" "$scrap/README.md"
}

refused() {
	if taken "$1"; then
		echo "taken: $1"
		exit 1
	fi
}

taken 'Use `--to` and --idle-timeout=5s.'
refused 'Use `--to` alone.'
refused 'Use --total and --idle-timeout.'
refused 'Use --to and --idle-timeout-ms.'
refused 'Use --to and --idle.'

printf '#!/bin/sh\nexit 0\n' >"$scrap/lowport"
if taken 'Use --to.'; then
	echo "a program without options was taken"
	exit 1
fi
rm "$scrap/README.md"
if sh "$check" "$scrap/lowport" "$scrap/README.md"; then
	echo "a missing README was taken"
	exit 1
fi
