#ifndef LOWPORT_CONFIG_OPTIONS_H
#define LOWPORT_CONFIG_OPTIONS_H

#include "config/config.h"

/*
 * One table of all that can be set: a row gives the name, how it is read, the
 * default and the help text. The command line, the file and --help are this
 * table.
 */
enum option_scope {
	OPTION_PROCESS, /* for all of it: a member of struct config */
	OPTION_RELAY,   /* for one relay, or the default of all: of struct
			 * settings */
	OPTION_GROUP,   /* for one relay alone */
	OPTION_ONCE,    /* for the command line alone */
};

struct option {
	const char *name;
	enum option_scope scope;
	const char *argument; /* what it takes, for --help; NULL: it can stand
			       * alone, and then takes "on" */
	bool repeatable;

	/* Read text into c. Returns 0, or a negative errno with *why (which
	 * names the value and what would be right, not the option). */
	int (*parse)(struct config *c, const struct option *o, const char *text,
		     struct fault *why);
	size_t offset;        /* of a uint64_t, see scope */
	uint64_t min, max;    /* what is allowed, in the member's unit */
	const char *fallback; /* the default, as text; NULL: none */
	const char *help;
};

/* Ends with a row whose name is NULL. */
extern const struct option options[];

/* Returns the row, NULL if there is none of that name. */
const struct option *option_find(const char *name);

/* What is set of o in c, as it is read: the member, and where it was given. */
uint64_t *option_member(struct config *c, const struct option *o);
struct position *option_place(struct config *c, const struct option *o);

/* The row whose name is nearest to a misspelt one; NULL if none is near. */
const struct option *option_suggest(const char *name);

#endif
