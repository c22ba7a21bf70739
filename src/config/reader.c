#include "config/reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHERE_TEXT = 1200 };

struct mistake {
	size_t file; /* the how-many-th; 0: none */
	unsigned line;
	size_t order;
	char *text;
};

static size_t file_number(const struct config *c, const char *file)
{
	for (size_t i = 0; file && i < c->files.count; i++)
		if (c->files.at[i] == file)
			return i + 1;
	return 0;
}

static void tell(struct reader *r, const struct position *place,
		 const char *where, const char *what)
{
	size_t size = (r->mistakes + 1) * sizeof(*r->told);
	struct mistake *told = realloc(r->told, size);
	char *text;

	if (asprintf(&text, "%s%s%s", where, where[0] ? ": " : "", what) < 0)
		text = NULL;
	if (told)
		r->told = told;
	if (!told || !text) {
		r->lost++;
		free(text);
		return;
	}
	told[r->mistakes] = (struct mistake){
		.file = file_number(r->config, place->file),
		.line = place->file ? place->line : 0,
		.order = r->mistakes,
		.text = text,
	};
	r->mistakes++;
}

static int compare(const void *a, const void *b)
{
	const struct mistake *x = a, *y = b;

	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

void reader_tell(struct reader *r, void (*mistake)(const char *text))
{
	if (r->mistakes > 0)
		qsort(r->told, r->mistakes, sizeof(*r->told), compare);
	for (size_t i = 0; i < r->mistakes; i++) {
		mistake(r->told[i].text);
		free(r->told[i].text);
	}
	free(r->told);
	r->told = NULL;
}

void reader_complain(struct reader *r, const char *where, const char *what)
{
	static const struct position nowhere = {.line = 0};

	tell(r, &nowhere, where, what);
}

void reader_complain_at(struct reader *r, const struct position *place,
			const char *what)
{
	char where[WHERE_TEXT];

	snprintf(where, sizeof(where), "%s:%u", place->file, place->line);
	tell(r, place, where, what);
}

/* Is that --NAME one of the command line alone? */
static bool stays_as_it_is(const char *text)
{
	char name[64];
	size_t length = strspn(text + 2, "abcdefghijklmnopqrstuvwxyz-");
	const struct option *o;

	snprintf(name, sizeof(name), "%.*s", (int)length, text + 2);
	o = option_find(name);
	return o && o->scope == OPTION_ONCE;
}

/* "(try --to auto)" is "(try to = auto)" in a file, and "--to" is "to". */
static void say_as_file(const char *text, char *buf, size_t size)
{
	static const char dashes[] = "--", attempt[] = "(try --";
	size_t n = 0;
	bool assign = false;

	while (*text != '\0' && n + 4 < size) {
		bool tried = strncmp(text, attempt, strlen(attempt)) == 0;

		if (tried) {
			n += (size_t)snprintf(buf + n, size - n, "(try ");
			text += strlen(attempt);
			assign = true;
		} else if (strncmp(text, dashes, 2) == 0 && text[2] >= 'a' &&
			   !stays_as_it_is(text)) {
			text += 2;
		} else if (assign && *text == ' ') {
			n += (size_t)snprintf(buf + n, size - n, " = ");
			text++;
			assign = false;
		} else {
			assign = assign && *text != ')';
			buf[n++] = *text++;
		}
		if (n >= size)
			n = size - 1;
	}
	buf[n] = '\0';
}

void reader_complain_of(struct reader *r, const struct position *place,
			const char *option, const char *what)
{
	char where[WHERE_TEXT], text[sizeof(struct fault)];

	config_print_place(place, option, where, sizeof(where));
	if (place->file) {
		say_as_file(what, text, sizeof(text));
		what = text;
	}
	tell(r, place, where, what);
}

static struct trouble *trouble_of(struct config *c)
{
	struct config_group *g =
		c->group_count > 0 ? &c->groups[c->group_count - 1] : NULL;

	return g && (c->in_section || !g->name) ? &g->trouble : &c->trouble;
}

void reader_trouble(struct reader *r, const char *option)
{
	struct trouble *t = trouble_of(r->config);

	t->listener |= strcmp(option, "listen") == 0;
	t->backend |= strcmp(option, "to") == 0;
	t->command |= strcmp(option, "exec") == 0;
}

static bool is_twice(struct reader *r, const struct option *o,
		     const struct position *place)
{
	const struct position *before = option_place(r->config, o);
	struct fault why;

	/* What is said on the command line goes before what a file says. */
	if (o->repeatable || before->line == 0 ||
	    (before->file && !place->file))
		return false;
	if (before->file)
		fault_set(&why, 0, "is given at %s:%u already; once is enough",
			  before->file, before->line);
	else
		fault_set(&why, 0, "given twice; once is enough");
	reader_complain_of(r, place, o->name, why.text);
	return true;
}

static bool replaces(const struct settings *s, const char *name,
		     const struct position *place)
{
	return !place->file && s->given[option_find(name) - options].file;
}

static void forget(struct settings *s, const char *name)
{
	s->given[option_find(name) - options] = (struct position){0};
}

/* Lists of the command line replace a file's. */
static void replace_lists(struct settings *s, const struct option *o,
			  const struct position *place)
{
	if (strcmp(o->name, "accept-proxy") == 0 &&
	    replaces(s, "accept-proxy", place))
		s->fronts_are_defaults = true;
	if (strcmp(o->name, "allow") != 0 && strcmp(o->name, "deny") != 0)
		return;
	if (!replaces(s, "allow", place) && !replaces(s, "deny", place))
		return;
	s->rules_are_defaults = true;
	forget(s, "allow");
	forget(s, "deny");
}

/* FNV-1a, on from what was given before. */
static uint64_t mark(const struct option *o, const char *text, uint64_t before)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ before;

	if (o->fallback && strcmp(text, o->fallback) == 0)
		return 0;
	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return hash;
}

void reader_take(struct reader *r, const struct option *o, const char *text,
		 const struct position *place)
{
	struct position *given;
	struct fault why;
	uint64_t before;
	int err;

	if (is_twice(r, o, place))
		return;
	replace_lists(config_settings(r->config), o, place);
	err = o->parse(r->config, o, text, &why);
	/* A listener may have begun a group, and moved all of them. */
	given = option_place(r->config, o);
	before = o->repeatable ? given->value : 0;
	*given = *place;
	given->value = mark(o, text, before);
	/* The listener that is missing has been complained of. */
	if (err == 0 || (err == -ENOENT && r->config->trouble.listener))
		return;
	reader_complain_of(r, place, o->name, why.text);
	if (strcmp(o->name, "to") != 0)
		reader_trouble(r, o->name);
}
