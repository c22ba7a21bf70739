#!/bin/sh
# The tables and plots in folder $1, from the figures in its raw.tsv.
set -eu
here=$(cd -P -- "$(dirname -- "$0")" && pwd)
cd -P -- "$1"
export LC_ALL=C

# shellcheck source=bench/contestants.sh
. "$here/contestants.sh"
# shellcheck source=bench/loads.sh
. "$here/loads.sh"

# Load, contestant, figure: how often it was measured, median, least, most.
sort -t "$(printf '\t')" -k 1,1 -k 2,2 -k 4,4 -k 5,5g raw.tsv |
	awk -F '\t' -v OFS='\t' '
		function put() {
			if (n > 0)
				print was, n, (v[int((n + 1) / 2)] + \
					v[int(n / 2) + 1]) / 2, v[1], v[n]
		}
		{ key = $1 OFS $2 OFS $4 }
		key != was { put(); was = key; n = 0 }
		{ v[++n] = $5 }
		END { put() }' >summary.tsv

contestants >contestants.txt
loads >loads.txt
awk -f "$here/report.awk" contestants.txt loads.txt machine.tsv notes \
	summary.tsv >README.md
rm -f contestants.txt loads.txt ./*.svg

# Bars: load $1, figure $2, file $3, title $4.
bars() {
	contestants | awk -F '\t' -v load="$1" -v figure="$2" '
		FNR == NR {
			if ($1 == load && $3 == figure) {
				mid[$2] = $5; low[$2] = $6; high[$2] = $7
			}
			next
		}
		{
			split($0, word, " ")
			name = word[1]
			if (!(name in mid))
				next
			colour = word[2] == "own" ? 1 : word[2] == "rival" ? 2 : 3
			gsub("_", " ", name)
			printf "%d\t\"%s\"\t%s\t%s\t%s\t%d\n", ++n, name,
				mid[word[1]], low[word[1]], high[word[1]], colour
		}' summary.tsv - >"$3.dat"
	if [ -s "$3.dat" ]; then
		gnuplot -e "data='$3.dat'; out='$3.svg'; heading='$4'" \
			"$here/bars.gp"
	fi
	rm -f "$3.dat"
}

# What one connection costs, by how many there are: a block for each contestant.
growth() {
	who=
	for name in direct lowport_splice haproxy_splice nginx_stream \
		socket_proxyd; do
		awk -F '\t' -v name="$name" '
			$1 == "grow" && $2 == name {
				split($3, part, "@")
				value[part[1], part[2]] = $5
				sizes[part[2]] = 1
			}
			function of(figure, size) {
				if ((figure, size) in value)
					return value[figure, size]
				return "NaN"
			}
			END {
				for (size in sizes)
					print of("held", size), \
						of("connect_us", size), \
						of("pss_kib", size)
			}' summary.tsv | sort -n >growth.one
		[ -s growth.one ] || continue
		who="$who $name"
		cat growth.one
		printf '\n\n'
	done >growth.dat
	[ ! -s growth.dat ] ||
		gnuplot -e "who='$who'" "$here/growth.gp"
	rm -f growth.one growth.dat
}

if command -v gnuplot >/dev/null; then
	bars bulk gbits bulk 'One bulk stream, Gbit/s'
	bars bulk cpu_gb cpu 'Processor time of the relay, s per GB, one stream'
	bars connect per_s connections 'New connections a second'
	bars requests64 per_s requests 'Small requests a second, 64 connections'
	growth
else
	echo 'bench: no gnuplot, so no plots' >&2
fi
echo "bench: see $1/README.md" >&2
