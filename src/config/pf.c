#include "config/pf.h"

#include "config/pf_convert.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RULE_TEXT = 240 }; /* of a rule, in comments and messages */

/* A file that is being read. */
struct reader {
	struct pf *p;
	const char *file;
	struct pf_lex lex;
	struct pf_rule rule;
	unsigned blocks; /* anchor "x" { that are open */
};

static void read_text(struct pf *p, struct reader *r, const char *text,
		      size_t length);

/* The rule between two places as one line, without its comments. */
static void copy_rule(char out[RULE_TEXT], const char *at, const char *end)
{
	size_t n = 0;
	char quote = '\0';

	for (; at < end && n + 4 < RULE_TEXT; at++) {
		char c = *at;

		if (c == '#' && quote == '\0')
			while (at + 1 < end && at[1] != '\n')
				at++;
		if (c == '#' && quote == '\0')
			continue;
		if (c == '"' || c == '\'')
			quote = quote == '\0' ? c : quote == c ? '\0' : quote;
		if (c == '\\' && at + 1 < end &&
		    (at[1] == '\n' || at[1] == '\r'))
			continue;
		if (c == '\n' || c == '\r' || c == '\t')
			c = ' ';
		if (c != ' ' || (n > 0 && out[n - 1] != ' '))
			out[n++] = c;
	}
	while (n > 0 && out[n - 1] == ' ')
		n--;
	snprintf(out + n, RULE_TEXT - n, "%s", at < end ? "..." : "");
	for (size_t i = 0; i < n; i++)
		if (out[i] == '\0')
			out[i] = '?';
	pf_make_plain(out);
}

static void skip_line(struct pf_lex *l)
{
	l->raw = true;
	while (l->kind != PF_LINE && l->kind != PF_END)
		pf_lex_next(l);
	l->raw = false;
}

/* Say what is wrong at the current token, and go on with the next line. */
static void mistake(struct reader *r, const char *what)
{
	pf_say(r->p, true, "%s:%u:%u: %s", r->file, r->lex.line, r->lex.column,
	       what);
	skip_line(&r->lex);
}

/* To the end of a statement that is not for us. With blocks a { at the end of
 * its line begins more statements. */
static void skip_statement(struct reader *r, bool blocks)
{
	struct pf_lex *l = &r->lex;
	unsigned depth = 0, line = 0, column = 0;
	char text[128];

	l->raw = true;
	while (l->kind != PF_END && (l->kind != PF_LINE || depth > 0)) {
		bool opens = l->kind == '{';

		if (l->kind == PF_BAD) {
			mistake(r, l->why.text);
			return;
		}
		if (opens && depth++ == 0) {
			line = l->line;
			column = l->column;
		}
		depth -= l->kind == '}' && depth > 0;
		pf_lex_next(l);
		if (opens && blocks && l->kind == PF_LINE) {
			r->blocks++;
			break;
		}
	}
	l->raw = false;
	if (l->kind != PF_END || depth == 0)
		return;
	snprintf(text, sizeof(text), "a { that nothing closes");
	pf_say(r->p, true, "%s:%u:%u: %s", r->file, line, column, text);
}

static void read_rule(struct reader *r)
{
	struct pf_lex *l = &r->lex;
	const char *begin = l->text + l->begin;
	unsigned line = l->line;
	char text[RULE_TEXT];
	bool redirects;
	struct fault why;

	if (pf_rule_read(&r->rule, l, &redirects, &why) < 0) {
		mistake(r, why.text);
		return;
	}
	if (!redirects) {
		r->p->others++;
		skip_statement(r, false);
		return;
	}
	copy_rule(text, begin, l->text + l->begin);
	r->p->redirections++;
	pf_convert(r->p, &r->rule,
		   &(const struct pf_origin){r->file, line, text});
}

static void leave_file(struct reader *r, const char *path, unsigned line,
		       const char *why)
{
	pf_say(r->p, false,
	       "%s:%u: %s was not read (%s): its rules are not here (try "
	       "lowport convert-pf %s)",
	       r->file, line, path, why, path);
}

static void read_file(struct reader *r, const char *path, unsigned line)
{
	struct pf *p = r->p;
	struct reader *below;
	char *text = NULL;
	size_t length = 0;
	int err;

	/* A file may name itself. */
	if (p->files >= PF_FILES_MOST) {
		leave_file(r, path, line,
			   "there were enough files before it: does one name "
			   "itself?");
		return;
	}
	err = p->open ? p->open(path, &text, &length) : -ENOENT;
	if (err < 0) {
		leave_file(r, path, line, strerror(-err));
		return;
	}
	below = malloc(sizeof(*below));
	p->no_memory |= !below;
	if (below) {
		p->files++;
		*below = (struct reader){.p = p, .file = path};
		read_text(p, below, text, length);
	}
	free(below);
	free(text);
}

