#include "control/render.h"

#include "base/utf8.h"
#include "base/text.h"
#include "control/names.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* https://prometheus.io/docs/instrumenting/exposition_formats/ */

static void begin(struct text *out, const char *name, const char *type,
		  const char *help)
{
	text_addf(out, "# HELP lowport_%s %s\n# TYPE lowport_%s %s\n", name,
		  help, name, type);
}

/* A label's value, escaped. One byte that is not UTF-8 would spoil all. */
static void put_value(struct text *out, const char *value)
{
	while (*value != '\0') {
		size_t length = utf8_length(value);

		if (length == 0)
			text_add(out, "\xef\xbf\xbd"); /* U+FFFD */
		else if (*value == '\n')
			text_add(out, "\\n");
		else if (*value == '\\' || *value == '"')
			text_addf(out, "\\%c", *value);
		else
			text_add_bytes(out, value, length);
		value += length > 0 ? length : 1;
	}
}

/* NAME="VALUE" pairs, ending with NULL. */
static void sample(struct text *out, const char *name,
		   const char *const labels[], uint64_t value)
{
	text_addf(out, "lowport_%s", name);
	for (size_t i = 0; labels[i]; i += 2) {
		text_addf(out, "%s%s=\"", i == 0 ? "{" : ",", labels[i]);
		put_value(out, labels[i + 1]);
		text_add(out, "\"");
	}
	text_addf(out, "%s %" PRIu64 "\n", labels[0] ? "}" : "", value);
}

#define LABELS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NO_LABELS   ((const char *const[]){NULL})

static void single(struct text *out, const char *name, const char *type,
		   const char *help, uint64_t value)
{
	begin(out, name, type, help);
	sample(out, name, NO_LABELS, value);
}

static void put_process(struct text *out, const struct snapshot *s)
{
	begin(out, "build_info", "gauge", "The version that runs; always 1.");
	sample(out, "build_info", LABELS("version", s->version), 1);
	begin(out, "uptime_seconds", "gauge", "Since this process started.");
	text_addf(out, "lowport_uptime_seconds %" PRIu64 ".%03" PRIu64 "\n",
		  s->uptime_ms / 1000, s->uptime_ms % 1000);
	single(out, "draining", "gauge",
	       "1 when no new clients are taken any more.", s->draining);
	single(out, "config_reloads_total", "counter",
	       "Configurations that were taken over while running.",
	       s->reloads);
	single(out, "config_reloads_refused_total", "counter",
	       "Configurations that were wrong, so that the one before stayed.",
	       s->reloads_refused);
	single(out, "log_lines_dropped_total", "counter",
	       "Log lines lost because nobody took them in time.",
	       s->log_lines_dropped);
	single(out, "workers", "gauge", "Threads that carry connections.",
	       s->workers);
	single(out, "connections_limit", "gauge", "Most connections at a time.",
	       s->connections_most);
	single(out, "descriptors_limit", "gauge", "Most descriptors at a time.",
	       s->descriptors_most);
}

/* --- what is counted for the process and for each relay ------------------- */

/* The process (name NULL), or a relay. */
struct counted {
	char *name;
	const struct stats *stats;
	const struct snapshot_relay *relay;
};

struct counter {
	const char *name, *type, *help;
	size_t offset;
	bool of_relays; /* is it known of each relay? */
};

static const struct counter counters[] = {
	{"connections_open", "gauge", "Connections there are now.",
	 offsetof(struct stats, open), true},
	{"connections_accepted_total", "counter",
	 "Connections that were taken.", offsetof(struct stats, accepted),
	 true},
	{"clients_waiting", "gauge", "Clients that wait for a backend now.",
	 offsetof(struct stats, waiting), false},
	{"clients_turned_away_total", "counter",
	 "Clients not held for a backend, since too many were already.",
	 offsetof(struct stats, turned_away), false},
	{"accept_pauses_total", "counter", "Times that accepting had to wait.",
	 offsetof(struct stats, pauses), false},
};

static void counted_sample(struct text *out, const char *prefix,
			   const char *name, const struct counted *c,
			   const char *label, const char *value,
			   uint64_t number)
{
	char full[64];
	const char *labels[5] = {NULL};
	size_t n = 0;

	snprintf(full, sizeof(full), "%s%s", prefix, name);
	if (c->name) {
		labels[n++] = "relay";
		labels[n++] = c->name;
	}
	if (label) {
		labels[n++] = label;
		labels[n++] = value;
	}
	sample(out, full, labels, number);
}

