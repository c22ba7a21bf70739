#ifndef LOWPORT_BASE_DEADLINE_H
#define LOWPORT_BASE_DEADLINE_H

#include "base/list.h"

#include <stdint.h>

/*
 * Deadlines of equal length wait in one queue: whoever is armed last is due
 * last, so arming, touching and cancelling take constant time and the head of
 * the queue says when the next one is due. One timer can serve any number of
 * queues. Times are milliseconds of a clock that the caller owns.
 */
struct deadline {
	struct list node;
	uint64_t due_ms;
};

struct deadline_queue {
	struct list waiting;
	uint64_t after_ms; /* 0: this queue is off and arms nothing */
	void (*expired)(struct deadline *d);
};

/* expired is called by deadline_expire(), for each deadline once. */
void deadline_queue_init(struct deadline_queue *q, uint64_t after_ms,
			 void (*expired)(struct deadline *d));

void deadline_init(struct deadline *d);

/* Start d, or start it over, in whichever queue it was. */
void deadline_arm(struct deadline_queue *q, struct deadline *d,
		  uint64_t now_ms);

/* The same for a time of its own, whatever the queue's length is: takes as long
 * as there are that are due later. */
void deadline_arm_among(struct deadline_queue *q, struct deadline *d,
			uint64_t due_ms);

void deadline_cancel(struct deadline *d);

static inline bool deadline_is_armed(const struct deadline *d)
{
	return !list_is_empty(&d->node);
}

/* When the first of q is due; UINT64_MAX if none waits. */
uint64_t deadline_next(const struct deadline_queue *q);

/* Take out each deadline that is due and hand it to q->expired, which may arm
 * and cancel any deadline. One armed meanwhile waits for the next call. */
void deadline_expire(struct deadline_queue *q, uint64_t now_ms);

#endif
