#ifndef LOWPORT_SERVICE_UNIT_H
#define LOWPORT_SERVICE_UNIT_H

#include "service/agent.h"

/*
 * The units of an agent: one .service, and a .socket for each name that its
 * sockets are handed over by. What they say, and why, is in the texts in
 * unit.c.
 */

/* Both return the text, which the caller frees, or NULL if there is no memory.
 * user is whom an app runs as (starts_app, of_system); NULL: nobody that
 * exists. */
char *unit_service(const struct agent *a, const char *user);
char *unit_socket(const struct agent *a, size_t first);

/* Read back the sockets, the program and the arguments of a from its files,
 * a->file and those beside it, into a, which agent_init_systemd() has set up.
 * Returns 0, or a negative errno with *why (-ENOENT: there is no a->file). */
int unit_read(struct agent *a, struct fault *why);

#endif
