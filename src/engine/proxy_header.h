#ifndef LOWPORT_ENGINE_PROXY_HEADER_H
#define LOWPORT_ENGINE_PROXY_HEADER_H

#include "engine/pump.h"
#include "engine/watch.h"
#include "engine/worker.h"

/*
 * The PROXY protocol on a connection: the header that a trusted front sends
 * first, and the one that a backend gets first.
 */

/* Is a header expected of who comes from there? */
bool proxy_is_front(const struct relay_route *route, const struct addr *peer);

/* Waits for a header. */
struct proxy_wait;

/*
 * How it went. error is 0: the header is taken from the socket, and not a byte
 * more. -EPROTO: what came is none. -ENODATA: the end came before the first
 * byte. -ETIMEDOUT: it has not come whole in time. Another error is how reading
 * failed. The wait is over and has freed itself; the watch waits for nothing.
 */
typedef void (*proxy_cb)(void *data, int error,
			 const struct proxy_header *header);

/* Start. The watch is w's, of fd; it calls here until the wait is over. Both
 * stay the caller's. cb is called once, maybe from within; *out is set before.
 * Returns 0, or -ENOMEM without a call. */
int proxy_await(struct proxy_wait **out, struct worker *w, uint64_t timeout_ms,
		int fd, struct watch *watch, proxy_cb cb, void *data);

/* Give up without a call. */
void proxy_cancel(struct proxy_wait *p);

/* For the worker's queue. */
void proxy_timed_out(struct deadline *d);

/* Have a pump to a backend begin with the header that tells of a client: where
 * it came from, and in at local (a wildcard: where fd, the client's, is bound).
 * Returns 0 or -ENOMEM. */
int proxy_introduce(struct pump *up, enum proxy_version version,
		    const struct addr *client, const struct addr *local,
		    int fd);

#endif
