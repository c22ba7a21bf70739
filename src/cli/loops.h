#ifndef LOWPORT_CLI_LOOPS_H
#define LOWPORT_CLI_LOOPS_H

#include "config/config.h"

/*
 * Does a backend of one group lead back to its own listeners? Each that does is
 * complained of, with both named. listeners are served by r, each with its route;
 * counts[i] is how many there are after group i. Of names only localhost is
 * looked at: what others lead to may change. Returns whether all is well.
 */
bool loops_check(struct relay *r, const struct config *c,
		 const struct listeners *listeners,
		 const struct relay_route *routes, const size_t *counts);

#endif
