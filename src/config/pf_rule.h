#ifndef LOWPORT_CONFIG_PF_RULE_H
#define LOWPORT_CONFIG_PF_RULE_H

#include "config/pf_lex.h"

#include <stdint.h>

/*
 * One rule of pf.conf(5) that redirects, as it is written: rdr of macOS,
 * FreeBSD and OpenBSD before 4.7, or pass and match with rdr-to.
 */

enum {
	PF_LIST_MOST = 64, /* entries of a list */
	PF_NAME_MOST = 64, /* bytes of an entry, its end included */
};

/* An interface, an address, a network, a table, a protocol, ... */
struct pf_item {
	char text[PF_NAME_MOST];
	int bits;     /* behind the /; -1: none */
	bool negated; /* ! before it */
	bool table;   /* <text> */
	bool dynamic; /* (text) */
};

struct pf_list {
	struct pf_item at[PF_LIST_MOST];
	size_t count;
};

struct pf_ports {
	struct {
		unsigned first, last;
	} at[PF_LIST_MOST];
	size_t count;
};

enum pf_target {
	PF_SAME_PORT,  /* none is said */
	PF_ONE_PORT,   /* 8080 */
	PF_PORT_RANGE, /* 8000:8010: one by one, and from the start again */
	PF_PORTS_FROM, /* 8000:*: one by one */
};

struct pf_rule {
	bool no;    /* an exception from the rules behind it */
	bool late;  /* pass or match: the last that fits counts, ... */
	bool quick; /* ... unless it is quick */
	int family; /* AF_UNSPEC: not said */
	struct pf_list on, proto, from, to, target;
	struct pf_ports port;
	enum pf_target target_port;
	unsigned target_first, target_last;

	/* Why lowport cannot do the same, with what to do instead; "": no
	 * reason is known yet. */
	char why[512];
};

/* Read the rule that begins at the current token, to the end of its line.
 * Returns 0, or -EINVAL with *why if it is no rule: what was expected, and what
 * is there. *redirects: it is an rdr, or has an rdr-to. */
int pf_rule_read(struct pf_rule *r, struct pf_lex *l, bool *redirects,
		 struct fault *why);

/* Note why lowport cannot do the same; the first reason stays. */
void pf_rule_refuse(struct pf_rule *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
