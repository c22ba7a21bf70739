#ifndef LOWPORT_ENGINE_REMOTE_H
#define LOWPORT_ENGINE_REMOTE_H

#include "engine/conn.h"

/*
 * A worker on a thread of its own, seen from the thread that accepts (home):
 * connections go in, what has become of them comes out. Nothing else is shared.
 */
struct remote;

/* What a remote tells home, on home's thread. */
struct remote_events {
	void (*ended)(void *owner, const struct relay_route *route,
		      const struct record *what);
	/* A connection of that source could not even begin: err. Its client was
	 * reset. */
	void (*failed)(void *owner, const struct relay_route *route, int err,
		       uint32_t source);
	/* As worker_events has it. */
	void (*starved)(void *owner, int err);
	void (*notice)(void *owner, enum log_level level, const char *text);
};

/* Start the thread. owner is given back with each event, which come on home's
 * loop. *opt and *commons must outlive the remote. Returns 0 or a negative errno. */
int remote_start(struct remote **out, uv_loop_t *home,
		 const struct relay_options *opt, struct commons *commons,
		 const struct remote_events *events, void *owner);

/* Hand it a connection. Takes fd. Returns 0, or -ENOMEM with the client reset
 * and no event to follow. */
int remote_give(struct remote *r, int fd, const struct conn_origin *from);

/* Have it close all its connections, once for all: it is given no more. Their
 * events follow. */
void remote_close_all(struct remote *r, enum close_reason reason);

/* remote.c's own. */
struct remote_letter {
	struct list node;
	int kind;
};

/* Something to be done by the worker, and told of at home. */
struct remote_errand {
	struct remote_letter letter;
	/* On the worker's thread. */
	void (*run)(struct remote_errand *e, struct worker *w);
	/* At home, when it has been done: e is the caller's again. */
	void (*back)(struct remote_errand *e);
};

/* Do it after all that was ordered before; what that led to is told before e is
 * back. e must not be touched until then, which is, at the latest, from within
 * remote_stop(). */
void remote_send(struct remote *r, struct remote_errand *e);

/* End the thread, with all its connections reset; their events come from
 * within. r frees itself on a later turn of home's loop. Returns 0, or -EBUSY
 * as relay_free() does. */
int remote_stop(struct remote *r);

#endif
