#ifndef LOWPORT_ENGINE_WORKER_H
#define LOWPORT_ENGINE_WORKER_H

#include "base/deadline.h"
#include "engine/watch.h"
#include "lowport.h"
#include "os/mover.h"
#include "os/sock.h"

/*
 * What the connections of one loop share: its deadlines, with one timer for
 * all of them, the movers' pool, and the way up to the relay.
 */

enum worker_queue {
	QUEUE_CONNECT, /* dial: one address, or one name */
	QUEUE_RETRY,   /* dial: the same again */
	QUEUE_IDLE,    /* conn: no byte moved */
	QUEUE_HALF,    /* conn: the same, half-closed */
	QUEUE_SETTLED, /* conn: it has lived for a while */
	QUEUE_PROBE,   /* conn: look after a side that nobody polls */
	QUEUE_FLUSH,   /* conn: look whether the last bytes have arrived */
	QUEUE_RESUME,  /* relay: try to accept again */
	QUEUE_CHECK,   /* relay: look whether the listeners listen */
	QUEUES
};

/* What a worker tells its relay. */
struct worker_events {
	/* A connection is gone, and its descriptors are closed. */
	void (*ended)(void *owner, const struct relay_route *route,
		      const struct record *what);
	/* No descriptor or memory to be had (err); someone waits for one. */
	void (*starved)(void *owner, int err);
	/* worker_close() is through: the memory of the worker may go. */
	void (*closed)(void *owner);
};

struct worker {
	uv_loop_t *loop;
	uv_timer_t timer;
	uint64_t timer_due_ms; /* UINT64_MAX while it does not run */
	struct deadline_queue queue[QUEUES];
	struct watch_set watches;
	struct mover_pool pool;
	struct list conns;
	struct list lookups; /* names that the resolver works on */
	const struct relay_options *options; /* the relay's */
	struct sock_ports ephemeral;
	const struct worker_events *events;
	void *owner;
	unsigned closing; /* of the timer and the watches */
};

/* Returns 0 or a negative errno. Its queues are off until worker_queue(). */
int worker_init(struct worker *w, uv_loop_t *loop,
		const struct relay_options *options,
		const struct worker_events *events, void *owner);

/* Say how long the deadlines of a queue are and who hears of them. */
void worker_queue(struct worker *w, enum worker_queue queue, uint64_t after_ms,
		  void (*expired)(struct deadline *d));

void worker_arm(struct worker *w, enum worker_queue queue, struct deadline *d);

/* The end of w, when it has no connection any more; events->closed follows on a
 * later turn. */
void worker_close(struct worker *w);

#endif
