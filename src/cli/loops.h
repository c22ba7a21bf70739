#ifndef LOWPORT_CLI_LOOPS_H
#define LOWPORT_CLI_LOOPS_H

#include "cli/generation.h"

/*
 * Does a backend of one relay lead back to its own listeners? Each that does is
 * told to mistake, with both named. The listeners of g are served by r. Of names
 * only localhost is looked at: what others lead to may change. Returns whether
 * all is well.
 */
bool loops_check(struct relay *r, const struct generation *g,
		 void (*mistake)(const char *text));

#endif
