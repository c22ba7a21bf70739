#!/bin/sh
# What the pages link to is there: files, and headings in them.
# usage: links.sh ROOT
set -eu
cd "$1"
wrong=0

complain() {
	echo "$*"
	wrong=1
}

# anchors PAGE: its headings, as GitHub calls them.
anchors() {
	sed -n 's/^##* //p' "$1" | tr 'A-Z ' 'a-z-' | tr -cd 'a-z0-9_\n-'
}

pages=$(find ./*.md bench conf launchd tests -name '*.md' \
	-not -path '*/node_modules/*')
for page in $pages; do
	# shellcheck disable=SC2013 # a link has no blanks
	for link in $(grep -o ']([^)]*)' "$page" | sed 's/^](//; s/)$//'); do
		case $link in
		*://*) continue ;;
		'#'*) target=$page ;;
		*) target=$(dirname "$page")/${link%%#*} ;;
		esac
		[ -e "$target" ] || {
			complain "$page: $link is not there"
			continue
		}
		case $link in
		*'#'*)
			anchors "$target" | grep -qxF -- "${link#*#}" ||
				complain "$page: no heading is called $link"
			;;
		esac
	done
done
exit $wrong