static void counted_begin(struct text *out, const char *prefix,
			  const char *name, const char *type, const char *help)
{
	char full[64];

	snprintf(full, sizeof(full), "%s%s", prefix, name);
	begin(out, full, type, help);
}

static void put_reasons(struct text *out, const char *prefix,
			const struct counted *all, size_t count)
{
	counted_begin(out, prefix, "connections_ended_total", "counter",
		      "Connections that have ended, by why.");
	for (size_t i = 0; i < count; i++)
		for (int why = 0; why < CLOSE_REASONS; why++)
			counted_sample(
				out, prefix, "connections_ended_total", &all[i],
				"reason",
				close_reason_name((enum close_reason)why),
				all[i].stats->ended[why]);
	counted_begin(out, prefix, "clients_refused_total", "counter",
		      "Clients that were not let in, by why.");
	for (size_t i = 0; i < count; i++)
		for (int why = 0; why < REFUSALS; why++)
			counted_sample(out, prefix, "clients_refused_total",
				       &all[i], "reason",
				       refusal_name((enum refusal)why),
				       all[i].stats->refused_for[why]);
}

static void put_counted(struct text *out, const char *prefix,
			const struct counted *all, size_t count)
{
	for (size_t n = 0; n < sizeof(counters) / sizeof(counters[0]); n++) {
		const struct counter *c = &counters[n];

		if (prefix[0] != '\0' && !c->of_relays)
			continue;
		counted_begin(out, prefix, c->name, c->type, c->help);
		for (size_t i = 0; i < count; i++) {
			const char *at = (const char *)all[i].stats + c->offset;

			counted_sample(out, prefix, c->name, &all[i], NULL,
				       NULL,
				       *(const uint64_t *)(const void *)at);
		}
	}
	put_reasons(out, prefix, all, count);
	counted_begin(out, prefix, "relayed_bytes_total", "counter",
		      "Bytes given to backends (up) and to clients (down).");
	for (size_t i = 0; i < count; i++) {
		counted_sample(out, prefix, "relayed_bytes_total", &all[i],
			       "direction", "up", all[i].stats->up);
		counted_sample(out, prefix, "relayed_bytes_total", &all[i],
			       "direction", "down", all[i].stats->down);
	}
}

/* --- listeners and backends ----------------------------------------------- */

static void put_listeners(struct text *out, const struct counted *all,
			  size_t count)
{
	begin(out, "listeners", "gauge",
	      "Listeners of a relay, by how they are.");
	for (size_t i = 0; i < count; i++) {
		const struct snapshot_relay *r = all[i].relay;
		uint64_t counts[LISTENER_STATES] = {0};

		for (size_t j = 0; j < r->listener_count; j++)
			counts[r->listeners[j].state]++;
		for (enum relay_listener_state state = 0;
		     state < LISTENER_STATES; state++)
			sample(out, "listeners",
			       LABELS("relay", all[i].name, "state",
				      name_listener(state)),
			       counts[state]);
	}
}

static bool is_same(const struct snapshot_listener *a,
		    const struct snapshot_listener *b)
{
	return addr_equal(&a->addr, &b->addr) && strcmp(a->from, b->from) == 0;
}

/* Prometheus refuses everything if two samples have the same labels. */
static bool came_before(const struct snapshot_relay *r, size_t listener)
{
	for (size_t i = 0; i < listener; i++)
		if (is_same(&r->listeners[i], &r->listeners[listener]))
			return true;
	return false;
}

static void put_listener_up(struct text *out, const struct counted *all,
			    size_t count)
{
	begin(out, "listener_up", "gauge",
	      "1 while the listener is there, 0 once it is dead.");
	for (size_t i = 0; i < count; i++) {
		const struct snapshot_relay *r = all[i].relay;

		for (size_t j = 0; j < r->listener_count; j++) {
			const struct snapshot_listener *l = &r->listeners[j];
			char at[ADDR_TEXT];

			if (!came_before(r, j))
				sample(out, "listener_up",
				       LABELS("relay", all[i].name, "address",
					      addr_print(&l->addr, at), "from",
					      l->from),
				       l->state != LISTENER_DEAD);
		}
	}
}

enum backend_number {
	BACKEND_IS_UP,
	BACKEND_OPEN,
	BACKEND_TOTAL,
	BACKEND_FAILED,
	BACKEND_BYTES_UP,
	BACKEND_BYTES_DOWN,
};

