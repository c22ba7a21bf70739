#ifndef LOWPORT_ENGINE_LOOPS_H
#define LOWPORT_ENGINE_LOOPS_H

#include "lowport.h"

#include <stdatomic.h>

/*
 * The listeners of a relay, looked at from behind: would a connection to an
 * address come in at one of them, and lead back, directly or through others, to
 * where it came from? All workers of the relay ask.
 */

enum { LOOPS_PORTS = 65536, LOOPS_WORD = 32 };

struct loops {
	/* Asked without the lock, by nearly all connections for nothing more. */
	atomic_uint ports[LOOPS_PORTS / LOOPS_WORD]; /* listened on: a bit */
	atomic_bool has_paths;

	uv_mutex_t lock; /* for all that follows */
	struct loops_listener *listeners;
	size_t count;
	struct loops_group *groups;
	size_t group_count;
	/* Which group has been seen to lead to which by a name. */
	struct loops_edge *edges;
	size_t edge_count;
	unsigned walk; /* so many there have been */
	/* The last word on whether an address is of this machine. */
	struct addr asked;
	bool asked_is_local;
	uint64_t asked_until_ms;
};

/* Returns 0 or a negative errno. */
int loops_init(struct loops *l);
void loops_free(struct loops *l);

/* A listener, fd, bound to *bound. Returns 0 or -ENOMEM. */
int loops_add(struct loops *l, int fd, const struct addr *bound,
	      const struct relay_route *route);

/* What was added for fd is no listener any more. */
void loops_remove(struct loops *l, int fd);

/* What was added for fd is of that route from now on. Returns 0, -ENOENT, or
 * -ENOMEM with nothing changed. */
int loops_reroute(struct loops *l, int fd, const struct relay_route *route);

/* Would a connection of that route to *to lead back to it? Costs a system call
 * at most, and that only for what has the port of a wildcard listener. Unix
 * sockets are known by their path alone. */
bool loops_lead_back(struct loops *l, const struct relay_route *route,
		     const struct addr *to, uint64_t now_ms);

/* The same, before anything runs: Unix sockets are known by their file too, and
 * *where becomes the listener that it would come in at, whose path is the
 * loops' own. */
bool loops_find(struct loops *l, const struct relay_route *route,
		const struct addr *to, uint64_t now_ms, struct addr *where);

#endif
