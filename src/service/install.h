#ifndef LOWPORT_SERVICE_INSTALL_H
#define LOWPORT_SERVICE_INSTALL_H

#include "service/agent.h"
#include "service/plist.h"

/*
 * Putting an agent into this user's launchd, taking it out, loading it anew.
 * Each step that a person would want to hear of is told to say().
 */

typedef void (*install_say)(const char *text);

/*
 * Write a (and, where its addresses come and go, its watcher), load it, wait
 * until it is up, connect once to each address. program is the lowport to copy.
 * Returns 0, or a negative errno with *why; what was there before is then
 * unloaded at most.
 */
int install_agent(struct agent *a, const char *program, install_say say,
		  struct fault *why);

/* Load an installed agent anew: its copy of lowport is replaced by program, its
 * sockets are made again. Returns 0, or a negative errno with *why. */
int install_reload(const char *name, const char *program, install_say say,
		   struct fault *why);

/* Take it out: unload it, remove its files, and look whether its ports are free
 * now. Returns 0, or a negative errno with *why. */
int install_remove(const char *name, install_say say, struct fault *why);

/* Is this someone who may have an agent? Not root, and not through sudo. 0, or
 * -EPERM with *why. */
int install_check_user(struct fault *why);

#endif
