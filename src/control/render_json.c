#include "control/render.h"

#include <cJSON.h>
#include <stdlib.h>
#include <string.h>

static void number(cJSON *to, const char *name, uint64_t value)
{
	cJSON_AddNumberToObject(to, name, (double)value);
}

static void put_stats(cJSON *to, const struct stats *s)
{
	cJSON *o = cJSON_AddObjectToObject(to, "stats"), *for_;

	number(o, "open", s->open);
	number(o, "accepted", s->accepted);
	number(o, "up", s->up);
	number(o, "down", s->down);
	number(o, "pauses", s->pauses);
	number(o, "refused", s->refused);
	for_ = cJSON_AddObjectToObject(o, "refused_for");
	for (int i = 0; i < REFUSALS; i++)
		number(for_, refusal_name((enum refusal)i), s->refused_for[i]);
	for_ = cJSON_AddObjectToObject(o, "ended");
	for (int i = 0; i < CLOSE_REASONS; i++)
		number(for_, close_reason_name((enum close_reason)i),
		       s->ended[i]);
	number(o, "waiting", s->waiting);
	number(o, "turned_away", s->turned_away);
}

static void put_address(cJSON *to, const char *name, const struct addr *a)
{
	char text[ADDR_TEXT];

	if (a->family == AF_UNSPEC)
		cJSON_AddNullToObject(to, name);
	else
		cJSON_AddStringToObject(to, name, addr_print(a, text));
}

static void put_relay(cJSON *relays, const struct snapshot_relay *r)
{
	static const char *const states[] = {"open", "held", "paused", "dead"};
	static const char *const healths[] = {"untried", "up", "down"};
	cJSON *o = cJSON_CreateObject(), *list;

	cJSON_AddItemToArray(relays, o);
	cJSON_AddStringToObject(o, "name", r->name);
	list = cJSON_AddArrayToObject(o, "listeners");
	for (size_t i = 0; i < r->listener_count; i++) {
		cJSON *l = cJSON_CreateObject();

		cJSON_AddItemToArray(list, l);
		put_address(l, "address", &r->listeners[i].addr);
		cJSON_AddStringToObject(l, "from", r->listeners[i].from);
		cJSON_AddStringToObject(l, "state",
					states[r->listeners[i].state]);
	}
	list = cJSON_AddArrayToObject(o, "backends");
	for (size_t i = 0; i < r->backend_count; i++) {
		const struct snapshot_backend *b = &r->backends[i];
		cJSON *out = cJSON_CreateObject();

		cJSON_AddItemToArray(list, out);
		cJSON_AddStringToObject(out, "address", b->text);
		cJSON_AddStringToObject(out, "health",
					healths[b->stats.health]);
		if (b->stats.error < 0)
			cJSON_AddStringToObject(out, "error",
						strerror(-b->stats.error));
		else
			cJSON_AddNullToObject(out, "error");
		number(out, "open", b->open);
		number(out, "total", b->stats.total);
		number(out, "failed", b->stats.failed);
		number(out, "up", b->stats.up);
		number(out, "down", b->stats.down);
	}
	put_stats(o, &r->stats);
}

static void put_connection(cJSON *list, const struct snapshot_connection *s)
{
	static const char *const phases[] = {"header", "dialing", "relaying",
					     "client-ended", "backend-ended"};
	const struct relay_connection *c = &s->conn;
	cJSON *o = cJSON_CreateObject();

	cJSON_AddItemToArray(list, o);
	number(o, "id", c->id);
	cJSON_AddStringToObject(o, "relay", s->relay);
	cJSON_AddStringToObject(o, "phase", phases[c->phase]);
	put_address(o, "client", &c->client);
	put_address(o, "local", &c->local);
	put_address(o, "backend", &c->backend);
	number(o, "age_ms", c->age_ms);
	number(o, "idle_ms", c->idle_ms);
	number(o, "up", c->up);
	number(o, "down", c->down);
}

char *render_json(const struct snapshot *s)
{
	cJSON *o = cJSON_CreateObject(), *list;
	char *text;

	cJSON_AddStringToObject(o, "version", s->version);
	number(o, "pid", (uint64_t)s->pid);
	number(o, "now_ms", s->now_ms);
	number(o, "uptime_ms", s->uptime_ms);
	if (s->config)
		cJSON_AddStringToObject(o, "config", s->config);
	else
		cJSON_AddNullToObject(o, "config");
	number(o, "reloads", s->reloads);
	number(o, "reloads_refused", s->reloads_refused);
	cJSON_AddBoolToObject(o, "draining", s->draining);
	number(o, "workers", s->workers);
	number(o, "connections_most", s->connections_most);
	number(o, "descriptors_most", s->descriptors_most);
	number(o, "log_lines_dropped", s->log_lines_dropped);
	put_stats(o, &s->stats);
	list = cJSON_AddArrayToObject(o, "relays");
	for (size_t i = 0; i < s->relay_count; i++)
		put_relay(list, &s->relays[i]);
	list = cJSON_AddArrayToObject(o, "connections");
	for (size_t i = 0; i < s->connection_count; i++)
		put_connection(list, &s->connections[i]);
	text = cJSON_PrintUnformatted(o);
	cJSON_Delete(o);
	return text;
}
