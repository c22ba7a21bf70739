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

/* Have it close all its connections; their events follow. */
void remote_close_all(struct remote *r, enum close_reason reason);

/* End the thread, with all its connections reset; their events come from
 * within. r frees itself on a later turn of home's loop. Returns 0, or -EBUSY
 * as relay_free() does. */
int remote_stop(struct remote *r);

#endif
