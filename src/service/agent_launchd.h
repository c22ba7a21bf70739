#ifndef LOWPORT_SERVICE_AGENT_LAUNCHD_H
#define LOWPORT_SERVICE_AGENT_LAUNCHD_H

#include "service/agent.h"

/* agent_init(), with label and paths in the home of this user. Returns 0, or
 * -EINVAL with *why. */
int agent_init_launchd(struct agent *a, const char *name, struct fault *why);

/* The agent that watches the addresses of a (see agent_needs_watcher()): the
 * same binary, no sockets, always running. Returns 0 or -ENOMEM. */
int agent_watcher(struct agent *w, const struct agent *a);

/* Does an address of a come and go, so that launchd may find it missing? */
bool agent_needs_watcher(const struct agent *a);

#endif
