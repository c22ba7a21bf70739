#!/bin/sh
# iperf3, one stream each way over loopback: direct, through lowport with
# splice, and through lowport copying. The three take turns, so that a machine
# that slows down slows all of them; the medians are printed as a table.
set -eu
cd -P -- "$(dirname -- "$0")/.."

rounds=5 seconds=5
case $* in
'') ;;
--quick) rounds=3 seconds=1 ;;
*)
	echo "usage: bench/run.sh [--quick]" >&2
	exit 2
	;;
esac
lowport=build/release/lowport
work=$(mktemp -d)
children=

finish() {
	trap '' INT TERM
	for pid in $children; do
		kill "$pid" 2>/dev/null || :
	done
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

die() {
	echo "bench: $*" >&2
	exit 1
}

# Wait until $work/$2 says $3. False if process $1 has ended before, or after
# ten seconds.
says() {
	tries=100
	until grep -q "$3" "$work/$2"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] && kill -0 "$1" 2>/dev/null || return 1
		sleep 0.1
	done
}

start_server() {
	for server_port in 5201 5202 5203 5204 5205; do
		iperf3 -s -B 127.0.0.1 -p $server_port --forceflush \
			>"$work/server" 2>&1 &
		children="$! $children"
		says $! server 'Server listening' && return
	done
	die "iperf3 -s: $(cat "$work/server")"
}

# lowport $1 (splice or copy), with the options behind it. Sets pid and port.
start_lowport() {
	name=$1
	shift
	"$lowport" run --listen 127.0.0.1:0 --to "127.0.0.1:$server_port" \
		--access-log off "$@" >"$work/$name" 2>&1 &
	pid=$!
	children="$pid $children"
	says $pid "$name" 'listening on' || die "lowport: $(cat "$work/$name")"
	port=$(sed -n 's/.*listening on 127.0.0.1:\([0-9]*\).*/\1/p' \
		"$work/$name")
}

# The processor time of process $1 so far, in seconds.
cpu_of() {
	if [ -r "/proc/$1/stat" ]; then
		awk -v tick="$(getconf CLK_TCK)" '{
			sub(/.*\) /, "")
			print ($12 + $13) / tick
		}' "/proc/$1/stat"
	else
		ps -o time= -p "$1" | awk -F: '{
			for (i = 1; i <= NF; i++)
				s = s * 60 + $i
			print s
		}'
	fi
}

# One measurement to port $3, named $1 $2 ("forward splice"), with the lowport
# that has pid $4, or 0. Leaves a line: name, Gbit/s, processor seconds per GB.
measure() {
	reverse=
	[ "$1" = forward ] || reverse=-R
	before=0 after=0
	[ "$4" = 0 ] || before=$(cpu_of "$4")
	# shellcheck disable=SC2086
	iperf3 -c 127.0.0.1 -p "$3" -t $seconds -J $reverse >"$work/json" ||
		die "iperf3 $1 $2: $(grep '"error"' "$work/json")"
	[ "$4" = 0 ] || after=$(cpu_of "$4")
	awk -F: -v name="$1-$2" -v cpu="$after $before" '
		/"sum_received"/ { sum = 1 }
		sum && /"bytes"/ { bytes = $2 + 0 }
		sum && /"bits_per_second"/ { rate = $2 + 0; sum = 0 }
		END {
			split(cpu, at, " ")
			printf "%s %.3f %.4f\n", name, rate / 1e9,
				(at[1] - at[2]) / (bytes / 1e9)
		}
	' "$work/json" >>"$work/results"
}

# The median of column $2 of the measurements named $1.
median() {
	awk -v name="$1" -v column="$2" '$1 == name { print $column }' \
		"$work/results" | sort -n |
		awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

row() {
	direct=$(median "$1-direct" 2)
	cpu=-
	[ "$2" = direct ] || cpu=$(median "$1-$2" 3)
	awk -v way="$1" -v how="$2" -v rate="$(median "$1-$2" 2)" \
		-v direct="$direct" -v cpu="$cpu" 'BEGIN {
		printf "| %s | %s | %.1f | %.2f | %s |\n", way, how, rate,
			rate / direct, cpu == "-" ? cpu : sprintf("%.3f", cpu)
	}'
}

processor() {
	sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1 |
		grep . || sysctl -n machdep.cpu.brand_string 2>/dev/null ||
		uname -m
}

start_server
start_lowport splice --splice auto
splice_pid=$pid splice_port=$port
start_lowport copy --splice off
copy_pid=$pid copy_port=$port

round=0
while [ $round -lt $rounds ]; do
	round=$((round + 1))
	echo "round $round of $rounds" >&2
	for way in forward reverse; do
		measure $way direct "$server_port" 0
		measure $way splice "$splice_port" "$splice_pid"
		measure $way copy "$copy_port" "$copy_pid"
	done
done

cat <<END
$(processor), $(getconf _NPROCESSORS_ONLN) cores for client, relay and server
together; $(uname -srm); $("$lowport" --version); $(iperf3 --version | head -n 1).
One stream over loopback, $rounds rounds of $seconds s in turns, medians. 1 GB is
10^9 bytes.

| way | through | Gbit/s | of direct | lowport's CPU seconds per GB |
|---|---|--:|--:|--:|
END
for way in forward reverse; do
	for how in direct splice copy; do
		row $way $how
	done
done
