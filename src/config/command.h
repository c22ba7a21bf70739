#ifndef LOWPORT_CONFIG_COMMAND_H
#define LOWPORT_CONFIG_COMMAND_H

#include "config/config.h"

/*
 * The command that starts a backend. It is told where to listen in its
 * environment, and by {port}, {address} and {path} in its words.
 */

/* Read it into g, which has none. Returns 0, or -EINVAL or -ENOMEM with *why.
 */
int command_parse(struct config_group *g, const char *text, struct fault *why);

/* Does the whole of g make sense, its command and its backends? Returns 0, or
 * -EINVAL with *why and the name of the option that it is about. */
int command_check(const struct config_group *g, const char **option,
		  struct fault *why);

#endif
