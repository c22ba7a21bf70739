#ifndef LOWPORT_SERVICE_INSTALL_LAUNCHD_H
#define LOWPORT_SERVICE_INSTALL_LAUNCHD_H

#include "service/steps.h"

/*
 * Putting an agent into this user's launchd, taking it out, loading it anew.
 */

/*
 * Write a (and, where its addresses come and go, its watcher), load it, wait
 * until it is up, connect once to each address. program is the lowport to copy.
 * Returns 0, or a negative errno with *why; what was there before is then
 * unloaded at most.
 */
int install_launchd(struct agent *a, const char *program, install_say say,
		    struct fault *why);

/* Load an installed agent anew: its copy of lowport is replaced by program, its
 * sockets are made again. Returns 0, or a negative errno with *why. */
int install_reload_launchd(const char *name, const char *program,
			   install_say say, struct fault *why);

/* Take it out: unload it, remove its files, and look whether its ports are free
 * now. Returns 0, or a negative errno with *why. */
int install_remove_launchd(const char *name, install_say say,
			   struct fault *why);

/* Is this someone who may have an agent? Not root, and not through sudo. 0, or
 * -EPERM with *why. */
int install_check_user_launchd(struct fault *why);

#endif
