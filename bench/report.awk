# README.md out of contestants.txt, loads.txt, machine.tsv, notes and
# summary.tsv, which report.sh has made.

# name, heading, whether more (+), less (-) or neither (.) is better, format
function figure(name, heading, better, format) {
	heading_of[name] = heading
	better_of[name] = better
	format_of[name] = format
}

# The columns of a load: figures, each with what it is compared to behind a
# colon (d: direct, r: the best rival).
function columns(load, list) {
	columns_of[load] = list
}

# Contestant's figure at least (>=) or at most (<=) so many times that of the
# best of others, or, for "number", that number.
function target(load, name, who, op, factor, others) {
	targets[++target_count] = load " " name " " who " " op " " factor \
		" " others
}

BEGIN {
	FS = "\t"
	figure("gbits", "Gbit/s", "+", "%.1f")
	figure("cpu_gb", "relay's CPU s per GB", "-", "%.3f")
	figure("per_s", "a second", "+", "%.0f")
	figure("cpu_connection", "relay's CPU µs each", "-", "%.1f")
	figure("cpu_request", "relay's CPU µs each", "-", "%.1f")
	figure("p50_us", "p50 µs", "-", "%.0f")
	figure("p99_us", "p99 µs", "-", "%.0f")
	figure("p999_us", "p99.9 µs", "-", "%.0f")
	figure("stalled", "connections that got nothing", "-", "%d")
	figure("bulk_gbits", "bulk beside it, Gbit/s", "+", "%.1f")
	figure("held", "connections", ".", "%d")
	figure("pss_kib", "user memory (PSS) KiB each", "-", "%.2f")
	figure("descriptors", "descriptors each", "-", "%.2f")
	figure("relay_kib", "kernel memory KiB each", "-", "%.1f")
	figure("connect_us", "one more takes µs", "-", "%.0f")
	figure("exchange_us", "1 byte there and back µs", "-", "%.0f")
	figure("calls_connection", "system calls a connection", "-", "%.1f")
	figure("calls_mb", "system calls a MB", "-", "%.1f")
	figure("instructions", "own instructions a connection", "-", "%d")

	columns("bulk", "gbits:dr cpu_gb:r")
	columns("reverse", "gbits:dr cpu_gb:r")
	columns("parallel", "gbits:dr cpu_gb:r")
	columns("both", "gbits:dr cpu_gb:r")
	columns("connect", "per_s:dr cpu_connection:r p99_us")
	columns("request", "p50_us:dr p99_us:r cpu_request:r per_s")
	columns("requests64", "per_s:dr p50_us:r p99_us:r cpu_request:r")
	columns("exchange1", "p50_us:dr p99_us:r p999_us cpu_request:r")
	columns("exchange16k", "p50_us:dr p99_us:r p999_us cpu_request:r")
	columns("beside", "p50_us:dr p99_us:r p999_us bulk_gbits:dr")
	columns("crowd10", "gbits:dr cpu_gb:r stalled")
	columns("crowd500", "gbits:dr cpu_gb:r stalled")
	columns("idle", "held pss_kib:r descriptors relay_kib:r connect_us:dr " \
		"exchange_us")
	columns("counts", "calls_connection:r calls_mb:r instructions")

	haproxy = "haproxy_splice,haproxy_copy"
	copying = "nginx_stream,haproxy_copy"
	target("bulk", "gbits", "lowport_splice", ">=", 0.95, "direct")
	target("bulk", "gbits", "lowport_splice", ">=", 1.25, "rivals")
	target("bulk", "cpu_gb", "lowport_splice", "<=", 0.6, "rivals")
	target("bulk", "gbits", "lowport_copy", ">=", 1.2, copying)
	target("bulk", "cpu_gb", "lowport_copy", "<=", 0.8, copying)
	target("connect", "per_s", "lowport_splice", ">=", 1.1, haproxy)
	target("connect", "cpu_connection", "lowport_splice", "<=", 0.85, \
		haproxy)
	target("request", "p50_us", "lowport_splice", "<=", 1, "rivals")
	target("request", "p99_us", "lowport_splice", "<=", 1, "rivals")
	target("requests64", "p50_us", "lowport_splice", "<=", 1, "rivals")
	target("requests64", "p99_us", "lowport_splice", "<=", 1, "rivals")
	target("requests64", "cpu_request", "lowport_splice", "<=", 1, haproxy)
	target("idle", "pss_kib", "lowport_splice", "<=", 0.5, "number")
	target("idle", "descriptors", "lowport_splice", "<=", 2, "number")
	target("crowd500", "gbits", "lowport_splice", ">=", 0.75, "crowd10")
	target("crowd500", "stalled", "lowport_splice", "<=", 0, "number")
}

