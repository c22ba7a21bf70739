#include "cli/cli.h"

#include "base/num.h"
#include "cli/find.h"
#include "cli/flags.h"
#include "cli/screen.h"
#include "control/history.h"
#include "control/show.h"
#include "os/proc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	GLANCE_MS = 250, /* between two looks, for the rates */
	WATCH_MS = 2000,
	WATCH_LEAST_MS = 100,
	WATCH_MOST_MS = 86400000,
};

struct wanted {
	const char *which; /* NULL: all */
	bool connections, json, watch;
	uint64_t interval_ms;
};

static int print_help(void)
{
	puts("usage: lowport status [--socket PATH|NAME] [--connections]\n"
	     "                      [--watch [TIME]] [--json]\n\n"
	     "Show what runs: listeners, backends and how they are, "
	     "connections, refused\nclients, bytes and rates. Without --socket "
	     "every lowport that this user may ask.\n\n"
	     "  --socket PATH|NAME  only this one: where its socket is, or how "
	     "that is called\n"
	     "                      (web: web.sock)\n"
	     "  --connections       every open connection, with the id that "
	     "lowport kill wants\n"
	     "  --watch [TIME]      again and again, every 2s or so often; q "
	     "or Ctrl-C ends it\n"
	     "  --json              for programs: one line of JSON for each "
	     "lowport\n\n"
	     "up is from clients to backends, down the other way. Rates are "
	     "those of the last\ninterval; without --watch, of a quarter of a "
	     "second.\n\n"
	     "Exit 1: none is running, or one could not be asked. Exit 2: "
	     "wrong usage.");
	return EXIT_OK;
}

/* 2, 2s, 500ms */
static bool read_interval(const char *text, uint64_t *ms)
{
	uint64_t s;

	if (num_parse(text, 10, 1, WATCH_MOST_MS / 1000, &s) == 0)
		*ms = s * 1000;
	else if (num_parse_duration(text, ms) < 0)
		return false;
	return *ms >= WATCH_LEAST_MS && *ms <= WATCH_MOST_MS;
}

static bool take_interval(struct wanted *w, const char *text)
{
	struct fault why;

	if (read_interval(text, &w->interval_ms))
		return true;
	fault_set(&why, 0,
		  "--watch: \"%s\" is no time from 100ms to 1d (try 2s)", text);
	complain(why.text);
	return false;
}

static bool complain_of(const char *word)
{
	flags_complain("status", word);
	return false;
}

static bool read_arguments(struct wanted *w, int argc, char *const argv[])
{
	for (int i = 0; i < argc; i++) {
		const char *word = argv[i];
		const char *next = i + 1 < argc ? argv[i + 1] : NULL;

		if (strcmp(word, "--connections") == 0) {
			w->connections = true;
		} else if (strcmp(word, "--json") == 0) {
			w->json = true;
		} else if (strncmp(word, "--socket=", 9) == 0 && word[9]) {
			w->which = word + 9;
		} else if (strcmp(word, "--socket") == 0 && next && *next) {
			w->which = argv[++i];
		} else if (strcmp(word, "--socket") == 0) {
			complain("--socket: wants the path or the name of one "
				 "(lowport status shows them)");
			return false;
		} else if (strncmp(word, "--watch=", 8) == 0) {
			w->watch = true;
			if (!take_interval(w, word + 8))
				return false;
		} else if (strcmp(word, "--watch") == 0) {
			w->watch = true;
			if (!next || next[0] == '-')
				continue;
			if (!take_interval(w, argv[++i]))
				return false;
		} else {
			return complain_of(word);
		}
	}
	return true;
}

static int ask(const struct wanted *w, bool connections, struct finds *f,
	       struct fault *why)
{
	return find_ask(f, w->which,
			connections ? "status connections" : "status", why);
}

static void note(struct history *h, const struct finds *f)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->at[i].status)
			history_note(h, f->at[i].status);
}

