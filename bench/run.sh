#!/bin/sh
# The bench: every contestant under every load, in rounds (A B C A B C), so that
# a machine that slows down slows all of them.
set -eu
cd -P -- "$(dirname -- "$0")/.."
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH LC_ALL=C

usage() {
	cat <<'END'
bench/run.sh [OPTIONS] [LOAD...]     all loads, if none is named

--quick             a few loads, shortly: under three minutes
--rounds N          how often each is measured (5, or 2)
--seconds N         how long each measurement takes (2, or 1)
--only "NAME..."    only these contestants
--lowport PROGRAM   measure this one (build/release/lowport)
--before PROGRAM    a lowport to compare with, as one more contestant
--out DIR           where results go: bench/results if everything is measured,
                    else build/bench
--report DIR        only write the tables and plots again, from DIR/raw.tsv
END
}

die() {
	echo "bench: $*" >&2
	exit 1
}

# shellcheck source=bench/contestants.sh
. bench/contestants.sh
# shellcheck source=bench/loads.sh
. bench/loads.sh
# shellcheck source=bench/proc.sh
. bench/proc.sh

quick='' rounds='' seconds='' only='' before='' out='' chosen=''
lowport=build/release/lowport
parse() {
	while [ $# -gt 0 ]; do
		case $1 in
		--quick) quick=yes ;;
		--rounds | --seconds | --only | --lowport | --before | --out | \
			--report)
			[ $# -gt 1 ] || die "$1 wants a value"
			case $1 in
			--rounds) rounds=$2 ;;
			--seconds) seconds=$2 ;;
			--only) only=$2 ;;
			--lowport) lowport=$2 ;;
			--before) before=$2 ;;
			--out) out=$2 ;;
			--report) exec bench/report.sh "$2" ;;
			esac
			shift ;;
		-h | --help)
			usage
			exit 0 ;;
		*)
			loads | grep -q "^$1 " || {
				echo "bench: \"$1\" is no load" >&2
				usage >&2
				loads | sed 's/ .*//' | paste -s -d ' ' - >&2
				exit 2
			}
			chosen="$chosen $1" ;;
		esac
		shift
	done
}
parse "$@"
for name in $only; do
	contestants | grep -q "^$name " ||
		die "no contestant is called \"$name\":" \
			"$(contestants | sed 's/ .*//' | paste -s -d ' ' -)"
done

# In a network namespace of its own if that may be: no port is in use there, and
# nothing of it is left behind.
if [ -z "${BENCH_NET-}" ]; then
	BENCH_NET=shared BENCH_USER=$(id -un 2>/dev/null || id -u)
	for own in "unshare --net" "unshare --user --map-root-user --net"; do
		if $own true 2>/dev/null; then
			BENCH_NET=own
			export BENCH_NET BENCH_USER
			exec $own "$0" "$@"
		fi
	done
fi
net=$BENCH_NET user=$BENCH_USER
unset BENCH_NET BENCH_USER

if [ -z "$out" ]; then
	out=build/bench
	[ -n "$quick$chosen$only" ] || out=bench/results
fi
if [ -n "$quick" ]; then
	: "${rounds:=2}" "${seconds:=1}"
else
	: "${rounds:=5}" "${seconds:=2}"
