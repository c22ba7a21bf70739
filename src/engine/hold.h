#ifndef LOWPORT_ENGINE_HOLD_H
#define LOWPORT_ENGINE_HOLD_H

#include "engine/worker.h"

/*
 * Waiting for a backend that is not there yet: the dials of one route wait
 * together. One of them tries at a time, more and more seldom, and when one has
 * got through, all do.
 */
struct hold;

enum hold_word {
	HOLD_TRY,  /* try again now: then hold_wait(), or hold_leave() */
	HOLD_OVER, /* the time is over */
};

/* One who waits. */
struct hold_place {
	struct list node;  /* in the hold's waiting, or in no list */
	struct hold *hold; /* NULL before the first wait */
	uint64_t until_ms;
	void (*call)(struct hold_place *p, enum hold_word word);
};

/* A place that is not taken. until_ms: by the clock of the worker's loop. */
void hold_init(struct hold_place *p, uint64_t until_ms,
	       void (*call)(struct hold_place *p, enum hold_word word));

/* Wait, for the first time or again after an attempt that failed with err. call
 * comes from a later turn. Returns 0; -EBUSY when as many wait as may, -ENOMEM,
 * -ETIMEDOUT when the time is over already. */
int hold_wait(struct worker *w, const struct relay_route *route,
	      struct hold_place *p, int err, const struct addr *where);

/* Give the place up, if it was taken. */
void hold_leave(struct hold_place *p);

/* A backend of the route has answered. */
void hold_answered(struct worker *w, const struct relay_route *route);

/* For the worker's queue. */
void hold_tick(struct deadline *d);

#endif
