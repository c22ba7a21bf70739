#ifndef LOWPORT_CLI_CONFINE_H
#define LOWPORT_CLI_CONFINE_H

#include "cli/generation.h"
#include "os/rights.h"

/*
 * What lowport gives up before it serves anybody: root's rights (--user).
 */
struct confine {
	bool drops; /* root becomes another user */
	struct rights rights;
};

/* Before anything is opened: whose rights do we have, and whose are we to have?
 * Returns EXIT_OK, or EXIT_USAGE after saying what is wrong. */
int confine_look(struct confine *f, const struct config *c);

/* Once g is open, and web: become who was asked for, and let them have the files
 * that were made. Returns EXIT_OK, or EXIT_RUNTIME after saying why not. */
int confine_drop(const struct confine *f, const struct generation *g,
		 const struct listeners *web);

#endif
