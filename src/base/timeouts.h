#ifndef LOWPORT_BASE_TIMEOUTS_H
#define LOWPORT_BASE_TIMEOUTS_H

#include "base/deadline.h"

#include <stddef.h>

/*
 * Deadlines of one kind and any length: a queue for each length that is in use.
 * To arm one takes constant time, however many lengths there are; the queue of a
 * length that is not used any more is there for the next one.
 */
enum {
	TIMEOUTS_BUCKETS = 32,
	TIMEOUTS_KEPT = 32, /* queues, before an unused one is looked for */
};

struct timeouts {
	struct list buckets[TIMEOUTS_BUCKETS];
	struct list queues; /* all of them, */
	size_t count;       /* and so many */
	struct list busy;   /* those that may not be empty */
	/* Of all lengths, in order: when there is no memory for a queue. */
	struct deadline_queue mixed;
};

/* As deadline_queue_init(). */
void timeouts_init(struct timeouts *t, void (*expired)(struct deadline *d));

/* When no deadline waits any more. */
void timeouts_free(struct timeouts *t);

/* Start d, or start it over, wherever it was. With after_ms 0 it is only
 * cancelled. */
void timeouts_arm(struct timeouts *t, struct deadline *d, uint64_t after_ms,
		  uint64_t now_ms);

/* When the first is due; UINT64_MAX if none waits. Takes as long as there are
 * lengths in use. */
uint64_t timeouts_next(const struct timeouts *t);

/* deadline_expire() for all of them. */
void timeouts_expire(struct timeouts *t, uint64_t now_ms);

#endif