fi
[ -n "$chosen" ] || chosen=$(loads | awk -v quick="$quick" '
	!quick || $5 == "quick" { print $1 }')

work=$(mktemp -d)
chmod 755 "$work"
children='' started=''

finish() {
	trap '' INT TERM
	for pid in $children; do
		# shellcheck disable=SC2046
		kill $(tree_of "$pid") 2>/dev/null || :
	done
	sleep 0.2
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

# --- the place -------------------------------------------------------------

# What a namespace of ours looks like. BBR, which some systems have as their
# default, paces by timers: over loopback it measures those.
prepare_net() {
	$1 ip link set lo up
	for control in cubic reno; do
		! $1 sysctl -qw net.ipv4.tcp_congestion_control=$control \
			2>/dev/null || break
	done
	$1 sysctl -qw net.ipv4.ip_local_port_range='1024 60999'
}

# shellcheck disable=SC3045 # every sh that this runs on has ulimit -n
{
	ulimit -n "$(ulimit -Hn)" 2>/dev/null || :
	descriptors=$(ulimit -n)
}
most=$descriptors
case $most in
unlimited) most=131072 ;;
esac
# Two descriptors for each connection, and some to spare.
most=$(((most - 200) / 2))
[ $most -lt 60000 ] || most=60000

via='' kernel_net='' limit='' pin='' pin_load='' as=''
base=61000
[ "$net" != own ] || prepare_net ''
! command -v timeout >/dev/null || limit='timeout 60'
cores=$(getconf _NPROCESSORS_ONLN)
if [ "$cores" -ge 4 ] && command -v taskset >/dev/null; then
	pin='taskset -c 0,1' pin_load="taskset -c 2-$((cores - 1))"
	limit="$limit $pin_load"
fi

# As root, each relay gets a user of its own, for what the kernel rations by
# user: pipes.
may_be_others() {
	setpriv --reuid 64000 --regid 64000 --clear-groups true 2>/dev/null
}

# What counts system calls.
counter=none
if perf stat -e raw_syscalls:sys_enter true >/dev/null 2>&1; then
	counter=perf
elif strace -c -o /dev/null true 2>/dev/null; then
	counter=strace
fi

[ -x "$lowport" ] || die "there is no $lowport: ./dev build makes one"
cmake --preset release >/dev/null
cmake --build --preset release --target bench_load >"$work/build" ||
	die "bench_load does not build: $(cat "$work/build")"
cp "$lowport" "$work/lowport"
cp build/release/bench/bench_load "$work/load"
[ -z "$before" ] || cp "$before" "$work/before"
one_worker=''
! "$work/lowport" run --help | grep -q -- '--threads' ||
	one_worker='--threads 1'

# --- processes -------------------------------------------------------------

# The port of contestant $1 for backend $2. Those of the backends are direct's.
port_of() {
	contestants | awk -v name="$1" -v backend="$2" -v base=$base '
		BEGIN { at["iperf"] = 1; at["web"] = 2; at["load"] = 3 }
		$1 == name { print base + 10 * NR + at[backend] }'
}

pid_of() {
	cat "$work/pid.$1" 2>/dev/null || :
}

# Contestant $1, for backend $2.
start() {
	case $1 in
	direct | kernel) return 0 ;;
	esac
	mkdir -p "$work/$1"
	listen=$(port_of "$1" "$2")
	(
		cd "$work/$1"
		if may_be_others; then
			id=$((64000 + listen - base))
			chown $id .
			as="setpriv --reuid $id --regid $id --clear-groups"
		fi
		"relay_$1" "$listen" "$(port_of direct "$2")" "$work/$2.sock"
	) >"$work/$1/log" 2>&1 &
	echo $! >"$work/pid.$1"
	children="$! $children"
	started="$started $1"
	until_listens "$listen" $! || {
		echo "$1 does not start: $(tail -n 3 "$work/$1/log")" >&2
		return 1
	}
}

stop() {
	pid=$(pid_of "$1")
	rm -f "$work/pid.$1"
	[ -n "$pid" ] || return 0
	# shellcheck disable=SC2046
	kill $(tree_of "$pid") 2>/dev/null || :
	tries=100
	while kill -0 "$pid" 2>/dev/null && [ $tries -gt 0 ]; do
		tries=$((tries - 1))
		sleep 0.02
	done
	kill -9 "$pid" 2>/dev/null || :
	wait "$pid" 2>/dev/null || :
}

