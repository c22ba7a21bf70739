# shellcheck shell=sh
# What they have to carry. One row each: name, the backend (iperf, web, load),
# the unit of the relay's processor time (gb, connection, request or -), how it
# is measured (rounds: a measurement each round, all relays up; alone: one
# relay up at a time), whether it is in --quick, and what it is. Then a
# function load_NAME, which runs it once through port $1 and prints a line for
# each figure: its name and its value. "work" is what the processor time is
# divided by.

loads() {
	cat <<'END'
bulk        iperf gb         rounds quick iperf3, one stream, client to server
reverse     iperf gb         rounds full  iperf3 -R, one stream, server to client
parallel    iperf gb         rounds full  iperf3 -P 8, eight streams
both        iperf gb         rounds full  iperf3 --bidir, one stream each way
connect     web   connection rounds quick wrk, 64 clients, a connection for each request
request     web   request    rounds quick wrk, small requests on one connection
requests64  web   request    rounds quick wrk, small requests on 64 connections
exchange1   load  request    rounds full  1 byte there and back, 2000 a second on 8 connections
exchange16k load  request    rounds full  16 KiB there and back, 1000 a second on 8 connections
beside      load  -          rounds full  1 byte there and back, 1000 a second, beside 4 bulk connections
crowd10     load  gb         rounds full  10 bulk connections, server to client
crowd500    load  gb         rounds full  500 bulk connections, server to client
idle        load  -          alone  quick idle connections
counts      load  -          alone  quick what noise cannot touch: system calls, instructions
grow        load  -          alone  full  more and more idle connections
END
}

bulk() {
	port=$1
	shift
	$via $limit iperf3 -c 127.0.0.1 -p "$port" -t "$seconds" -J "$@" \
		>"$work/json" || {
		grep '"error"' "$work/json" >&2
		return 1
	}
	awk -F: '
		/"sum_received(_bidir_reverse)?"/ { sum = 1 }
		sum && /"bytes"/ { bytes += $2 }
		sum && /"bits_per_second"/ { rate += $2; sum = 0 }
		END {
			print "gbits", rate / 1e9
			print "work", bytes / 1e9
		}
	' "$work/json"
}

load_bulk() { bulk "$1"; }
load_reverse() { bulk "$1" -R; }
load_parallel() { bulk "$1" -P 8; }
load_both() { bulk "$1" --bidir; }

web() {
	port=$1
	shift
	$via $limit wrk -t 1 -d "${seconds}s" -s bench/wrk.lua "$@" \
		"http://127.0.0.1:$port/"
}

load_connect() { web "$1" -c 64 -H 'Connection: close'; }
load_request() { web "$1" -c 1; }
load_requests64() { web "$1" -c 64; }

own_load() { $via $limit "$work/load" "$@"; }

load_exchange1() { own_load rate "$1" 1 2000 "${seconds}000"; }
load_exchange16k() { own_load rate "$1" 16384 1000 "${seconds}000"; }
load_beside() { own_load rate "$1" 1 1000 "${seconds}000" 4; }

crowd() {
	own_load crowd "$1" "$2" "${seconds}000" |
		sed 's/^bulk_gbits/gbits/; s/^bulk_gb/work/'
}

load_crowd10() { crowd "$1" 10; }
load_crowd500() { crowd "$1" 500; }

# --- alone -----------------------------------------------------------------

# Hold $3 idle connections through contestant $1, port $2, and see what they
# cost. The figures are for one of them; kernel_kib is what the whole system's
# kernel took, client and server included.
hold() {
	own_load connects "$2" 200 >/dev/null
	settle
	memory=$(memory_of "$1")
	rm -f "$work/hold.in"
	mkfifo "$work/hold.in"
	: >"$work/hold"
	# shellcheck disable=SC2086
	$via "$work/load" hold "$2" "$3" <"$work/hold.in" >"$work/hold" \
		2>"$work/hold.err" &
	holder=$!
	children="$holder $children"
	exec 3>"$work/hold.in"
	says $holder "$work/hold" holding 600 || {
		exec 3>&-
		cat "$work/hold.err" >&2
		return 1
	}
	settle
	echo "$memory $(memory_of "$1") $(sed -n 's/^holding //p' \
		"$work/hold")" | awk '{
		held = $7 > 0 ? $7 : 1
		print "held", $7
		if ($4 > 0)
			print "pss_kib", ($4 - $1) / held
		if ($5 > 0)
			print "descriptors", ($5 - $2) / held
		print "kernel_kib", ($6 - $3) / held
	}'
	grep open_us "$work/hold"
	own_load connects "$2" 500 | sed -n 's/^p50_us/connect_us/p'
	own_load rate "$2" 1 1000 500 | sed -n 's/^p50_us/exchange_us/p'
	exec 3>&-
	wait $holder || :
}

