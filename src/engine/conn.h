#ifndef LOWPORT_ENGINE_CONN_H
#define LOWPORT_ENGINE_CONN_H

#include "engine/worker.h"

/*
 * One connection: two sides, two pumps, one state, and one way out that names
 * its reason.
 *
 *   HEADER     the client is a front; its PROXY header is awaited
 *   DIALING    a backend is looked for; the client waits unread, and if that
 *              may take long, is looked at: it may leave
 *   RELAYING   bytes cross, until both directions have ended
 *   CLOSING    the descriptors are closed; libuv still has the handles
 *
 * A side that resets does not end the connection at once: what it sent before
 * is delivered first, and then the other side is reset too.
 */
struct conn;

/* What is known of a connection when it is accepted. */
struct conn_origin {
	struct addr client;
	const struct addr *local; /* the listener's; borrowed for good */
	const struct relay_route *route;
	uint32_t source; /* the ticket of its source, for its record */
	uint64_t id;
};

/* Begin with an accepted descriptor. Takes fd, also on failure: then the client
 * is reset, and it has never been a connection. Returns 0 or a negative errno.
 */
int conn_open(struct worker *w, int fd, const struct conn_origin *from);

/* End it here: both sides are closed, with a reset unless reason is CLOSE_DONE,
 * and the worker is told. The memory follows on a later turn; c may be read
 * until then, but is nobody's any more. */
void conn_close(struct conn *c, enum close_reason reason);

/* conn_close() for every connection of w. */
void conn_close_all(struct worker *w, enum close_reason reason);

/* conn_close() for the connection of that id, as who wants it gone. Returns false
 * if w has none. */
bool conn_kill(struct worker *w, uint64_t id);

/* Tell of each connection of w. Each may not call back. */
void conn_list(struct worker *w,
	       void (*each)(void *data, const struct relay_connection *c),
	       void *data);

/* Set the queues of w up for connections and their dials. */
void conn_queues(struct worker *w);

#endif
