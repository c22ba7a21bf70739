#include "control/render.h"

#include "control/json.h"
#include "control/names.h"

#include <stdio.h>
#include <string.h>

static void put_addr(struct json *j, const char *key, const struct addr *a)
{
	char text[ADDR_TEXT];

	json_string(j, key,
		    a->family == AF_UNSPEC ? NULL : addr_print(a, text));
}

static void put_stats(struct json *j, const struct stats *s)
{
	json_begin(j, "stats", '{');
	json_number(j, "open", s->open);
	json_number(j, "accepted", s->accepted);
	json_number(j, "up", s->up);
	json_number(j, "down", s->down);
	json_number(j, "waiting", s->waiting);
	json_number(j, "turned_away", s->turned_away);
	json_number(j, "pauses", s->pauses);
	json_number(j, "refused", s->refused);
	json_begin(j, "refused_for", '{');
	for (enum refusal why = 0; why < REFUSALS; why++)
		json_number(j, refusal_name(why), s->refused_for[why]);
	json_end(j, '}');
	json_begin(j, "ended", '{');
	for (enum close_reason why = 0; why < CLOSE_REASONS; why++)
		json_number(j, close_reason_name(why), s->ended[why]);
	json_end(j, '}');
	json_end(j, '}');
}

static void put_listener(struct json *j, const struct snapshot_listener *l)
{
	json_begin(j, NULL, '{');
	put_addr(j, "address", &l->addr);
	json_string(j, "from", l->from);
	json_string(j, "state", name_listener(l->state));
	json_end(j, '}');
}

static void put_backend(struct json *j, const struct snapshot_backend *b)
{
	const struct relay_backend_stats *s = &b->stats;

	json_begin(j, NULL, '{');
	json_string(j, "address", b->text);
	json_string(j, "health", name_health(s->health));
	json_string(j, "error",
		    s->health == BACKEND_DOWN && s->error < 0
			    ? strerror(-s->error)
			    : NULL);
	json_number(j, "open", b->open);
	json_number(j, "total", s->total);
	json_number(j, "failed", s->failed);
	json_number(j, "up", s->up);
	json_number(j, "down", s->down);
	json_end(j, '}');
}

static void put_relay(struct json *j, const struct snapshot_relay *r)
{
	json_begin(j, NULL, '{');
	json_string(j, "name", r->name);
	json_begin(j, "listeners", '[');
	for (size_t i = 0; i < r->listener_count; i++)
		put_listener(j, &r->listeners[i]);
	json_end(j, ']');
	json_begin(j, "backends", '[');
	for (size_t i = 0; i < r->backend_count; i++)
		put_backend(j, &r->backends[i]);
	json_end(j, ']');
	put_stats(j, &r->stats);
	json_end(j, '}');
}

static void put_connection(struct json *j, const struct snapshot_connection *c)
{
	json_begin(j, NULL, '{');
	json_number(j, "id", c->conn.id);
	json_string(j, "relay", c->relay);
	json_string(j, "phase", name_phase(c->conn.phase));
	put_addr(j, "client", &c->conn.client);
	put_addr(j, "local", &c->conn.local);
	put_addr(j, "backend", &c->conn.backend);
	json_number(j, "age_ms", c->conn.age_ms);
	json_number(j, "idle_ms", c->conn.idle_ms);
	json_number(j, "up", c->conn.up);
	json_number(j, "down", c->conn.down);
	json_end(j, '}');
}

static void put_process(struct json *j, const struct snapshot *s)
{
	json_string(j, "version", s->version);
	json_number(j, "format", RENDER_JSON_FORMAT);
	json_number(j, "pid", (uint64_t)s->pid);
	json_number(j, "now_ms", s->now_ms);
	json_number(j, "uptime_ms", s->uptime_ms);
	json_string(j, "config", s->config);
	json_number(j, "reloads", s->reloads);
	json_number(j, "reloads_refused", s->reloads_refused);
	json_bool(j, "draining", s->draining);
	json_string(j, "sandbox", s->sandbox);
	json_number(j, "workers", s->workers);
	json_number(j, "connections_most", s->connections_most);
	json_number(j, "descriptors_most", s->descriptors_most);
	json_number(j, "log_lines_dropped", s->log_lines_dropped);
	put_stats(j, &s->stats);
}

char *render_json(const struct snapshot *s)
{
	struct json j = {.first = true};

	json_begin(&j, NULL, '{');
	put_process(&j, s);
	json_begin(&j, "relays", '[');
	for (size_t i = 0; i < s->relay_count; i++)
		put_relay(&j, &s->relays[i]);
	json_end(&j, ']');
	if (s->connections) {
		json_begin(&j, "connections", '[');
		for (size_t i = 0; i < s->connection_count; i++)
			put_connection(&j, &s->connections[i]);
		json_end(&j, ']');
	}
	json_end(&j, '}');
	return text_take(&j.text);
}