FILENAME == "contestants.txt" {
	split($0, word, " ")
	names[++name_count] = word[1]
	kind[word[1]] = word[2]
	about = $0
	sub(/^[^ ]+ +[^ ]+ +/, "", about)
	about_of[word[1]] = about
	next
}

FILENAME == "loads.txt" {
	split($0, word, " ")
	loads[++load_count] = word[1]
	title = $0
	sub(/^([^ ]+ +)([^ ]+ +)([^ ]+ +)([^ ]+ +)([^ ]+ +)/, "", title)
	title_of[word[1]] = title
	next
}

FILENAME == "machine.tsv" {
	machine[++machine_count] = "| " $1 " | " $2 " |"
	next
}

FILENAME == "notes" {
	notes[++note_count] = $0
	next
}

{
	value[$1, $2, $3] = $5
	least[$1, $2, $3] = $6
	most[$1, $2, $3] = $7
	measured[$1] = 1
	if ($1 == "counts" && $3 ~ /^call_/)
		calls[substr($3, 6)] = 1
	if ($1 == "grow" && $3 ~ /^held@/ && !(substr($3, 6) in is_size)) {
		is_size[substr($3, 6)] = 1
		sizes[++size_count] = substr($3, 6) + 0
	}
	if ($3 == "errors" && $7 > 0)
		notes[++note_count] = $1 " through " pretty($2) ": up to " $7 \
			" requests of a round failed"
}

function pretty(name) {
	gsub("_", " ", name)
	return name
}

function has(load, who, name) {
	return (load, who, name) in value
}

# The best of who, a list with commas, or "rivals". "" if none was measured.
function best(load, name, who, better,    i, n, list, found, v) {
	if (who == "rivals") {
		who = ""
		for (i = 1; i <= name_count; i++)
			if (kind[names[i]] == "rival")
				who = who "," names[i]
	}
	n = split(who, list, ",")
	found = ""
	for (i = 1; i <= n; i++) {
		if (!has(load, list[i], name))
			continue
		v = value[load, list[i], name] + 0
		if (found == "" || (better == "+" ? v > found : v < found))
			found = v
	}
	return found
}

function ratio(v, to) {
	return to == "" || to + 0 == 0 ? "" : sprintf("%.2f", v / to)
}

# What it is, and from least to most if it was measured more than once.
function cell(load, who, name,    format, low, high, text) {
	if (!has(load, who, name))
		return ""
	format = format_of[name]
	text = sprintf(format, value[load, who, name])
	low = sprintf(format, least[load, who, name])
	high = sprintf(format, most[load, who, name])
	return low == high ? text : text " (" low "–" high ")"
}

# The kernel's part that the relay causes: what is more than without it.
function relay_part(load, suffix,    i, who, without) {
	if (!has(load, "direct", "kernel_kib" suffix))
		return
	without = value[load, "direct", "kernel_kib" suffix]
	for (i = 1; i <= name_count; i++) {
		who = names[i]
		if (who == "direct" || !has(load, who, "kernel_kib" suffix))
			continue
		value[load, who, "relay_kib" suffix] = \
			value[load, who, "kernel_kib" suffix] - without
		least[load, who, "relay_kib" suffix] = \
			least[load, who, "kernel_kib" suffix] - without
		most[load, who, "relay_kib" suffix] = \
			most[load, who, "kernel_kib" suffix] - without
	}
}

