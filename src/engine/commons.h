#ifndef LOWPORT_ENGINE_COMMONS_H
#define LOWPORT_ENGINE_COMMONS_H

#include "engine/loops.h"

#include <stdatomic.h>

/* What is said at most once in a while, whoever has occasion to. */
enum commons_say {
	SAY_PORTS,    /* connections come from other addresses */
	SAY_NO_PORTS, /* no port is left */
	SAY_WAITING,  /* a backend is waited for */
	SAY_CROWDED,  /* too many wait for one */
	SAY_KINDS
};

/* What the workers of one relay share, each from its own thread. */
struct commons {
	struct loops loops;
	size_t max_waiting;
	atomic_size_t waiting;             /* for a backend to come */
	atomic_uint_least64_t turned_away; /* because max_waiting did */
	atomic_uint_least64_t say_after_ms[SAY_KINDS];
};

/* Returns 0 or a negative errno. */
int commons_init(struct commons *c, size_t max_waiting);
void commons_free(struct commons *c);

/* May it be said now? Then it will have been. */
bool commons_may_say(struct commons *c, enum commons_say what, uint64_t now_ms);

/* One more who waits. Returns false, and counts it, if there are as many as may
 * be. */
bool commons_begin_wait(struct commons *c);
void commons_end_wait(struct commons *c);

#endif
