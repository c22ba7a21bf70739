#ifndef LOWPORT_BASE_STATS_H
#define LOWPORT_BASE_STATS_H

#include "base/record.h"

#include <stdint.h>

/* What a relay has done since it began. */
struct stats {
	uint64_t open;     /* connections there are now */
	uint64_t accepted; /* connections there have been */
	uint64_t ended[CLOSE_REASONS];
	uint64_t up;      /* bytes given to backends, by ended connections */
	uint64_t down;    /* bytes given to clients, by ended connections */
	uint64_t pauses;  /* times that accepting had to wait */
	uint64_t refused; /* clients that were not let in */
	uint64_t waiting; /* clients that wait for a backend now */
	uint64_t turned_away; /* clients that would have, but too many did */
};

void stats_begin(struct stats *s);
void stats_end(struct stats *s, const struct record *r);

#endif
