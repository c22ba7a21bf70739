#ifndef LOWPORT_ENGINE_WORKER_H
#define LOWPORT_ENGINE_WORKER_H

#include "base/timeouts.h"
#include "engine/backends.h"
#include "engine/commons.h"
#include "engine/origin.h"
#include "engine/watch.h"
#include "lowport.h"
#include "os/mover.h"
#include "os/sock.h"

/*
 * What the connections of one loop share: its deadlines, with one timer for
 * all of them, the movers' pool, and the way up to the relay.
 */

enum worker_queue {
	QUEUE_STAGGER, /* race: and the next one */
	QUEUE_RETRY,   /* race: the same again */
	QUEUE_HOLD,    /* hold: look after those who wait */
	QUEUE_SETTLED, /* conn: it has lived for a while */
	QUEUE_PROBE,   /* conn: look after a side that nobody polls */
	QUEUE_LACK,    /* conn: look whether the system has memory again */
	QUEUE_FLUSH,   /* conn: look whether the last bytes have arrived */
	QUEUE_RESUME,  /* relay: try to accept again */
	QUEUE_REFUSED, /* relay: the same, at one listener */
	QUEUE_CHECK,   /* relay: look whether the listeners listen */
	QUEUE_UNSAID,  /* door: say how many refusals had no line */
	QUEUES
};

/* Deadlines that are as long as a route says. */
enum worker_timeout {
	TIMEOUT_HEADER,  /* conn: a front's PROXY header */
	TIMEOUT_LOOKUP,  /* dial: one name */
	TIMEOUT_CONNECT, /* race: one address */
	TIMEOUT_SILENCE, /* conn: no byte moved */
	TIMEOUTS
};

/* What a connection lives in is enough to tell of its end. */
enum { WORKER_MEMORY = 240 };

/* What a worker tells its relay. */
struct worker_events {
	/* A connection is gone, and its descriptors are closed. False: there
	 * is no memory to tell it; then it is called once more, with memory of
	 * WORKER_MEMORY bytes at least, which it takes, and returns true. */
	bool (*ended)(void *owner, const struct relay_route *route,
		      const struct record *what, void *memory);
	/* No descriptor or memory to be had (err; -ENOSPC: none to watch a
	 * descriptor with); someone waits for one. */
	void (*starved)(void *owner, int err);
	/* Something an operator would want to know. */
	void (*notice)(void *owner, enum log_level level, const char *text);
	/* worker_close() is through: the memory of the worker may go. */
	void (*closed)(void *owner);
};

struct worker {
	uv_loop_t *loop;
	uv_timer_t timer;
	uint64_t timer_due_ms; /* UINT64_MAX while it does not run */
	struct deadline_queue queue[QUEUES];
	struct timeouts timeout[TIMEOUTS];
	struct watch_set watches;
	struct mover_pool pool;
	struct list conns;
	struct list lookups; /* names that the resolver works on */
	struct list holds;   /* routes whose backend is waited for */
	struct backends backends;
	struct origin origin;
	struct commons *commons;             /* the relay's */
	const struct relay_options *options; /* the relay's */
	struct sock_ports ephemeral;
	const struct worker_events *events;
	void *owner;
	unsigned closing; /* of the timer and the watches */
};

/* Returns 0 or a negative errno. Its queues are off until worker_queue(). */
int worker_init(struct worker *w, uv_loop_t *loop,
		const struct relay_options *options, struct commons *commons,
		const struct worker_events *events, void *owner);

/* Say how long the deadlines of a queue are and who hears of them. */
void worker_queue(struct worker *w, enum worker_queue queue, uint64_t after_ms,
		  void (*expired)(struct deadline *d));

void worker_arm(struct worker *w, enum worker_queue queue, struct deadline *d);

/* Say who hears of these. Until then none may be armed. */
void worker_timeout(struct worker *w, enum worker_timeout timeout,
		    void (*expired)(struct deadline *d));

/* Start d, or start it over; with after_ms 0, cancel it. */
void worker_arm_for(struct worker *w, enum worker_timeout timeout,
		    uint64_t after_ms, struct deadline *d);

/* Tell the operator. */
void worker_notice(const struct worker *w, enum log_level level,
		   const char *text);

/* What to tell of a route: text, behind the route's name if it has one. Returns
 * buf. */
enum { WORKER_NOTICE = 512 };
const char *worker_about(const struct relay_route *route, const char *text,
			 char buf[WORKER_NOTICE]);

/* The end of w, when it has no connection any more; events->closed follows on a
 * later turn. */
void worker_close(struct worker *w);

#endif
