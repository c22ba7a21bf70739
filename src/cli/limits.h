#ifndef LOWPORT_CLI_LIMITS_H
#define LOWPORT_CLI_LIMITS_H

#include "config/config.h"

/* How many threads and connections the descriptors carry. */

/* Fill in *opt's threads, connections and pipes as c asks for them, beside so
 * many listeners, after raising the descriptor limit; what had to be less than
 * was asked for is said in the log. The rest of *opt is relay_defaults(). */
void limits_set(struct relay_options *opt, const struct config *c,
		size_t listeners);

#endif
