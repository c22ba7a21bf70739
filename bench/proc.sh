# shellcheck shell=sh
# What the system knows about a process and all that descend from it.

tree_of() {
	ps -A -o pid=,ppid= | awk -v root="$1" '
		{ parent[$1] = $2 }
		END {
			for (p in parent) {
				q = p
				while (q != root && q > 1 && q in parent)
					q = parent[q]
				if (q == root)
					print p
			}
		}'
}

# The files $2 of process $1 and its descendants, one after the other.
of_tree() {
	# shellcheck disable=SC2046
	cat $(tree_of "$1" | sed "s|.*|/proc/&/$2|") 2>/dev/null || :
}

# The processor time so far, in seconds, children that have ended included.
cpu_of() {
	if [ -r "/proc/$1/stat" ]; then
		of_tree "$1" stat | awk -v tick="$(getconf CLK_TCK)" '
			{ sub(/.*\) /, ""); s += $12 + $13 + $14 + $15 }
			END { print s / tick }'
	else
		# shellcheck disable=SC2046
		ps -o time= $(tree_of "$1" | sed 's/^/-p /') | awk -F: '
			{
				for (i = t = 0; i < NF; )
					t = t * 60 + $++i
				s += t
			}
			END { print s }'
	fi
}

# KiB of user memory (PSS) and descriptors of contestant $1, and KiB that the
# kernel holds: the relay's stacks and page tables, what this namespace's TCP
# sockets have in their buffers, and of the whole system the slabs that sockets,
# pipes and polling take. Only root may see single slabs; else it is all that
# cannot be reclaimed, whoever has it.
memory_of() {
	pid=$(pid_of "$1")
	user=0 descriptors=0
	if [ -n "$pid" ]; then
		user=$(of_tree "$pid" smaps_rollup |
			awk '/^Pss:/ { s += $2 } END { print s + 0 }')
		# shellcheck disable=SC2046
		descriptors=$(ls $(tree_of "$pid" | sed 's|.*|/proc/&/fd|') |
			grep -c '^[0-9]')
	fi
	echo "$user $descriptors $({
		[ -z "$pid" ] || of_tree "$pid" status
		cat /proc/meminfo
		cat /proc/slabinfo 2>/dev/null
		$via ss -Htanm 2>/dev/null | sed -n 's/.*skmem:(\(.*\))/,\1/p'
	} | awk '
		/^SUnreclaim:/ { all = $2 }
		/^VmPTE:/ { s += $2 }
		/^Threads:/ { s += 16 * $2 }
		/^,/ {
			n = split($0, part, ",")
			for (i = 1; i <= n; i++)
				if (part[i] ~ /^([rwfo]|bl)[0-9]+$/)
					s += substr(part[i], \
						match(part[i], /[0-9]/)) / 1024
		}
		/^(TCP|UNIX|sock_inode_cache|filp|eventpoll_.*|kmalloc-cg-.*) / {
			slabs += $2 * $4 / 1024
		}
		END { print s + (slabs > 0 ? slabs : all) }')"
}

# Wait until the kernel has let go of the sockets that were closed last, five
# seconds at most: it does so a while after.
settle() {
	tries=10 was=
	until is=$(sed -n 's/^TCP:.* alloc \([0-9]*\).*/\1/p' \
		/proc/net/sockstat 2>/dev/null) && [ "$is" = "$was" ]; do
		tries=$((tries - 1)) was=$is
		[ $tries -gt 0 ] || break
		sleep 0.5
	done
}

# Does something listen on port $1 of 127.0.0.1?
listens() {
	if [ -r /proc/net/tcp ]; then
		$via awk -v port="$(printf ':%04X' "$1")" '
			$4 == "0A" && substr($2, 9) == port { found = 1 }
			END { exit !found }' /proc/net/tcp
	else
		lsof -nP "-iTCP:$1" -sTCP:LISTEN >/dev/null 2>&1
	fi
}

# Wait until it does. False if process $2 has ended before, or after 10 s.
until_listens() {
	tries=500
	until listens "$1"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] && kill -0 "$2" 2>/dev/null || return 1
		sleep 0.02
	done
}

# Wait until file $2 says $3. False if process $1 has ended before, or after $4
# tenths of a second.
says() {
	tries=$4
	until grep -q "$3" "$2"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] && kill -0 "$1" 2>/dev/null || return 1
		sleep 0.1
	done
}

processor() {
	sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1 |
		grep . || sysctl -n machdep.cpu.brand_string 2>/dev/null ||
		uname -m
}
