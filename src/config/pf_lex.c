#include "config/pf_lex.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NONE = -1 }; /* behind the last character */

static const struct pf_macro *find_macro(const struct pf_macros *m,
					 const char *name)
{
	for (size_t i = 0; i < m->count; i++)
		if (strcmp(m->at[i].name, name) == 0)
			return &m->at[i];
	return NULL;
}

static int add_macro(struct pf_macros *m, const char *name, char *value)
{
	struct pf_macro *more;

	if (m->count >= PF_MACROS_MOST)
		return -E2BIG;
	more = realloc(m->at, (m->count + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	m->at = more;
	more[m->count].name = strdup(name);
	if (!more[m->count].name)
		return -ENOMEM;
	more[m->count++].value = value;
	return 0;
}

int pf_macros_set(struct pf_macros *m, const char *name, const char *value)
{
	const struct pf_macro *old = find_macro(m, name);
	char *copy = strdup(value);
	int err;

	if (!copy)
		return -ENOMEM;
	if (old) {
		size_t i = (size_t)(old - m->at);

		free(m->at[i].value);
		m->at[i].value = copy;
		return 0;
	}
	err = add_macro(m, name, copy);
	if (err < 0)
		free(copy);
	return err;
}

void pf_macros_free(struct pf_macros *m)
{
	for (size_t i = 0; i < m->count; i++) {
		free(m->at[i].name);
		free(m->at[i].value);
	}
	free(m->at);
	*m = (struct pf_macros){0};
}

/* Is there a backslash, and then the end of the line? Returns its length. */
static size_t continuation(const struct pf_lex *l)
{
	size_t left = l->length - l->at;
	const char *p = l->text + l->at;

	if (left >= 2 && p[0] == '\\' && p[1] == '\n')
		return 2;
	return left >= 3 && p[0] == '\\' && p[1] == '\r' && p[2] == '\n' ? 3
									 : 0;
}

static int peek(struct pf_lex *l)
{
	size_t skip;

	if (l->macro && l->macro[0] != '\0')
		return (unsigned char)l->macro[0];
	l->macro = NULL;
	while ((skip = continuation(l)) > 0) {
		l->at += skip;
		l->line_now++;
		l->line_start = l->at;
	}
	return l->at < l->length ? (unsigned char)l->text[l->at] : NONE;
}

static int take(struct pf_lex *l)
{
	int c = peek(l);

	if (c == NONE)
		return c;
	if (l->macro) {
		l->macro++;
		return c;
	}
	l->at++;
	if (c == '\n') {
		l->line_now++;
		l->line_start = l->at;
	}
	return c;
}

static void mark(struct pf_lex *l)
{
	l->begin = l->at;
	l->line = l->line_now;
	l->column = (unsigned)(l->at - l->line_start) + 1;
}

static int bad(struct pf_lex *l, const char *what)
{
	fault_set(&l->why, 0, "%s", what);
	return PF_BAD;
}

static void skip_blanks(struct pf_lex *l)
{
	int c;

	/* A line of a macro's text is no line of the file. */
	while ((c = peek(l)) == ' ' || c == '\t' || c == '\r' ||
	       (c == '\n' && l->macro))
		take(l);
	if (c == '#')
		while ((c = peek(l)) != NONE && (c != '\n' || l->macro))
			take(l);
}

static bool is_arrow(const struct pf_lex *l)
{
	const char *p = l->macro ? l->macro : l->text + l->at;
	size_t left = l->macro ? strlen(l->macro) : l->length - l->at;

	return left >= 2 && p[0] == '-' && p[1] == '>';
}

/* Does the character belong to a word, as pfctl sees it? */
static bool is_of_word(int c)
{
	return c != NONE && c < 128 &&
	       (isalnum(c) || (ispunct(c) && !strchr("(){}<>!=/#,\"'", c)));
}

static int read_word(struct pf_lex *l)
{
	size_t n = 0;
	int c;

	while (is_of_word(c = peek(l)) && !(c == '-' && is_arrow(l))) {
		if (n + 1 >= sizeof(l->word))
			return bad(l, "a word of more than 8 KiB");
		l->word[n++] = (char)take(l);
	}
	l->word[n] = '\0';
	return PF_WORD;
}

static int read_quoted(struct pf_lex *l)
{
	int quote = take(l), c;
	size_t n = 0;

	while ((c = take(l)) != quote) {
		if (c == '\\' && peek(l) == quote)
			c = take(l);
		if (c == NONE)
			return bad(l, "a quote that nothing closes");
		if (c == '\0')
			return bad(l, "a NUL byte");
		if (n + 1 >= sizeof(l->word))
			return bad(l, "a quoted text of more than 8 KiB (is "
				      "the quote closed?)");
		l->word[n++] = (char)c;
	}
	l->word[n] = '\0';
	return PF_QUOTED;
}

/* Returns 0 if its text is to be read now. */
static int read_macro(struct pf_lex *l)
{
	const struct pf_macro *macro;
	char name[64];
	size_t n = 0;

	take(l);
	while (n + 1 < sizeof(name) && (isalnum(peek(l)) || peek(l) == '_'))
		name[n++] = (char)take(l);
	name[n] = '\0';
	macro = find_macro(l->macros, name);
	if (!macro) {
		fault_set(&l->why, 0,
			  "$%s is a macro that is not defined above (try %s = "
			  "\"en0\")",
			  name, n > 0 ? name : "ext_if");
		return PF_BAD;
	}
	l->macros->expanded += strlen(macro->value);
	if (l->macros->expanded > PF_EXPANDED_MOST)
		return bad(l, "macros that come to more than 1 MiB");
	l->macro = macro->value;
	return 0;
}

/* A character, and what it becomes with another behind it. */
static int read_sign(struct pf_lex *l)
{
	static const struct {
		char first, second;
		int kind;
	} pairs[] = {
		{'-', '>', PF_ARROW},   {'!', '=', PF_NOT_EQUAL},
		{'<', '=', PF_AT_MOST}, {'>', '=', PF_AT_LEAST},
		{'<', '>', PF_OUTSIDE}, {'>', '<', PF_INSIDE},
	};
	int c = take(l);

	snprintf(l->word, sizeof(l->word), "%c", c);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (pairs[i].first != c || peek(l) != pairs[i].second)
			continue;
		take(l);
		snprintf(l->word, sizeof(l->word), "%c%c", c, pairs[i].second);
		return pairs[i].kind;
	}
	return c;
}

static int read_token(struct pf_lex *l)
{
	int c = peek(l);

	if (c == NONE)
		return PF_END;
	if (c == '\n') {
		take(l);
		return PF_LINE;
	}
	if (c == '"' || c == '\'')
		return read_quoted(l);
	if (c == '$' && !l->macro && !l->raw)
		return read_macro(l);
	if (strchr("(){}<>!=/,", c) && c != '\0')
		return read_sign(l);
	if (c == '-' && is_arrow(l))
		return read_sign(l);
	if (is_of_word(c))
		return read_word(l);
	take(l);
	return bad(l, c == '\0' ? "a NUL byte: this is not a text"
				: "a character that has no meaning here");
}

void pf_lex_next(struct pf_lex *l)
{
	do {
		/* What a macro brings is where the macro is. */
		if (!l->macro) {
			skip_blanks(l);
			mark(l);
		} else {
			skip_blanks(l);
			if (!l->macro)
				mark(l);
		}
		l->word[0] = '\0';
		l->kind = read_token(l);
	} while (l->kind == 0);
}

void pf_lex_init(struct pf_lex *l, const char *text, size_t length,
		 struct pf_macros *macros)
{
	static const char mark_of_utf8[] = "\xef\xbb\xbf";

	memset(l, 0, sizeof(*l));
	l->text = text;
	l->length = length;
	l->macros = macros;
	l->line_now = 1;
	if (length >= 3 && memcmp(text, mark_of_utf8, 3) == 0)
		l->at = l->line_start = 3;
	pf_lex_next(l);
}

bool pf_lex_is(const struct pf_lex *l, const char *word)
{
	return l->kind == PF_WORD && strcmp(l->word, word) == 0;
}

bool pf_lex_take(struct pf_lex *l, const char *word)
{
	if (!pf_lex_is(l, word))
		return false;
	pf_lex_next(l);
	return true;
}

bool pf_lex_take_kind(struct pf_lex *l, int kind)
{
	if (l->kind != kind)
		return false;
	pf_lex_next(l);
	return true;
}

const char *pf_lex_show(const struct pf_lex *l, char buf[64])
{
	if (l->kind == PF_LINE)
		snprintf(buf, 64, "the end of the line");
	else if (l->kind == PF_END)
		snprintf(buf, 64, "the end of the file");
	else
		snprintf(buf, 64, "\"%.48s\"", l->word);
	return buf;
}