function table(load,    n, list, i, j, part, head, rule, row, name, who, any) {
	n = split(columns_of[load], list, " ")
	head = "| |"
	rule = "|---|"
	for (j = 1; j <= n; j++) {
		split(list[j], part, ":")
		head = head " " heading_of[part[1]] " |"
		rule = rule "--:|"
		if (part[2] ~ /d/) {
			head = head " of direct |"
			rule = rule "--:|"
		}
		if (part[2] ~ /r/) {
			head = head " of the best rival |"
			rule = rule "--:|"
		}
	}
	print "\n## " load ": " title_of[load] "\n"
	print head
	print rule
	for (i = 1; i <= name_count; i++) {
		who = names[i]
		row = "| " pretty(who) " |"
		any = 0
		for (j = 1; j <= n; j++) {
			split(list[j], part, ":")
			name = part[1]
			any = any || has(load, who, name)
			row = row " " cell(load, who, name) " |"
			if (part[2] ~ /d/)
				row = row " " versus(load, who, name, "direct") " |"
			if (part[2] ~ /r/)
				row = row " " versus(load, who, name, "rivals") " |"
		}
		if (any)
			print row
	}
}

function versus(load, who, name, others) {
	if (!has(load, who, name))
		return ""
	return ratio(value[load, who, name], \
		best(load, name, others, better_of[name]))
}

# System calls of one connection, by name, for those who splice or copy best.
function table_of_calls(    i, call, row, n, list, sum) {
	for (call in calls)
		n++
	if (n == 0)
		return
	n = split("lowport_splice lowport_copy haproxy_splice nginx_stream " \
		"socket_proxyd socat", list, " ")
	row = "| system call |"
	for (i = 1; i <= n; i++)
		row = row " " pretty(list[i]) " |"
	print "\nBy name, for one connection that carries a byte each way" \
		" (strace):\n"
	print row
	print "|---|--:|--:|--:|--:|--:|--:|"
	for (call in calls) {
		row = "| " call " |"
		sum = 0
		for (i = 1; i <= n; i++) {
			if (has("counts", list[i], "call_" call))
				sum += value["counts", list[i], "call_" call]
			row = row " " (has("counts", list[i], "call_" call) ? \
				sprintf("%.2f", value["counts", list[i], \
				"call_" call]) : "") " |"
		}
		if (sum >= 0.05)
			print row | "sort"
	}
	close("sort")
}

function table_of_growth(    i, j, who, at, name, n, list, row) {
	n = split("held pss_kib relay_kib descriptors connect_us exchange_us", \
		list, " ")
	print "\n## grow: " title_of["grow"] "\n"
	row = "| |"
	for (j = 1; j <= n; j++)
		row = row " " heading_of[list[j]] " |"
	print row
	print "|---|--:|--:|--:|--:|--:|--:|"
	for (i = 1; i < size_count; i++)
		for (j = i + 1; j <= size_count; j++)
			if (sizes[j] < sizes[i]) {
				at = sizes[i]
				sizes[i] = sizes[j]
				sizes[j] = at
			}
	for (at = 1; at <= size_count; at++) {
		# Of a few, the memory of the rest of the system drowns it.
		if (sizes[at] >= 1000)
			relay_part("grow", "@" sizes[at])
		for (j = 1; j <= n; j++)
			format_of[list[j] "@" sizes[at]] = format_of[list[j]]
	}
	for (i = 1; i <= name_count; i++) {
		who = names[i]
		for (at = 1; at <= size_count; at++) {
			if (!has("grow", who, "held@" sizes[at]))
				continue
			row = "| " pretty(who) " |"
			for (j = 1; j <= n; j++)
				row = row " " cell("grow", who, \
					list[j] "@" sizes[at]) " |"
			print row
		}
	}
}

function short(load, who, name, format) {
	return has(load, who, name) ? \
		sprintf(format, value[load, who, name]) : "-"
}