# Started in the namespace that $via enters, if any.
start_backend() {
	name=$1
	shift
	# shellcheck disable=SC2086
	$via $pin_load "$@" >"$work/$name.log" 2>&1 &
	children="$! $children"
	until_listens "$(port_of direct "$name")" $! ||
		die "$name does not start, on port" \
			"$(port_of direct "$name"): $(cat "$work/$name.log")"
}

start_backends() {
	rm -f "$work"/*.sock
	start_backend iperf iperf3 -s -B 127.0.0.1 -p "$(port_of direct iperf)"
	cat >"$work/web.conf" <<END
daemon off;
user $(id -un) $(id -gn);
worker_processes 1;
pid $work/web.pid;
error_log stderr;
events {
	worker_connections 10000;
}
http {
	access_log off;
	keepalive_requests 1000000000;
	client_body_temp_path $work/web.1;
	proxy_temp_path $work/web.2;
	fastcgi_temp_path $work/web.3;
	uwsgi_temp_path $work/web.4;
	scgi_temp_path $work/web.5;
	server {
		listen 127.0.0.1:$(port_of direct web) backlog=4096;
		listen unix:$work/web.sock backlog=4096;
		return 200 "hello\n";
	}
}
END
	start_backend web nginx -e stderr -p "$work" -c "$work/web.conf"
	start_backend load "$work/load" serve "$(port_of direct load)" \
		"$work/load.sock"
	chmod 666 "$work"/*.sock
}

# A namespace that redirects, with backends of its own: connection tracking is
# to slow nobody else down. It is gone when the one process in it is.
start_kernel() {
	[ "$net" = own ] || return 0
	unshare --net sleep 100000 &
	children="$! $children"
	here=$(readlink /proc/self/ns/net)
	while [ "$(readlink /proc/$!/ns/net)" = "$here" ]; do
		sleep 0.02
	done
	kernel_net="nsenter --net=/proc/$!/ns/net"
	prepare_net "$kernel_net"
	{
		echo 'table ip bench {'
		echo 'chain output {'
		echo 'type nat hook output priority -100'
		for backend in iperf web load; do
			echo "ip daddr 127.0.0.1 tcp dport" \
				"$(port_of kernel $backend)" \
				"redirect to :$(port_of direct $backend)"
		done
		echo '}'
		echo '}'
	} >"$work/nft"
	if ! $kernel_net nft -f "$work/nft" >"$work/nft.log" 2>&1; then
		kernel_net=
		return 0
	fi
	via=$kernel_net
	start_backends
	via=
}

# --- measuring -------------------------------------------------------------

# Take the figures of contestant $2 in round $3 of load $1 from standard input.
record() {
	awk -v load="$1" -v name="$2" -v round="$3" -v OFS='\t' '
		NF == 2 && $1 ~ /^[a-z_0-9@]+$/ {
			print load, name, round, $1, $2
		}' >>"$work/raw.tsv"
}

# Something that was to be measured and was not, and why.
note() {
	echo "bench: $*" >&2
	echo "$*" >>"$work/notes"
}

enter() {
	via=
	[ "$1" != kernel ] || via=$kernel_net
}

# Load $1 on contestant $2, its processor time per $3.
measure() {
	enter "$2"
	pid=$(pid_of "$2")
	from=0 to=0
	[ -z "$pid" ] || from=$(cpu_of "$pid")
	if ! "load_$1" "$(port_of "$2" "$backend")" >"$work/out" \
		2>"$work/err"; then
		note "$1 through $2 failed: $(tail -n 1 "$work/err")"
		return 0
	fi
	[ -z "$pid" ] || to=$(cpu_of "$pid")
	awk -v unit="$3" -v cpu="$from $to" '
		$1 != "work" { print; next }
		split(cpu, at, " ") && at[2] > 0 && $2 > 0 && unit != "-" {
			print "cpu_" unit, (at[2] - at[1]) / $2 * \
				(unit == "gb" ? 1 : 1e6)
		}' "$work/out" | record "$1" "$2" "$round"
	via=
}

# Who takes part in load $1 with backend $2. iperf3 serves no Unix socket.
takes_part() {
	for name in $present; do
		[ "$name-$2" = lowport_unix-iperf ] || echo "$name"
	done
}

load_in_rounds() {
	players=$(takes_part "$1" "$2")
	for name in $players; do
		start "$name" "$2" 2>"$work/err" || {
			note "$1: $(tail -n 1 "$work/err")"
			players=$(echo "$players" | grep -vx "$name")
		}
	done
	for round in $(seq "$rounds"); do
		echo "bench: $1, round $round of $rounds" >&2
		for name in $players; do
			measure "$1" "$name" "$3"
		done
	done
	for name in $players; do
		stop "$name"
	done
}

load_alone() {
	for round in $(seq "$(case $1 in
		counts) echo 1 ;;
		*) echo $(((rounds + 1) / 2)) ;;
	esac)"); do
		echo "bench: $1, round $round" >&2
		for name in $(takes_part "$1" "$2"); do
			enter "$name"
			"alone_$1" "$1" "$name" 2>"$work/err" ||
				note "$1 through $name failed:" \
					"$(tail -n 1 "$work/err")"
			stop "$name"
			via=
		done
	done
}

version() {
	command -v "$1" >/dev/null || return 0
	"$@" 2>&1 | grep -i '[0-9]\.[0-9]' | head -n 1 |
		sed 's/^ *//; s/ \[.*//; s/ - .*//; s/ ([^)]*)$//; s/ Copyright.*//'
}

load_average() { cut -d ' ' -f 1 /proc/loadavg 2>/dev/null || :; }

machine() {
	echo "processor	$(processor), $cores cores"
	echo "system	$(uname -srm)"
	echo "lowport	$("$work/lowport" --version)"
	for program in 'haproxy -v' 'nginx -v' 'socat -V' \
		'systemd-socket-activate --version' 'nft --version' \
		'iperf3 --version' 'wrk -v'; do
		# shellcheck disable=SC2086
		echo "${program%% *}	$(version $program)"
	done
	echo "network	$(case $net in
		own) echo a namespace of its own ;;
		*) echo the "machine's loopback" ;;
	esac), $(sysctl -n net.ipv4.tcp_congestion_control 2>/dev/null)"
	if may_be_others; then
		echo "user	each relay an ordinary user of its own"
	else
		echo "user	$user"
	fi
	echo "pinned	${pin:-no}"
	echo "descriptors	$descriptors"
	echo "calls	$counter"
	echo "measured	${quick:+with --quick: }$rounds rounds of $seconds s"
	echo "load average before	$(load_average)"
	echo "date	$(date -u +%Y-%m-%d)"
}

start_kernel
start_backends
: >"$work/raw.tsv"
: >"$work/notes"
machine >"$work/machine.tsv"
present=
for name in $(contestants | sed 's/ .*//'); do
	case " ${only:-$name} " in
	*" $name "*) ;;
	*) continue ;;
	esac
	why=$(lacks "$name" | head -n 1)
	if [ -z "$why" ]; then
		present="$present $name"
	elif [ "$name" != lowport_before ]; then
		note "$name takes no part: $why"
	fi
done
load_average | awk '{ exit $1 < 0.5 }' &&
	note "the machine was busy with something else when this began" \
		"(load average $(load_average))"
[ $counter != none ] || note "system calls are not counted:" \
	"neither perf nor strace may"

for load in $chosen; do
	# shellcheck disable=SC2046
	set -- $(loads | grep "^$load ")
	backend=$2
	case $4 in
	rounds) load_in_rounds "$1" "$2" "$3" ;;
	alone) load_alone "$1" "$2" ;;
	esac
done
echo "load average after	$(load_average)" >>"$work/machine.tsv"

mkdir -p "$out"
for file in raw.tsv notes machine.tsv; do
	cp "$work/$file" "$out/$file"
done
bench/report.sh "$out"
