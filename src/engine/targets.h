#ifndef LOWPORT_ENGINE_TARGETS_H
#define LOWPORT_ENGINE_TARGETS_H

#include "base/addr.h"

#include <stddef.h>

struct addrinfo;

/* The addresses of one backend, in the order in which they are tried. */
struct targets {
	struct addr *at;
	size_t count;
	struct addr own[2]; /* where at points as long as they suffice */
};

/* What starts as zeroes has none. */
void targets_free(struct targets *t);

/* An address that stands for itself. */
void targets_literal(struct targets *t, const struct addr *a);

/* Is host localhost? Then both loopback addresses, IPv6 first. */
bool targets_localhost(struct targets *t, const char *host, uint16_t port);

/* What the resolver found, each once, families taking turns (RFC 8305, 4) from
 * the one that it put first; wildcards are left out. Returns 0 or -ENOMEM. */
int targets_found(struct targets *t, const struct addrinfo *list,
		  uint16_t port);

/* If a is among them, it comes first. */
void targets_prefer(struct targets *t, const struct addr *a);

#endif
