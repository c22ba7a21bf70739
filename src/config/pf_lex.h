#ifndef LOWPORT_CONFIG_PF_LEX_H
#define LOWPORT_CONFIG_PF_LEX_H

#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The words of a pf.conf, as pfctl reads them: # begins a comment, a backslash
 * at the end of a line joins the next to it (comments too), "..." and '...' are
 * one word, and $NAME is replaced by its text, in which $ means nothing any
 * more: so macros cannot go round in circles.
 */

enum {
	PF_WORD_MOST = 8192,  /* bytes of a word or a macro, its end too */
	PF_MACROS_MOST = 512, /* in a file */
	PF_EXPANDED_MOST = 1 << 20, /* bytes that macros may come to, in all */
};

/* What a token is. All others are their own character: { } ( ) , ! = < > / */
enum pf_kind {
	PF_END = 256, /* of the text */
	PF_LINE,      /* the end of a line */
	PF_WORD,
	PF_QUOTED,
	PF_ARROW,     /* -> */
	PF_NOT_EQUAL, /* != */
	PF_AT_MOST,   /* <= */
	PF_AT_LEAST,  /* >= */
	PF_OUTSIDE,   /* <> */
	PF_INSIDE,    /* >< */
	PF_BAD,       /* why says what is wrong with it */
};

struct pf_macro {
	char *name, *value;
};

struct pf_macros {
	struct pf_macro *at;
	size_t count;
	size_t expanded; /* bytes that they have come to so far */
};

/* NAME is this from now on. Returns 0, or -ENOMEM or -E2BIG. */
int pf_macros_set(struct pf_macros *m, const char *name, const char *value);

void pf_macros_free(struct pf_macros *m);

/* Where reading has come to, and the token there. */
struct pf_lex {
	const char *text;
	size_t length, at, line_start;
	unsigned line_now;
	const char *macro; /* what is left of the one being read */
	struct pf_macros *macros;
	bool raw; /* $NAME stays as it is: nobody will look at it */

	int kind;              /* enum pf_kind, or a character */
	size_t begin;          /* of the token in text */
	unsigned line, column; /* likewise, from 1 */
	char word[PF_WORD_MOST];
	struct fault why;
};

/* Begin to read; the first token is there then. The text has to outlive l. */
void pf_lex_init(struct pf_lex *l, const char *text, size_t length,
		 struct pf_macros *macros);

/* Go on to the next token. At the end it stays. */
void pf_lex_next(struct pf_lex *l);

/* Is it this word, without quotes? */
bool pf_lex_is(const struct pf_lex *l, const char *word);

/* Likewise; and go on if it is. */
bool pf_lex_take(struct pf_lex *l, const char *word);

/* The same for a kind. */
bool pf_lex_take_kind(struct pf_lex *l, int kind);

/* As a person would point at the token: "word", or the end of the line. Returns
 * buf. */
const char *pf_lex_show(const struct pf_lex *l, char buf[64]);

#endif