# How many connections contestant $1 is asked to hold: what its descriptors
# carry, but socat, which has a process for each, is spared.
capacity() {
	case $1 in
	haproxy_*) echo $((most * 4 / 5 - 150)) ;;
	socket_proxyd) echo $((most / 3 - 100)) ;;
	socat) echo 1000 ;;
	*) echo $((most - 100)) ;;
	esac
}

idle_sizes() {
	case $1-$2 in
	idle-*) [ -n "$quick" ] && echo 1000 || echo 5000 ;;
	grow-*) echo "100 1000 10000 $most" ;;
	esac | tr ' ' '\n' | awk -v most="$(capacity "$2")" '
		{ n = $1 > most ? most : $1 }
		!seen[n]++ { print n }'
}

alone_idle() {
	for size in $(idle_sizes "$1" "$2"); do
		start "$2" load || return 1
		hold "$2" "$(port_of "$2" load)" "$size" >"$work/out" ||
			return 1
		stop "$2"
		[ "$1" = idle ] || sed "s/ / $size /" "$work/out" |
			awk '{ print $1 "@" $2, $3 }' >"$work/sized"
		[ "$1" = idle ] || mv "$work/sized" "$work/out"
		record "$1" "$2" "$round" <"$work/out"
	done
}

alone_grow() { alone_idle "$@"; }

# How many system calls contestant $1 makes while the command behind it runs.
# perf counts without slowing the relay down; strace stops it at each call.
count_calls() {
	watched=$(tree_of "$(pid_of "$1")")
	shift
	if [ "$counter" = perf ]; then
		perf stat -x , -o "$work/perf" -e raw_syscalls:sys_enter \
			-p "$(echo "$watched" | paste -s -d , -)" \
			-- "$@" >"$work/counted" || return 1
		awk -F , '/raw_syscalls/ { print $1 }' "$work/perf"
	else
		trace "$watched" "$@" || return 1
		awk '$NF == "total" { print $4 }' "$work/calls"
	fi
}

# Run the command behind $1 while strace counts what the processes $1 do.
trace() {
	processes=$(echo "$1" | wc -l)
	# shellcheck disable=SC2046
	strace -c -f -o "$work/calls" $(echo "$1" | sed 's/^/-p /') \
		2>"$work/strace" &
	tracer=$!
	children="$tracer $children"
	shift
	tries=100
	until [ "$(grep -c attached "$work/strace")" -ge "$processes" ]; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] && kill -0 $tracer 2>/dev/null || {
			tail -n 1 "$work/strace" >&2
			return 1
		}
		sleep 0.05
	done
	"$@" >"$work/counted" && traced=0 || traced=1
	kill -INT $tracer
	wait $tracer || :
	return $traced
}

# What one connection costs callgrind's processor in lowport's own code: what
# 1000 more of them add.
instructions() {
	from=0
	for times in 100 1100; do
		"relay_$1" "$2" "$(port_of direct load)" "$work/load.sock" \
			>"$work/callgrind.$times" 2>&1 &
		valgrind=$!
		children="$valgrind $children"
		until_listens "$2" $valgrind || return 1
		"$work/load" connects "$2" $times >/dev/null
		kill $valgrind
		wait $valgrind || :
		to=$(sed -n 's/.*Collected : //p' "$work/callgrind.$times")
		[ -n "$to" ] || return 1
		[ $from -gt 0 ] || from=$to
	done
	echo "instructions $(((to - from) / 1000))"
}

alone_counts() {
	[ "$2" != direct ] && [ "$2" != kernel ] || return 0
	port=$(port_of "$2" load)
	if [ "$counter" != none ]; then
		start "$2" load || return 1
		"$work/load" connects "$port" 20 >/dev/null
		calls=$(count_calls "$2" "$work/load" connects "$port" 1000) ||
			return 1
		echo "calls_connection $calls" |
			awk '{ print $1, $2 / 1000 }' >"$work/out"
		calls=$(count_calls "$2" "$work/load" crowd "$port" 1 500) ||
			return 1
		awk -v calls="$calls" '/bulk_gb / {
			print "calls_mb", calls / ($2 * 1000)
		}' "$work/counted" >>"$work/out"
		if [ -z "$quick" ] && command -v strace >/dev/null &&
			trace "$(tree_of "$(pid_of "$2")")" \
				"$work/load" connects "$port" 1000; then
			awk '$1 ~ /^[0-9.]+$/ && $NF != "total" {
				print "call_" $NF, $4 / 1000
			}' "$work/calls" >>"$work/out"
		fi
		stop "$2"
		record "$1" "$2" "$round" <"$work/out"
	fi
	case $2 in
	lowport_splice | lowport_copy | lowport_before)
		[ -z "$quick" ] && command -v valgrind >/dev/null || return 0
		(
			as="valgrind --tool=callgrind"
			as="$as --callgrind-out-file=/dev/null"
			cd "$work/$2"
			instructions "$2" "$port"
		) >"$work/out" || return 1
		record "$1" "$2" "$round" <"$work/out" ;;
	esac
}
