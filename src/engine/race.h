#ifndef LOWPORT_ENGINE_RACE_H
#define LOWPORT_ENGINE_RACE_H

#include "engine/worker.h"

/*
 * Connects to the first of several addresses that answers (Happy Eyeballs, RFC
 * 8305): they are tried in order, the next one as soon as one has refused or
 * has been silent for a moment, and those before it go on. Who loses is closed
 * before a byte has crossed.
 */

enum { RACE_LANES = 4 }; /* attempts at the same time */

struct race;

struct race_lane {
	struct race *race;
	struct watch *watch; /* NULL while nothing is under way */
	int fd;              /* or -1 */
	bool busy;
	struct addr to;
	struct deadline timeout, retry;
};

struct race {
	struct worker *worker;
	const struct relay_route *route;
	bool speaks_first;
	const struct addr *addrs; /* borrowed, while it runs */
	size_t count, next;       /* how many, and the next one */
	struct race_lane lanes[RACE_LANES];
	struct deadline stagger;
	int error;         /* what the last one said that failed, */
	struct addr where; /* and which that was; or the winner */
	bool refused;      /* one was not there, and may come yet */
	int fd;            /* the winner's: connected, and watched */
	struct watch *watch;
	void (*over)(struct race *r, int error);
};

/* A race that does not run. speaks_first: there are bytes for the winner
 * already. over is told of what race_start() did not return. */
void race_init(struct race *r, struct worker *w,
	       const struct relay_route *route, bool speaks_first,
	       void (*over)(struct race *r, int error));

/*
 * Try these, each with the connect timeout. Returns 0 if one has answered: fd
 * and watch are the caller's then. -EINPROGRESS: over() comes once, with 0 or a
 * negative errno. Otherwise what the last one said; -ELOOP if one of them would
 * have led back here.
 */
int race_start(struct race *r, const struct addr *addrs, size_t count);

/* End it, with nothing left open. */
void race_cancel(struct race *r);

/* For the worker's queues. */
void race_timed_out(struct deadline *d);
void race_retry(struct deadline *d);
void race_stagger(struct deadline *d);

#endif
