#ifndef LOWPORT_BASE_STATS_H
#define LOWPORT_BASE_STATS_H

#include "base/record.h"

#include <stdint.h>

/* Why a client was not let in. */
enum refusal {
	REFUSED_ADDRESS,    /* it came in at another address than `only` */
	REFUSED_DENIED,     /* by the rules of the door */
	REFUSED_PER_SOURCE, /* its source has as many connections as it may */
	REFUSED_RATE,       /* its source makes new ones too fast */
	REFUSALS            /* how many there are */
};

/* Its name in the log: wrong-address, denied, per-source, rate. */
const char *refusal_name(enum refusal reason);

/* What a relay has done since it began. */
struct stats {
	uint64_t open;     /* connections there are now */
	uint64_t accepted; /* connections there have been */
	uint64_t ended[CLOSE_REASONS];
	uint64_t up;      /* bytes given to backends, by ended connections */
	uint64_t down;    /* bytes given to clients, by ended connections */
	uint64_t pauses;  /* times that accepting had to wait */
	uint64_t refused; /* clients that were not let in, and why: */
	uint64_t refused_for[REFUSALS];
	uint64_t waiting;     /* clients that wait for a backend now */
	uint64_t turned_away; /* clients that would have, but too many did */
};

void stats_begin(struct stats *s);
void stats_end(struct stats *s, const struct record *r);
void stats_refuse(struct stats *s, enum refusal why);

#endif
