#include "control/show.h"

#include "base/human.h"
#include "control/answer.h"
#include "control/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Where what is said begins, behind its name. */
enum { NAME_COLUMN = 2, VALUE_COLUMN = 15 };

static void name(struct text *out, const char *s)
{
	text_addf(out, "%*s%-*s", NAME_COLUMN, "", VALUE_COLUMN - NAME_COLUMN,
		  s);
}

static const cJSON *member(const cJSON *o, const char *what)
{
	return cJSON_GetObjectItemCaseSensitive(o, what);
}

/* NAME and COUNT of each that is not 0. */
static void show_each(struct text *out, const cJSON *counts)
{
	bool any = false;
	const cJSON *i;

	cJSON_ArrayForEach(i, counts)
	{
		uint64_t n = i->string ? answer_number(counts, i->string) : 0;

		if (n == 0)
			continue;
		text_add(out, any ? ", " : "");
		text_add_escaped(out, i->string);
		text_addf(out, " %" PRIu64, n);
		any = true;
	}
}

static void show_refused(struct text *out, const cJSON *stats)
{
	uint64_t n = answer_number(stats, "refused");
	size_t before;

	if (n == 0)
		return;
	name(out, "refused");
	text_addf(out, "%" PRIu64, n);
	before = out->length;
	text_add(out, ": ");
	show_each(out, member(stats, "refused_for"));
	/* Those that have no reason of their own. */
	if (!out->failed && out->length == before + 2)
		out->length = before;
	text_add(out, "\n");
}

static void show_open(struct text *out, const cJSON *stats, uint64_t most)
{
	uint64_t waiting = answer_number(stats, "waiting");
	uint64_t away = answer_number(stats, "turned_away");

	name(out, "connections");
	text_addf(out, "%" PRIu64 " now", answer_number(stats, "open"));
	if (most > 0)
		text_addf(out, " (%" PRIu64 " at most)", most);
	text_addf(out, ", %" PRIu64 " in all",
		  answer_number(stats, "accepted"));
	if (waiting > 0)
		text_addf(out, ", %" PRIu64 " waiting", waiting);
	if (away > 0)
		text_addf(out, ", %" PRIu64 " turned away", away);
	text_add(out, "\n");
}

/* Eighths of a cell, from the least that is something on. */
static void show_bars(struct text *out, const struct rates *r, bool utf8)
{
	static const char *const unicode[] = {" ",      "\u2581", "\u2582",
					      "\u2583", "\u2584", "\u2585",
					      "\u2586", "\u2587", "\u2588"};
	static const char *const ascii[] = {" ", ".", ".", ":", ":",
					    "-", "=", "*", "#"};
	const char *const *cells = utf8 ? unicode : ascii;
	uint64_t most = 0;

	for (size_t i = 0; i < r->past_count; i++)
		most = r->past[i] > most ? r->past[i] : most;
	if (most == 0)
		return;
	text_add(out, "  ");
	for (size_t i = 0; i < r->past_count; i++) {
		double part = (double)r->past[i] / (double)most;
		size_t eighths = (size_t)(part * 8);

		if (r->past[i] > 0 && eighths == 0)
			eighths = 1;
		text_add(out, cells[eighths]);
	}
}

static void show_bytes(struct text *out, const cJSON *stats,
		       const struct rates *r,
		       const struct show_options *options)
{
	char up[HUMAN_TEXT], down[HUMAN_TEXT];

	name(out, "bytes");
	text_addf(out, "%s up, %s down\n",
		  human_bytes(answer_number(stats, "up"), up),
		  human_bytes(answer_number(stats, "down"), down));
	if (r->ms == 0)
		return;
	name(out, "rate");
	text_addf(out, "%s up, %s down", human_rate(r->up, r->ms, up),
		  human_rate(r->down, r->ms, down));
	if (options->bars)
		show_bars(out, r, options->utf8);
	text_add(out, "\n");
}

/* A row of the listeners and backends. Takes rest. */
static void add_end(struct table *t, const char *what, const char *address,
		    const char *state, struct text *rest)
{
	char *text = text_take(rest);

	table_add(t, what);
	table_add(t, address);
	table_add(t, state);
	table_add(t, text ? text : "");
	t->failed = t->failed || !text;
	free(text);
}

/* How it was asked for, where that is not its address. */
static void add_listeners(struct table *t, const cJSON *relay)
{
	const char *what = "listener";
	const cJSON *l;

	cJSON_ArrayForEach(l, member(relay, "listeners"))
	{
		const char *address = answer_string(l, "address");
		const char *from = answer_string(l, "from");
		struct text rest = {0};

		if (address[0] != '\0' && strcmp(from, address) != 0)
			text_add(&rest, from);
		add_end(t, what, address[0] != '\0' ? address : from,
			answer_string(l, "state"), &rest);
		what = "";
	}
}

