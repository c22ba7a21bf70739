#ifndef LOWPORT_BASE_RATION_H
#define LOWPORT_BASE_RATION_H

#include "base/sources.h"

/*
 * A ration of log lines about sources, so that those who cause them cannot
 * flood the log: in any second at most RATION_LINES, and one for each source.
 */
enum { RATION_LINES = 10, RATION_MS = 1000 };

/* All zero: nothing has been said. */
struct ration {
	struct {
		struct source who;
		uint64_t free_ms; /* may be used again then */
	} lines[RATION_LINES];
	unsigned oldest;
	uint64_t left_out; /* lines since the caller set it to 0 */
};

/* May a line about that source be written now? If not, it is left out. */
bool ration_take(struct ration *r, const struct source *who, uint64_t now_ms);

#endif
