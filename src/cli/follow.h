#ifndef LOWPORT_CLI_FOLLOW_H
#define LOWPORT_CLI_FOLLOW_H

#include "config/config.h"

/*
 * Interfaces that are listened on by name: as their addresses come and go, the
 * relay gets a listener for each (if:wg0:80), or lets clients of a listener that
 * was handed over in at others (systemd@if:wg0). Each change is a line in the
 * log. Connections are left alone.
 */
struct follow;

/* How many descriptors to keep free for what c wants to be followed; 0: nothing
 * is. */
size_t follow_descriptors(const struct config *c);

/* Returns 0, or a negative errno with *why. The relay has to outlive
 * follow_stop(). */
int follow_new(struct follow **out, uv_loop_t *loop, struct relay *relay,
	       struct fault *why);

/* What follows takes the place of what was said before: all that is not said
 * again is given up by follow_commit(). */
void follow_begin(struct follow *f);

/* Serve the interface of spec, whose source is `if`, as route says, from
 * follow_commit() on. What they point to has to stay until the next one, the
 * route as for relay_listen(). Returns 0 or -ENOMEM. */
int follow_listen(struct follow *f, const struct listener_spec *spec,
		  const struct config_group *g,
		  const struct relay_route *route);

/* Where clients of a listener that was handed over for this request may come in,
 * kept up to date, and f's, until follow_sweep() after it was given up. NULL: out
 * of memory. */
const struct relay_entry *follow_entry(struct follow *f,
				       const struct listen_request *asked);

/* All has been said: take it over, and look at the interfaces. */
void follow_commit(struct follow *f);

/* It will not be taken over: what was said before holds. */
void follow_rollback(struct follow *f);

/* Close the listeners of what was asked for like that, before follow_begin():
 * another wants their port. follow_commit() gives them up, or follow_reopen()
 * listens again. */
void follow_vacate(struct follow *f, const struct listen_request *asked);
void follow_reopen(struct follow *f);

/* No route points to what was given up any more. */
void follow_sweep(struct follow *f);

/* A listener has died; where it is one of f's there will be another. May be
 * called back by the relay. */
void follow_died(struct follow *f, const struct addr *bound);

/* Each listener that there is now for follow_listen() of g. */
void follow_each(const struct follow *f, const struct config_group *g,
		 void (*each)(void *data, int fd, const struct addr *at,
			      const char *from),
		 void *data);

/* Look no more. The listeners are the relay's. A second call does nothing. */
void follow_stop(struct follow *f);

/* When the loop has closed its handles, and the relay is gone. f may be NULL. */
void follow_free(struct follow *f);

#endif
