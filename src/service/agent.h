#ifndef LOWPORT_SERVICE_AGENT_H
#define LOWPORT_SERVICE_AGENT_H

#include "base/addr.h"
#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * An agent: one lowport that launchd starts for one user, with the sockets
 * that launchd binds for it. This is what a plist says, and nothing about
 * whether it is loaded.
 *
 * Its name (wg-web) is the user's; its label (lowport.wg-web) is launchd's.
 */

enum {
	AGENT_NAME_MAX = 64,
	AGENT_SOCKETS_MAX = 64,
	AGENT_ARGUMENTS_MAX = 192,
	AGENT_PATH = 1024,
};

/* A socket for launchd to bind: a key under Sockets, and one address. */
struct agent_socket {
	char name[32];
	struct addr addr;
};

struct agent {
	char name[AGENT_NAME_MAX + 1];
	char label[AGENT_NAME_MAX + 32];
	char plist[AGENT_PATH];   /* the file that describes it */
	char program[AGENT_PATH]; /* what it runs: its own copy of lowport */
	char log[AGENT_PATH];     /* its standard error */
	char *arguments[AGENT_ARGUMENTS_MAX]; /* owned, argv[0] not included */
	size_t argument_count;
	struct agent_socket sockets[AGENT_SOCKETS_MAX];
	size_t socket_count;
	uint64_t exit_timeout_s; /* from SIGTERM to SIGKILL */
	bool keep_alive;         /* runs all the time: it has no sockets */
};

/* Set up name, label and paths in the home of this user; the rest stays empty.
 * Returns 0, or -EINVAL with *why if name cannot be one. */
int agent_init(struct agent *a, const char *name, struct fault *why);

/* The agent that watches the addresses of a (see agent_needs_watcher()): the
 * same binary, no sockets, always running. Returns 0 or -ENOMEM. */
int agent_watcher(struct agent *w, const struct agent *a);

/* Does an address of a come and go, so that launchd may find it missing? */
bool agent_needs_watcher(const struct agent *a);

/* Both copy. Return 0, or -ENOMEM or -ENOSPC with *why. */
int agent_add_argument(struct agent *a, const char *text, struct fault *why);
int agent_add_socket(struct agent *a, const struct addr *addr,
		     struct fault *why);

void agent_free(struct agent *a);

#endif
