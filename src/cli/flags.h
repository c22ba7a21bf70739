#ifndef LOWPORT_CLI_FLAGS_H
#define LOWPORT_CLI_FLAGS_H

#include "cli/cli.h"

/*
 * What each subcommand takes, for completions: its own flags, and those of
 * `lowport run` out of the table of options. A test holds it to --help.
 */
struct flag {
	const char *name;     /* without the dashes */
	const char *argument; /* as in --help; NULL: it takes none */
	const char *help;     /* some words */
	bool repeatable;
};

enum { FLAGS_MOST = 80, FLAGS_OWN_MOST = 8, BRIEF_TEXT = 64 };

struct usage {
	const char *command;
	bool takes_options;  /* those of the table */
	const char *operand; /* LABEL, FILE, ...; NULL: none */
	struct flag own[FLAGS_OWN_MOST];
};

/* What is known of a command; what is not known takes --help. */
const struct usage *usage_of(const struct command *c);

/* All flags of a command, --help last. Their texts are static, or lie in briefs.
 * Returns how many there are. */
size_t usage_flags(const struct usage *u, struct flag flags[FLAGS_MOST],
		   char briefs[FLAGS_MOST][BRIEF_TEXT]);

/* The flag of the command's own that somebody may have meant who typed
 * --word[=...]; NULL if none is near, or it is an option of the table. */
const char *flags_resembling(const char *command, const char *word);

/* COMMAND: "WORD" is not understood, and what would be. */
void flags_complain(const char *command, const char *word);

/* What may stand for an argument of --help's. */
enum value {
	VALUE_NONE,    /* the flag takes none */
	VALUE_FREE,    /* nobody can guess it */
	VALUE_WORDS,   /* one of some words */
	VALUE_SPEC,    /* a listener */
	VALUE_BACKEND, /* a backend */
	VALUE_COMMAND, /* a program */
	VALUE_FILE,    /* a path */
	VALUE_LABEL,   /* what has been installed */
};

/* words: where VALUE_WORDS puts them, with spaces between. */
enum value value_of_argument(const char *argument, char words[BRIEF_TEXT]);

#endif
