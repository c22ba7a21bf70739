#ifndef LOWPORT_CLI_LATE_H
#define LOWPORT_CLI_LATE_H

#include "cli/generation.h"

/*
 * Listeners of a new generation whose port is held by those of the one before,
 * which will be closed: another address of it, or all of them. Both cannot be had
 * at a time, so these are opened last (generation_open_late()).
 */

/* The port of spec is taken: let it wait if it is by one that before has and g
 * does not. Returns whether it waits. */
bool late_put_off(struct generation *g, const struct generation *before,
		  struct member *m, const struct listener_spec *spec);

/* Has a listener of the generation before to be closed first, or those of one of
 * its interfaces? */
bool late_wants(const struct generation *g, const struct served *before);
bool late_wants_of_interface(const struct generation *g,
			     const struct listener_spec *before);

#endif
