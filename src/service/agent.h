#ifndef LOWPORT_SERVICE_AGENT_H
#define LOWPORT_SERVICE_AGENT_H

#include "base/addr.h"
#include "base/fault.h"

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * An agent: one lowport that the service manager starts, with the sockets that
 * it binds for it. This is what a plist or units say, and nothing about whether
 * they are loaded.
 *
 * Its name (wg-web) is the user's; its label (lowport.wg-web, lowport-wg-web)
 * is the service manager's.
 */

enum {
	AGENT_NAME_MAX = 64,
	AGENT_SOCKETS_MAX = 64,
	AGENT_ARGUMENTS_MAX = 192,
	AGENT_PATH = 1024,
};

/* A socket for the service manager to bind: what it is handed over as, and one
 * address. */
struct agent_socket {
	char name[AGENT_NAME_MAX + 8];
	struct addr addr;
	char interface[IF_NAMESIZE]; /* systemd: clients of that alone are
				      * served, of all those that come; "":
				      * of all */
};

struct agent {
	char name[AGENT_NAME_MAX + 1];
	char label[AGENT_NAME_MAX + 32];
	char file[AGENT_PATH];    /* the one that describes it */
	char program[AGENT_PATH]; /* what it runs */
	char log[AGENT_PATH]; /* its standard error: a file, or a command that
			       * shows it */
	char *arguments[AGENT_ARGUMENTS_MAX]; /* owned, argv[0] not included */
	size_t argument_count;
	struct agent_socket sockets[AGENT_SOCKETS_MAX];
	size_t socket_count;
	uint64_t exit_timeout_s; /* from SIGTERM to SIGKILL */
	bool keep_alive;         /* runs all the time: it has no sockets */

	/* What systemd's units depend on. */
	bool of_system;    /* else of this user's */
	uint64_t backlog;  /* of its sockets */
	bool starts_app;   /* --exec: an app runs within it */
	bool to_home;      /* a backend is a file in a home folder, */
	bool to_tmp;       /* or in /tmp */
	const char *asked; /* the words it was asked for with, for messages;
			     * borrowed; NULL: not known */
};

/* Empty but for its name. Returns 0, or -EINVAL with *why if name cannot be
 * one. */
int agent_init(struct agent *a, const char *name, struct fault *why);

/* Both copy. Return 0, or -ENOMEM or -ENOSPC with *why. */
int agent_add_argument(struct agent *a, const char *text, struct fault *why);
int agent_add_socket(struct agent *a, const struct addr *addr,
		     struct fault *why);

void agent_free(struct agent *a);

#endif
