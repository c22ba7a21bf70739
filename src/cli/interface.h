#ifndef LOWPORT_CLI_INTERFACE_H
#define LOWPORT_CLI_INTERFACE_H

#include "config/config.h"
#include "os/netif.h"

/*
 * One interface that is listened on by name: the addresses that it has, and a
 * listener of the relay at each (if:wg0:80), or none where one that was handed
 * over serves them (systemd@if:wg0). Each change is a line in the log.
 */

/* What a configuration says of it. */
struct interface_terms {
	const struct listen_request *asked; /* NULL: nothing */
	const struct config_group *group;   /* NULL: it was handed over */
	const struct relay_route *route;    /* of its listeners */
};

/* The listener at one of its addresses. */
struct interface_door {
	int fd;    /* the relay's; -1: none */
	int error; /* why there is none: what was said last */
	bool dead;
	bool vacated; /* by interface_vacate() */
};

/* Only terms and entry are to be read by others. */
struct interface {
	struct relay *relay;
	struct interface_terms terms; /* in force */
	struct relay_entry entry;     /* its addresses, kept up to date */
	uint16_t port;                /* 0 until the first has one */
	unsigned index;               /* 0: it is not there */
	bool told; /* that the system does not tell interfaces apart */
	struct addr at[NETIF_ADDRESSES_MAX]; /* that it has, port 0 */
	struct interface_door door[NETIF_ADDRESSES_MAX];
	size_t count;
};

/* x is all zero, and stays where it is. port: what is asked for, 0 for any. */
void interface_init(struct interface *x, struct relay *relay, uint16_t port);

/* From now on these terms hold, whose pointers have to stay until others do. */
void interface_serve(struct interface *x, const struct interface_terms *terms);

/* See which addresses it has now, and listen at each. Returns false if that has
 * to be done again before something changes. */
bool interface_look(struct interface *x);

/* Say so if it is not there, or has no address yet. */
void interface_say_waiting(const struct interface *x);

/* Close its listeners, because another wants their port; the next look opens them
 * again, if nobody has said interface_leave() by then. */
void interface_vacate(struct interface *x);

/* A listener has died: if it was one of x's, the next look makes another. */
void interface_died(struct interface *x, const struct addr *bound);

/* Each listener that there is now. */
void interface_each(const struct interface *x,
		    void (*each)(void *data, int fd, const struct addr *at,
				 const char *from),
		    void *data);

/* Nobody asks for it any more: listen no more. */
void interface_leave(struct interface *x);

#endif
