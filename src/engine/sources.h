#ifndef LOWPORT_ENGINE_SOURCES_H
#define LOWPORT_ENGINE_SOURCES_H

#include "base/addr.h"

#include <stdbool.h>

/*
 * Where connections to a backend on 127.0.0.0/8 come from when the ports of
 * 127.0.0.1 have run out (each is held for a minute after its connection has
 * ended): from the rest of that network, whose addresses are all ours, and each
 * of which has a range of ports of its own.
 */
struct sources {
	uint32_t next;            /* of those 24 bits */
	uint64_t spread_until_ms; /* so long each comes from another one */
};

void sources_init(struct sources *s, uint32_t seed);

/* Ports have run out: go on from other addresses for a while. */
void sources_spread(struct sources *s, uint64_t now_ms);

/* Is a connection to that address to come from another one now? */
bool sources_is_spread(const struct sources *s, const struct addr *to,
		       uint64_t now_ms);

/* Is there another address to come from? */
bool sources_can_spread(const struct addr *to);

/* The next one. */
struct addr sources_next(struct sources *s);

#endif
