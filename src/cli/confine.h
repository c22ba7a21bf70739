#ifndef LOWPORT_CLI_CONFINE_H
#define LOWPORT_CLI_CONFINE_H

#include "cli/generation.h"
#include "os/rights.h"
#include "os/sandbox.h"

/*
 * What lowport gives up before it serves anybody: root's rights (--user), and
 * files and system calls that it has no use for (--sandbox). There is one.
 */
struct confine {
	bool drops; /* root becomes another user */
	struct rights rights;
	enum sandbox_mode mode;
	bool names, modes;  /* are looked up; are changed */
	bool begun;         /* what is to hold can be had */
	bool files, calls;  /* what holds */
	uv_async_t refused; /* while calls: one was not allowed */
};

/* Before anything is opened: whose rights do we have, and whose are we to have?
 * Returns EXIT_OK, or EXIT_USAGE after saying what is wrong. */
int confine_look(struct confine *f, const struct config *c);

/* Once its listeners are open, and while there is but one thread: have ready what
 * confine_calls() puts into force, and keep from us the files that c does not
 * need. Returns EXIT_OK, or EXIT_RUNTIME after saying why not. */
int confine_files(struct confine *f, const struct config *c);

/* Once g is open, and web: become who was asked for, and let them have the files
 * that were made. Likewise. */
int confine_drop(const struct confine *f, const struct generation *g,
		 const struct listeners *web);

/* When all is set up, whatever threads there are: system calls. Likewise. */
int confine_calls(struct confine *f, uv_loop_t *loop);

/* What of it holds, for people: a constant. */
const char *confine_holds(const struct confine *f);

/* Is what another configuration needs still in reach? Returns false after telling
 * mistake what is not. */
bool confine_reaches(const struct confine *f, const struct config *c,
		     void (*mistake)(const char *text));

/* It ends: nothing new is begun. */
void confine_end(void);

/* The loop is about to be closed. */
void confine_close(struct confine *f);

#endif
