#ifndef LOWPORT_ENGINE_INTAKE_H
#define LOWPORT_ENGINE_INTAKE_H

#include "base/quota.h"
#include "engine/conn.h"
#include "engine/door.h"

/*
 * The listeners of a relay and who comes in through them: at most so many at a
 * time, none while descriptors are short, none whom a route leaves out. What is
 * not accepted waits in the backlog.
 */
struct intake {
	struct worker *worker; /* whose loop and timer it uses */
	struct quota connections;
	struct door door;
	struct list listening;
	struct list closed; /* listeners that connections may remember */
	struct deadline resume, check;
	struct stats *stats;
	uint64_t say_after_ms; /* no word about a shortage before */
	size_t held;           /* listeners, by intake_hold() */
	bool paused, over;
	/* A connection that has been let in and counted; takes fd. */
	void (*accepted)(void *owner, int fd, const struct conn_origin *from);
	void *owner;
};

/* An intake without listeners. worker's queues for it are set up; worker,
 * stats and owner must outlive it. */
void intake_init(struct intake *in, struct worker *worker, struct stats *stats,
		 void (*accepted)(void *owner, int fd,
				  const struct conn_origin *from),
		 void *owner);

/* relay_listen()'s part of the work, and its contract. */
int intake_listen(struct intake *in, int fd, const struct addr *bound,
		  const struct relay_route *route);

/* relay_hold(). */
void intake_hold(struct intake *in, const struct relay_route *route, bool hold);

/* relay_unlisten()'s. */
int intake_unlisten(struct intake *in, int fd);

/* relay_reroute()'s. */
int intake_reroute(struct intake *in, int fd, const struct relay_route *route);

/* The route of the listener fd; NULL if there is none. */
const struct relay_route *intake_route(const struct intake *in, int fd);

/* relay_listener_state(). */
enum relay_listener_state intake_state(const struct intake *in, int fd);

/* One of those let in has gone, or could not be served. source is what it came
 * in with. */
void intake_give_back(struct intake *in, uint32_t source);

/* There is no descriptor, or no memory (err); someone waits for one. */
void intake_starved(struct intake *in, int err);

/* Close the listeners, for good. Their addresses stay. */
void intake_close(struct intake *in);

/* Free what is left of a closed intake, when no connection remembers it. */
void intake_free(struct intake *in);

#endif
