#include "config/args.h"

#include "config/check.h"
#include "config/files.h"

#include <stdio.h>
#include <string.h>

static const struct position here = {.line = 1};

static void complain_unknown(struct reader *r, const char *word)
{
	const struct option *near = option_suggest(word + 2);
	struct fault why;

	if (near)
		reader_trouble(r, near->name);
	if (near)
		fault_set(&why, 0, "no such option (did you mean --%s?)",
			  near->name);
	else
		fault_set(&why, 0,
			  "no such option (lowport run --help lists them)");
	reader_complain(r, word, why.text);
}

static void complain_word(struct reader *r, const char *word)
{
	struct fault why;

	fault_set(&why, 0,
		  word[0] == '-' && word[1] != '\0'
			  ? "\"%s\" is not understood (options are --long)"
			  : "\"%s\" stands alone (listeners need --listen, "
			    "backends --to)",
		  word);
	reader_complain(r, "", why.text);
}

/* One argument, and what may be its value. */
struct word {
	const char *text, *next;
	char name[64]; /* with its dashes */
	const struct option *option;
	const char *value; /* NULL: it has none */
	int taken;         /* so many arguments */
};

static struct word look(int argc, char *const argv[], int i)
{
	struct word w = {.text = argv[i], .taken = 1};
	const char *equals = strchr(w.text, '=');

	w.next = i + 1 < argc ? argv[i + 1] : NULL;
	if (strcmp(w.text, "-c") == 0) {
		snprintf(w.name, sizeof(w.name), "--config");
		equals = NULL;
	} else if (strncmp(w.text, "--", 2) == 0 && w.text[2] != '\0') {
		snprintf(w.name, sizeof(w.name), "%.*s",
			 equals ? (int)(equals - w.text) : (int)strlen(w.text),
			 w.text);
	} else {
		return w;
	}
	w.option = option_find(w.name + 2);
	if (equals) {
		w.value = equals + 1;
	} else if (w.option && !w.option->argument) {
		w.value = "on";
	} else if (w.next && (w.option ? strncmp(w.next, "--", 2) != 0
				       : w.next[0] != '-')) {
		/* The value of what is unknown is no mistake of its own. */
		w.value = w.next;
		w.taken = 2;
	}
	return w;
}

static void take(struct reader *r, const struct word *w)
{
	if (w->name[0] == '\0') {
		complain_word(r, w->text);
	} else if (!w->option) {
		complain_unknown(r, w->name);
	} else if (w->value) {
		reader_take(r, w->option, w->value, &here);
	} else {
		reader_complain(r, w->name,
				"wants a value (see lowport run --help)");
		reader_trouble(r, w->option->name);
	}
}

/* Take the options that are, or are not, to be read before the files. */
static void take_all(struct reader *r, int argc, char *const argv[], bool once)
{
	for (int i = 0; i < argc;) {
		struct word w = look(argc, argv, i);

		if ((w.option && w.option->scope == OPTION_ONCE) == once)
			take(r, &w);
		i += w.taken;
	}
}

size_t args_read(struct config *c, int argc, char *const argv[],
		 void (*mistake)(const char *text))
{
	struct reader r = {.config = c};
	struct files *files = NULL;

	take_all(&r, argc, argv, true);
	for (size_t i = 0; i < c->paths.count; i++)
		files_read(&files, &r, c->paths.at[i]);
	files_take_process(files, &r);
	take_all(&r, argc, argv, false);
	if (config_settle(c) < 0)
		reader_complain(&r, "", "out of memory");
	files_take_relays(files, &r);
	files_free(files);
	config_check(&r);
	reader_tell(&r, mistake);
	return r.mistakes + r.lost;
}
