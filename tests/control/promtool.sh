#!/bin/sh
# Prometheus takes these metrics, and finds nothing to say about their names.
# usage: promtool.sh METRICS.TXT
set -eu
command -v promtool >/dev/null || {
	echo "skip: promtool (package prometheus)"
	exit 77
}
[ -s "$1" ]
status=0
said=$(promtool check metrics <"$1" 2>&1) || status=$?
if [ $status -ne 0 ] || [ -n "$said" ]; then
	echo "promtool: $said"
	exit 1
fi
# It can say no.
if printf 'lowport_x{a="b} 1\n' | promtool check metrics 2>/dev/null; then
	echo "promtool takes everything"
	exit 1
fi
