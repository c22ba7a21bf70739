#!/bin/sh
# What the pages link to is there: files, and headings of the same page.
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

pages=$(find ./*.md bench conf launchd -name '*.md')
for page in $pages; do
	# shellcheck disable=SC2013 # a link has no blanks
	for link in $(grep -o ']([^)]*)' "$page" | sed 's/^](//; s/)$//'); do
		case $link in
		*://*) ;;
		'#'*)
			anchors "$page" | grep -qxF -- "${link#?}" ||
				complain "$page: no heading is called $link"
			;;
		*)
			[ -e "$(dirname "$page")/${link%%#*}" ] ||
				complain "$page: $link is not there"
			;;
		esac
	done
done
exit $wrong