static void add_backends(struct table *t, const cJSON *relay)
{
	const char *what = "backend";
	const cJSON *b;

	cJSON_ArrayForEach(b, member(relay, "backends"))
	{
		uint64_t failed = answer_number(b, "failed");
		const char *error = answer_string(b, "error");
		struct text rest = {0};

		text_addf(&rest, "%" PRIu64 " now, %" PRIu64 " in all",
			  answer_number(b, "open"), answer_number(b, "total"));
		if (failed > 0)
			text_addf(&rest, ", %" PRIu64 " failed", failed);
		if (error[0] != '\0')
			text_addf(&rest, " (%s)", error);
		add_end(t, what, answer_string(b, "address"),
			answer_string(b, "health"), &rest);
		what = "";
	}
}

static void show_ends(struct text *out, const cJSON *relay)
{
	static const bool right[] = {false, false, false, false};
	struct table t = {
		.columns = 4,
		.right = right,
		.first_width = VALUE_COLUMN - NAME_COLUMN - TABLE_GAP,
	};

	add_listeners(&t, relay);
	add_backends(&t, relay);
	table_print(&t, NAME_COLUMN, out);
	table_free(&t);
}

static void show_ended(struct text *out, const cJSON *stats)
{
	size_t before = out->length, named;

	name(out, "ended");
	named = out->length;
	show_each(out, member(stats, "ended"));
	if (out->length > named)
		text_add(out, "\n");
	else if (!out->failed)
		out->length = before;
}

static void show_relay(struct text *out, const cJSON *relay,
		       const struct rates *r,
		       const struct show_options *options)
{
	const cJSON *stats = member(relay, "stats");

	text_add(out, "\n");
	text_add_escaped(out, answer_string(relay, "name"));
	text_add(out, "\n");
	show_ends(out, relay);
	show_open(out, stats, 0);
	show_refused(out, stats);
	show_ended(out, stats);
	show_bytes(out, stats, r, options);
}

static void show_config(struct text *out, const cJSON *status)
{
	uint64_t reloads = answer_number(status, "reloads");
	uint64_t refused = answer_number(status, "reloads_refused");
	const char *config = answer_string(status, "config");

	if (config[0] == '\0' && reloads + refused == 0)
		return;
	name(out, "config");
	text_add_escaped(out, config[0] != '\0' ? config : "the command line");
	if (reloads > 0)
		text_addf(out, ", reloaded %" PRIu64 " time%s", reloads,
			  reloads > 1 ? "s" : "");
	if (refused > 0)
		text_addf(out, ", %" PRIu64 " reload%s refused", refused,
			  refused > 1 ? "s" : "");
	text_add(out, "\n");
}

static void show_sandbox(struct text *out, const char *holds)
{
	if (holds[0] == '\0')
		return;
	name(out, "sandbox");
	text_add_escaped(out, holds);
	text_add(out, "\n");
}

static void show_process(struct text *out, const cJSON *status,
			 const struct rates *r,
			 const struct show_options *options)
{
	const cJSON *stats = member(status, "stats");
	uint64_t lost = answer_number(status, "log_lines_dropped");
	char up[HUMAN_TEXT];

	text_add(out, "lowport ");
	text_add_escaped(out, answer_string(status, "version"));
	text_addf(out, ", pid %" PRIu64 ", up %s%s\n",
		  answer_number(status, "pid"),
		  human_duration(answer_number(status, "uptime_ms"), up),
		  cJSON_IsTrue(member(status, "draining")) ? ", draining" : "");
	show_config(out, status);
	show_sandbox(out, answer_string(status, "sandbox"));
	name(out, "workers");
	text_addf(out, "%" PRIu64 "\n", answer_number(status, "workers"));
	show_open(out, stats, answer_number(status, "connections_most"));
	/* Of one relay it would be the same twice. */
	if (cJSON_GetArraySize(member(status, "relays")) != 1) {
		show_refused(out, stats);
		show_bytes(out, stats, r, options);
	}
	if (lost > 0) {
		name(out, "log");
		text_addf(out, "%" PRIu64 " lines lost\n", lost);
	}
}

void show_status(struct text *out, const cJSON *status,
		 const struct history *history,
		 const struct show_options *options)
{
	uint64_t pid = answer_number(status, "pid");
	struct rates r = history_rates(history, pid, NULL);
	const cJSON *relay;

	show_process(out, status, &r, options);
	cJSON_ArrayForEach(relay, member(status, "relays"))
	{
		r = history_rates(history, pid, answer_string(relay, "name"));
		show_relay(out, relay, &r, options);
	}
	if (member(status, "connections")) {
		text_add(out, "\n");
		show_connections(out, status);
	}
}
