#ifndef LOWPORT_CONFIG_TAKE_H
#define LOWPORT_CONFIG_TAKE_H

#include "config/spec.h"

struct reader;

/*
 * Where sockets come from that listeners of the configuration take, each at the
 * very address at which one of them is bound, instead of binding it (--take).
 */
struct takes {
	struct listener_spec *at;
	size_t count;
};

/* Add a source: systemd, systemd:NAME, launchd:NAME, fd:N. Returns 0, or -EINVAL
 * or -ENOMEM with *why. */
int takes_add(struct takes *t, const char *text, struct fault *why);

void takes_free(struct takes *t);

/* Complain of those that a listener asks for as well. */
void takes_check(struct reader *r);

#endif
