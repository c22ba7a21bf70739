#ifndef LOWPORT_CONFIG_PF_H
#define LOWPORT_CONFIG_PF_H

#include "base/addr.h"
#include "config/pf_lex.h"

#include <net/if.h>

/*
 * The redirections of a pf.conf(5), as relays that do the same, and why others
 * cannot be had. All the rest of such a file is skipped.
 */

enum {
	PF_TEXT_MOST = 4 << 20,   /* bytes of a file */
	PF_RULE_PORTS_MOST = 64,  /* listeners of a rule */
	PF_LISTENERS_MOST = 4096, /* in all */
	PF_MESSAGES_MOST = 1000,  /* on what is left out: more are counted */
	PF_MISTAKES_MOST = 20,    /* then reading ends */
	PF_FILES_MOST = 64,       /* that a file names */
};

enum pf_where {
	PF_ADDRESS,    /* addr */
	PF_EVERYWHERE, /* every address of a family, or of both */
	PF_INTERFACE,  /* what addresses the interface has */
};

struct pf_place {
	enum pf_where where;
	int family; /* but of PF_ADDRESS; AF_UNSPEC stands for both */
	struct addr addr;
	char interface[IF_NAMESIZE];
	bool local; /* only for clients on this machine */
};

struct pf_listener {
	struct pf_place place;
	unsigned port;
	bool dropped; /* another relay has it */
};

/* Who may connect, or may not: the first that fits counts. */
struct pf_client {
	char *net;
	bool deny;
};

/* What a rule has become. Its strings are its own. */
struct pf_relay {
	char *name;
	char *file, *rule; /* where it is from, and how it stands there */
	unsigned line;
	struct pf_listener *listeners;
	size_t listener_count;
	char *to;
	struct pf_client *clients; /* none: everyone */
	size_t client_count;
	char **notes; /* for a person */
	size_t note_count;

	bool no;          /* an exception: no relay, but in the way of others */
	bool late, quick; /* see struct pf_rule */
};

struct pf_message {
	char *text; /* FILE:LINE: RULE: why, or FILE:LINE:COLUMN: a mistake */
	bool mistake;
};

struct pf {
	struct pf_relay *relays;
	size_t relay_count;
	struct pf_message *messages;
	size_t message_count;

	size_t redirections; /* rules that there were */
	size_t left_out;     /* what of them is not here, and files not read */
	size_t mistakes;     /* of grammar */
	size_t others;       /* rules that redirect nothing */
	size_t listeners;
	bool no_memory;

	/* Read a file that another names (include, load anchor). Returns 0 or
	 * a negative errno; the text is freed by the reader. NULL: none is
	 * read. */
	int (*open)(const char *path, char **text, size_t *length);
	unsigned files; /* that have been */
	struct pf_macros macros;
};

/* Read a text, called file in messages, in addition to what p has; all zero, it
 * has nothing. Returns 0 whatever was in the text, -EFBIG, or -ENOMEM. */
int pf_read(struct pf *p, const char *file, const char *text, size_t length);

void pf_free(struct pf *p);

/* Enough for a listener as text, its end included. */
enum { PF_LISTENER_TEXT = ADDR_TEXT };

/* As --listen takes it. Returns buf. */
const char *pf_listener_print(const struct pf_listener *l,
			      char buf[PF_LISTENER_TEXT]);

/* Does the relay still have a listener of its own? */
bool pf_relay_is_needed(const struct pf_relay *r);

#endif