/* Of several, each is headed by what --socket calls it. */
static void print_one(struct text *out, const struct wanted *w,
		      const struct finds *f, size_t i, const struct history *h,
		      const struct show_options *options)
{
	const struct found *one = &f->at[i];

	if (w->json) {
		if (one->answer)
			text_addf(out, "%s\n", one->answer);
		return;
	}
	if (i > 0)
		text_add(out, "\n");
	if (f->count > 1) {
		text_add_escaped(out, one->path);
		text_add(out, "\n");
	}
	if (one->status)
		show_status(out, one->status, h, options);
	else if (w->watch)
		text_addf(out, "%s\n", one->why.text);
}

/* As text, the caller's; NULL: out of memory. */
static char *print_all(const struct wanted *w, const struct finds *f,
		       const struct history *h)
{
	struct show_options options = {.utf8 = screen_is_utf8(),
				       .bars = w->watch};
	struct text t = {0};

	for (size_t i = 0; i < f->count; i++)
		print_one(&t, w, f, i, h, &options);
	return text_take(&t);
}

static int complain_of_failed(const struct finds *f)
{
	int status = EXIT_OK;

	for (size_t i = 0; i < f->count; i++) {
		if (f->at[i].status)
			continue;
		complain(f->at[i].why.text);
		status = EXIT_RUNTIME;
	}
	return status;
}

static bool any_status(const struct finds *f)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->at[i].status)
			return true;
	return false;
}

/* Look twice, for the rates. */
static int look_again(const struct wanted *w, struct history *h,
		      struct finds *f, struct fault *why)
{
	note(h, f);
	find_free(f);
	screen_wait(GLANCE_MS);
	if (ask(w, w->connections, f, why) < 0)
		return -ENOENT;
	note(h, f);
	return 0;
}

static int show_once(const struct wanted *w, struct history *h)
{
	struct fault why;
	struct finds f;
	int status, err = ask(w, w->json && w->connections, &f, &why);
	char *text;

	if (err == 0 && !w->json && any_status(&f))
		err = look_again(w, h, &f, &why);
	if (err < 0) {
		complain(why.text);
		return EXIT_RUNTIME;
	}
	text = print_all(w, &f, h);
	if (text)
		screen_show(text);
	free(text);
	status = complain_of_failed(&f);
	find_free(&f);
	return status;
}

/* One look. NULL: out of memory. */
static char *watched(const struct wanted *w, struct history *h)
{
	struct fault why;
	struct finds f;
	char *text;

	if (ask(w, w->connections, &f, &why) < 0) {
		struct text t = {0};

		if (!w->json)
			text_addf(&t, "%s\n", why.text);
		return text_take(&t);
	}
	note(h, &f);
	text = print_all(w, &f, h);
	find_free(&f);
	return text;
}

static int show_again_and_again(const struct wanted *w, struct history *h)
{
	enum screen_event event = SCREEN_DUE;
	char *text = NULL;

	screen_open();
	while (event != SCREEN_END) {
		if (event == SCREEN_DUE) {
			char *more = watched(w, h);

			if (!more)
				break;
			free(text);
			text = more;
		}
		screen_show(text);
		event = screen_wait(w->interval_ms);
		if (!w->json)
			screen_next();
	}
	screen_close();
	free(text);
	return EXIT_OK;
}

int cmd_status(int argc, char *const argv[])
{
	struct wanted w = {.interval_ms = WATCH_MS};
	struct history *h;
	int status;

	if (cli_wants_help(argc, argv))
		return print_help();
	if (!read_arguments(&w, argc, argv))
		return EXIT_USAGE;
	proc_ignore_sigpipe();
	h = history_new();
	if (!h) {
		complain("out of memory");
		return EXIT_RUNTIME;
	}
	status = w.watch ? show_again_and_again(&w, h) : show_once(&w, h);
	history_free(h);
	return status;
}