/* include "FILE", and load anchor NAME from "FILE" */
static void read_reference(struct reader *r, bool anchor)
{
	struct pf_lex *l = &r->lex;
	unsigned line = l->line;
	char path[1024];

	pf_lex_next(l);
	if (anchor) {
		if (!pf_lex_take(l, "anchor")) {
			mistake(r, "expected load anchor \"NAME\" from "
				   "\"FILE\"");
			return;
		}
		while (l->kind == PF_WORD || l->kind == PF_QUOTED) {
			if (pf_lex_take(l, "from"))
				break;
			pf_lex_next(l);
		}
	}
	if ((l->kind != PF_WORD && l->kind != PF_QUOTED) ||
	    strlen(l->word) >= sizeof(path)) {
		mistake(r, "expected the name of a file, in quotes");
		return;
	}
	snprintf(path, sizeof(path), "%.1023s", l->word);
	pf_lex_next(l);
	read_file(r, path, line);
}

static void set_macro(struct reader *r, const char *name)
{
	struct pf_lex *l = &r->lex;
	char value[PF_WORD_MOST];
	size_t n = 0;
	int err;

	value[0] = '\0';
	while (l->kind != PF_LINE && l->kind != PF_END) {
		if (l->kind == PF_BAD) {
			mistake(r, l->why.text);
			return;
		}
		n += (size_t)snprintf(value + n, sizeof(value) - n, "%s%s",
				      n > 0 ? " " : "", l->word);
		if (n >= sizeof(value)) {
			mistake(r, "a macro of more than 8 KiB");
			return;
		}
		pf_lex_next(l);
	}
	err = pf_macros_set(&r->p->macros, name, value);
	r->p->no_memory |= err == -ENOMEM;
	if (err == -E2BIG)
		mistake(r, "more macros than anybody needs (512)");
}

/* A word that begins nothing we know: NAME = VALUE, or a mistake. */
static void read_macro(struct reader *r)
{
	struct pf_lex *l = &r->lex;
	unsigned line = l->line, column = l->column;
	char name[64];

	snprintf(name, sizeof(name), "%.63s", l->word);
	if (strlen(l->word) >= sizeof(name)) {
		mistake(r, "a word of more than 63 characters, where a rule "
			   "or the name of a macro would be");
		return;
	}
	pf_lex_next(l);
	if (pf_lex_take_kind(l, '=')) {
		set_macro(r, name);
		return;
	}
	pf_say(r->p, true,
	       "%s:%u:%u: expected a rule (rdr, pass, ...) or NAME = "
	       "VALUE, found \"%s\"%s",
	       r->file, line, column, name,
	       strcmp(name, "echo") == 0 || strcmp(name, "sudo") == 0
		       ? " (is it a script? pf's rules alone are read)"
		       : "");
	skip_line(l);
}

/* Statements that redirect nothing, and whether they are rules. */
static const struct {
	const char *word;
	bool rule;
} others[] = {
	{"block", true},
	{"nat", true},
	{"binat", true},
	{"scrub", true},
	{"antispoof", true},
	{"dummynet", true},
	{"no", true},
	{"set", false},
	{"table", false},
	{"altq", false},
	{"queue", false},
	{"nat-anchor", false},
	{"rdr-anchor", false},
	{"binat-anchor", false},
	{"anchor", false},
	{"scrub-anchor", false},
	{"dummynet-anchor", false},
};

static bool skip_other(struct reader *r)
{
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (!pf_lex_is(&r->lex, others[i].word))
			continue;
		r->p->others += others[i].rule;
		skip_statement(r, strcmp(others[i].word, "anchor") == 0);
		return true;
	}
	return false;
}

/* no nat, no scrub, ... are not for us, no rdr is. */
static bool begins_rule(const struct pf_lex *l)
{
	struct pf_lex next;

	if (pf_lex_is(l, "rdr") || pf_lex_is(l, "pass") ||
	    pf_lex_is(l, "match"))
		return true;
	if (!pf_lex_is(l, "no"))
		return false;
	next = *l;
	pf_lex_next(&next);
	return pf_lex_is(&next, "rdr");
}

static void read_statement(struct reader *r)
{
	struct pf_lex *l = &r->lex;

	if (l->kind == PF_LINE) {
		pf_lex_next(l);
	} else if (l->kind == PF_BAD) {
		mistake(r, l->why.text);
	} else if (l->kind == '}' && r->blocks > 0) {
		r->blocks--;
		pf_lex_next(l);
	} else if (begins_rule(l)) {
		read_rule(r);
	} else if (pf_lex_is(l, "include")) {
		read_reference(r, false);
	} else if (pf_lex_is(l, "load")) {
		read_reference(r, true);
	} else if (l->kind != PF_WORD) {
		mistake(r, "expected a rule (rdr, pass, ...) at the beginning "
			   "of the line");
	} else if (!skip_other(r)) {
		read_macro(r);
	}
}

static void read_text(struct pf *p, struct reader *r, const char *text,
		      size_t length)
{
	pf_lex_init(&r->lex, text, length, &p->macros);
	while (r->lex.kind != PF_END && p->mistakes < PF_MISTAKES_MOST &&
	       !p->no_memory)
		read_statement(r);
	if (r->blocks > 0 && p->mistakes == 0)
		mistake(r, "expected a } that ends the anchor");
}

int pf_read(struct pf *p, const char *file, const char *text, size_t length)
{
	struct reader *r;

	if (length > PF_TEXT_MOST)
		return -EFBIG;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->p = p;
	r->file = file;
	read_text(p, r, text, length);
	free(r);
	return p->no_memory ? -ENOMEM : 0;
}
