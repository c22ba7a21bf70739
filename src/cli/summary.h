#ifndef LOWPORT_CLI_SUMMARY_H
#define LOWPORT_CLI_SUMMARY_H

#include "base/stats.h"

/* How lowport is, in one line: the answer to SIGUSR1. */

/* What a relay had done at a moment, bytes of open connections included. */
struct summary {
	uint64_t at_ms; /* since the start, as all times here */
	struct stats stats;
};

/* Enough for any summary, its end included. */
#define SUMMARY_TEXT 512

/* now, and what has changed since the last one; at the first, last is all zero.
 * lost: lines that the log had to drop. Returns buf. */
const char *summary_print(const struct summary *now, const struct summary *last,
			  uint64_t lost, char buf[SUMMARY_TEXT]);

#endif
