#ifndef LOWPORT_SERVICE_PLIST_H
#define LOWPORT_SERVICE_PLIST_H

#include "service/agent.h"

/*
 * The property list of an agent, launchd.plist(5), through libplist. What it
 * says and why is in launchd/README.md.
 */

enum plist_kind {
	PLIST_AGENT,  /* ~/Library/LaunchAgents: while the user is logged in */
	PLIST_DAEMON, /* /Library/LaunchDaemons: from boot, as that user */
};

/* Write a as XML. user is the daemon's UserName and NULL for an agent. Returns
 * the text, which the caller frees, or NULL if there is no memory. */
char *plist_write(const struct agent *a, enum plist_kind kind,
		  const char *user);

/* Read back the sockets and arguments of a from its file, a->file, into a,
 * which agent_init() has set up. Returns 0, or a negative errno with *why
 * (-ENOENT: there is no such file). */
int plist_read(struct agent *a, struct fault *why);

#endif
