#ifndef LOWPORT_ENGINE_DIAL_H
#define LOWPORT_ENGINE_DIAL_H

#include "engine/watch.h"
#include "engine/worker.h"

/*
 * Finds a backend for one connection: the backends of a route in order, every
 * address of a name in order, each with the connect timeout, until one
 * answers. localhost is both loopback addresses, whatever the resolver says.
 */
struct dial;

/*
 * How it went. error is 0: fd is connected and watched by w (which may still
 * wait for it to be writable), and both are the callee's now. Otherwise nobody could be reached:
 * error is what the last address tried said (-ETIMEDOUT: it said nothing in
 * time). where is that address, AF_UNSPEC if there was none.
 * The dial is over and has freed itself.
 */
typedef void (*dial_cb)(void *data, int error, int fd, struct watch *w,
			const struct addr *where);

/* Start. speaks_first: there are bytes for the backend already. cb is called
 * once, maybe from within; *out is set before. Returns 0, or -ENOMEM without a
 * call. The route must outlive the dial. */
int dial_start(struct dial **out, struct worker *w,
	       const struct relay_route *route, bool speaks_first, dial_cb cb,
	       void *data);

/* Give up without a call. */
void dial_cancel(struct dial *d);

/* For the worker's queues. */
void dial_timed_out(struct deadline *d);
void dial_retry(struct deadline *d);

#endif
