#ifndef LOWPORT_CLI_NEEDS_H
#define LOWPORT_CLI_NEEDS_H

#include "config/config.h"
#include "os/sandbox.h"

/* What a configuration needs of the files of the system while it is in force, to
 * be read again and to come to its end: the sandbox leaves it that. */

/* status is the path of the status socket; NULL: none. Returns 0 or -ENOMEM; the
 * plan is the caller's to free. */
int needs_list(struct sandbox_plan *plan, const struct config *c,
	       const char *status);

void needs_free(struct sandbox_plan *plan);

/* Does it start programs? They would be in the sandbox too. */
bool needs_programs(const struct config *c);

#endif