# What README.md shows: a line for each contestant.
function overview(    i, who) {
	print "\n## Overview\n"
	print "| | one stream, Gbit/s | relay's CPU s per GB |" \
		" new connections a second | relay's CPU µs each |" \
		" small requests, p50 µs | the same on 64 connections," \
		" relay's CPU µs each | idle connection, KiB (PSS) |" \
		" descriptors |"
	print "|---|--:|--:|--:|--:|--:|--:|--:|--:|"
	for (i = 1; i <= name_count; i++) {
		who = names[i]
		if (who == "lowport_before" || !has("connect", who, "per_s"))
			continue
		print "| " pretty(who) \
			" | " short("bulk", who, "gbits", "%.1f") \
			" | " short("bulk", who, "cpu_gb", "%.3f") \
			" | " short("connect", who, "per_s", "%.0f") \
			" | " short("connect", who, "cpu_connection", "%.0f") \
			" | " short("request", who, "p50_us", "%.0f") \
			" | " short("requests64", who, "cpu_request", "%.1f") \
			" | " short("idle", who, "pss_kib", "%.2f") \
			" | " short("idle", who, "descriptors", "%.0f") " |"
	}
}

function table_of_targets(    i, part, is, against, limit, met, text) {
	print "\n## Targets\n"
	print "| what | measured | wanted | |"
	print "|---|--:|--:|---|"
	for (i = 1; i <= target_count; i++) {
		split(targets[i], part, " ")
		if (!has(part[1], part[3], part[2]))
			continue
		is = value[part[1], part[3], part[2]]
		against = 1
		text = ""
		if (part[6] == "crowd10") {
			against = value["crowd10", part[3], part[2]]
			text = " of crowd10"
		} else if (part[6] != "number") {
			against = best(part[1], part[2], part[6], \
				better_of[part[2]])
			text = " of " (part[6] == "rivals" ? "the best rival" : \
				pretty(part[6]))
			gsub(",", ", ", text)
		}
		if (against == "" || part[6] != "number" && against + 0 == 0)
			continue
		limit = part[5] + 0
		is = is / against
		met = part[4] == ">=" ? is >= limit : is <= limit
		printf "| %s, %s: %s | %.2f%s | %s %s | %s |\n", part[1], \
			pretty(part[3]), heading_of[part[2]], is, text, \
			part[4] == ">=" ? "at least" : "at most", part[5], \
			met ? "met" : "**not met**"
	}
}

END {
	print "# What was measured\n"
	print "Written by `./dev bench`, from `raw.tsv`. Medians, with the" \
		" least and the most\nbehind them; read them as ratios within" \
		" one table. Client, relay and server share\nthe machine." \
		" 1 GB is 10^9 bytes, 1 MB is 10^6.\n"
	print "| | |\n|---|---|"
	for (i = 1; i <= machine_count; i++)
		print machine[i]
	print "\n| contestant | |\n|---|---|"
	for (i = 1; i <= name_count; i++)
		if (names[i] != "lowport_before")
			print "| " pretty(names[i]) " | " about_of[names[i]] " |"
	if (note_count > 0)
		print "\nNot measured, or with a flaw:\n"
	for (i = 1; i <= note_count; i++)
		print "- " notes[i]
	relay_part("idle", "")
	overview()
	table_of_targets()
	for (l = 1; l <= load_count; l++) {
		if (!(loads[l] in measured))
			continue
		if (loads[l] == "grow")
			table_of_growth()
		else
			table(loads[l])
		if (loads[l] == "counts")
			table_of_calls()
		if (plot_of(loads[l]) != "")
			print "\n" plot_of(loads[l])
	}
}

function plot_of(load) {
	if (load == "bulk")
		return "![Gbit/s](bulk.svg)\n![processor time](cpu.svg)"
	if (load == "connect")
		return "![connections a second](connections.svg)"
	if (load == "requests64")
		return "![requests a second](requests.svg)"
	if (load == "grow")
		return "![growth](growth.svg)"
	return ""
}