static uint64_t backend_number(const struct snapshot_backend *b,
			       enum backend_number what)
{
	switch (what) {
	case BACKEND_IS_UP:
		return b->stats.health == BACKEND_UP;
	case BACKEND_OPEN:
		return b->open;
	case BACKEND_TOTAL:
		return b->stats.total;
	case BACKEND_FAILED:
		return b->stats.failed;
	case BACKEND_BYTES_UP:
		return b->stats.up;
	case BACKEND_BYTES_DOWN:
		return b->stats.down;
	}
	return 0;
}

/* One relay may name a backend twice: together they are one sample. */
static void put_backends(struct text *out, const struct counted *of,
			 const char *name, enum backend_number what,
			 const char *direction)
{
	const struct snapshot_relay *r = of->relay;

	for (size_t i = 0; i < r->backend_count; i++) {
		const char *text = r->backends[i].text;
		uint64_t sum = 0;
		size_t first = 0;

		while (strcmp(r->backends[first].text, text) != 0)
			first++;
		if (first < i ||
		    (what == BACKEND_IS_UP &&
		     r->backends[i].stats.health == BACKEND_UNTRIED))
			continue;
		for (size_t j = i; j < r->backend_count; j++)
			if (strcmp(r->backends[j].text, text) == 0)
				sum += backend_number(&r->backends[j], what);
		if (what == BACKEND_IS_UP)
			sum = sum > 0;
		sample(out, name,
		       LABELS("relay", of->name, "backend", text,
			      direction ? "direction" : NULL, direction),
		       sum);
	}
}

static void put_all_backends(struct text *out, const struct counted *all,
			     size_t count)
{
	static const struct {
		const char *name, *type, *help;
		enum backend_number what;
	} numbers[] = {
		{"backend_up", "gauge",
		 "1 if it answered the last time, 0 if not; missing until it "
		 "is tried.",
		 BACKEND_IS_UP},
		{"backend_connections_open", "gauge",
		 "Connections to it there are now.", BACKEND_OPEN},
		{"backend_connections_total", "counter",
		 "Connections that it took.", BACKEND_TOTAL},
		{"backend_connect_failures_total", "counter",
		 "Tries to reach it in vain.", BACKEND_FAILED},
	};

	for (size_t n = 0; n < sizeof(numbers) / sizeof(numbers[0]); n++) {
		begin(out, numbers[n].name, numbers[n].type, numbers[n].help);
		for (size_t i = 0; i < count; i++)
			put_backends(out, &all[i], numbers[n].name,
				     numbers[n].what, NULL);
	}
	begin(out, "backend_relayed_bytes_total", "counter",
	      "Bytes given to it (up) and taken from it for clients (down).");
	for (size_t i = 0; i < count; i++) {
		put_backends(out, &all[i], "backend_relayed_bytes_total",
			     BACKEND_BYTES_UP, "up");
		put_backends(out, &all[i], "backend_relayed_bytes_total",
			     BACKEND_BYTES_DOWN, "down");
	}
}

/* Two relays that listen at "127.0.0.1:0" have one name, which would make their
 * samples the same: the second is NAME#2. NULL: out of memory. */
static char *name_relay(const struct snapshot *s, size_t index)
{
	const char *name = s->relays[index].name;
	struct text text = {0};
	uint64_t nth = 1;

	for (size_t i = 0; i < index; i++)
		nth += strcmp(s->relays[i].name, name) == 0;
	text_add(&text, name);
	if (nth > 1)
		text_addf(&text, "#%" PRIu64, nth);
	return text_take(&text);
}

static void put_relays(struct text *out, const struct counted *all,
		       size_t count)
{
	put_counted(out, "relay_", all, count);
	put_listeners(out, all, count);
	put_listener_up(out, all, count);
	put_all_backends(out, all, count);
}

char *render_metrics(const struct snapshot *s)
{
	struct counted process = {NULL, &s->stats, NULL};
	struct counted *all = calloc(s->relay_count + 1, sizeof(*all));
	struct text out = {0};
	size_t count = 0;

	for (; all && count < s->relay_count; count++) {
		all[count] = (struct counted){name_relay(s, count),
					      &s->relays[count].stats,
					      &s->relays[count]};
		if (!all[count].name)
			break;
	}
	if (all && count == s->relay_count) {
		put_process(&out, s);
		put_counted(&out, "", &process, 1);
		put_relays(&out, all, count);
	}
	for (size_t i = 0; i < count; i++)
		free(all[i].name);
	free(all);
	return text_take(&out);
}
