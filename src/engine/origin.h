#ifndef LOWPORT_ENGINE_ORIGIN_H
#define LOWPORT_ENGINE_ORIGIN_H

#include "base/addr.h"

#include <stdbool.h>

/*
 * Where connections to a backend on 127.0.0.0/8 come from when the ports of
 * 127.0.0.1 have run out (each is held for a minute after its connection has
 * ended): from the rest of that network, whose addresses are all ours, and each
 * of which has a range of ports of its own.
 */
struct origin {
	uint32_t next;            /* of those 24 bits */
	uint64_t spread_until_ms; /* so long each comes from another one */
};

void origin_init(struct origin *s, uint32_t seed);

/* Ports have run out: go on from other addresses for a while. */
void origin_spread(struct origin *s, uint64_t now_ms);

/* Is a connection to that address to come from another one now? */
bool origin_is_spread(const struct origin *s, const struct addr *to,
		      uint64_t now_ms);

/* Is there another address to come from? */
bool origin_can_spread(const struct addr *to);

/* The next one. */
struct addr origin_next(struct origin *s);

#endif
