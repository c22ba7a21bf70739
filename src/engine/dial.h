#ifndef LOWPORT_ENGINE_DIAL_H
#define LOWPORT_ENGINE_DIAL_H

#include "engine/watch.h"
#include "engine/worker.h"

/*
 * Finds a backend for one connection: the backends of a route in order, but
 * those that failed just now last, and of each the address that answers first,
 * until one does. localhost is both loopback addresses, whatever the resolver
 * says. Where the route wants it, a backend that is not there yet is waited for.
 */
struct dial;

struct dial_events {
	/*
	 * How it went. error is 0: fd is connected and watched by w (which may
	 * still wait for it to be writable), and both are the callee's now.
	 * Otherwise nobody could be reached: error is what the last address
	 * tried said (-ETIMEDOUT: it said nothing in time; -ELOOP: it would
	 * have led back here). where is that address, AF_UNSPEC if there was
	 * none, and with error 0 the address of the route's backend which. The
	 * dial is over and has freed itself. Comes once.
	 */
	void (*over)(void *data, int error, int fd, struct watch *w,
		     const struct addr *where, size_t which);
	/* It may take long from here on: the client may leave. Comes once, if
	 * at all. */
	void (*waits)(void *data);
};

/* Start. speaks_first: there are bytes for the backend already. The events may
 * come from within; *out is set before. Returns 0, or -ENOMEM without any. The
 * route must outlive the dial. */
int dial_start(struct dial **out, struct worker *w,
	       const struct relay_route *route, bool speaks_first,
	       const struct dial_events *events, void *data);

/* Give up without a call. */
void dial_cancel(struct dial *d);

/* Set the queues of w up for dials. */
void dial_queues(struct worker *w);

#endif
