#include "cli/generation.h"

#include "cli/announce.h"
#include "cli/logger.h"
#include "config/args.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

enum { EXEC_WAIT_MS = 30000 };

struct generation *generation_read(int argc, char *const argv[],
				   void (*mistake)(const char *text))
{
	struct generation *g = calloc(1, sizeof(*g));

	if (!g) {
		mistake("out of memory");
		return NULL;
	}
	list_init(&g->node);
	list_init(&g->served);
	list_init(&g->parked);
	list_init(&g->late);
	config_init(&g->config);
	if (args_read(&g->config, argc, argv, mistake) == 0)
		return g;
	generation_free(g);
	return NULL;
}

static struct ledger *ledger_at(const struct generation *before, size_t i,
				const char *name)
{
	struct ledger *l = before->members[i].ledger;

	return strcmp(l->name, name) == 0 ? l : NULL;
}

/* Most stand where they stood. */
static struct ledger *find_ledger(const struct generation *before,
				  const char *name, size_t at)
{
	size_t count = before ? before->config.group_count : 0;
	struct ledger *l = at < count ? ledger_at(before, at, name) : NULL;

	for (size_t i = 0; i < count && !l; i++)
		l = ledger_at(before, i, name);
	return l;
}

/* Go on with what the namesake of m has counted. */
static int open_ledger(struct member *m, const struct generation *before)
{
	const char *name = config_group_name(m->group);
	size_t at = (size_t)(m->group - m->generation->config.groups);

	m->ledger = ledger_take(find_ledger(before, name, at), name);
	return m->ledger ? 0 : -ENOMEM;
}

static int open_tallies(struct member *m, struct config_group *group)
{
	for (size_t i = 0; i < group->backend_count; i++) {
		struct relay_backend *b = &group->backends[i];
		char text[BACKEND_TEXT];

		b->tally = ledger_tally(m->ledger, announce_backend(b, text));
		if (!b->tally)
			return -ENOMEM;
	}
	return 0;
}

/* NULL if it is open to all. */
static const struct relay_door *make_door(struct member *m)
{
	const struct settings *s = &m->group->settings;

	if (s->rules.count == 0 && s->max_per_source == 0 &&
	    s->max_rate.count == 0)
		return NULL;
	m->door = (struct relay_door){
		.rules = s->rules.at,
		.rule_count = s->rules.count,
		.allow_others = !s->rules.any_allow,
		.per_source = {.connections = s->max_per_source,
			       .rate = s->max_rate},
	};
	return &m->door;
}

/* What listeners of a relay that we make are like. */
static void tell_listeners(struct config_group *g)
{
	for (size_t i = 0; i < g->listener_count; i++) {
		struct listen_request *asked = &g->listeners[i].request;

		asked->mode = (unsigned)g->settings.unix_mode;
		asked->backlog = (int)g->settings.backlog;
	}
}

static void make_route(struct member *m)
{
	const struct config_group *g = m->group;
	const struct settings *s = &g->settings;
	uint64_t wait_ms = s->wait_for_backend_ms;

	if (m->wanted && wait_ms == 0)
		wait_ms = EXEC_WAIT_MS;
	m->route = (struct relay_route){
		.backends = g->backends,
		.count = g->backend_count,
		.door = make_door(m),
		.send_proxy = (enum proxy_version)s->send_proxy,
		.fronts = s->fronts,
		.front_count = s->front_count,
		.unix_fronts = s->unix_fronts,
		.wait_for_backend_ms = wait_ms,
		.connect_timeout_ms = s->connect_timeout_ms,
		.proxy_timeout_ms = s->proxy_timeout_ms,
		.idle_timeout_ms = s->idle_timeout_ms,
		.half_close_timeout_ms = s->half_close_timeout_ms,
		.keepalive_s = (unsigned)s->keepalive_s,
		.exact_local = s->access_log != 0,
		.name = g->name,
		.data = m,
	};
}

static int prepare(struct member *m, struct config_group *group,
		   const struct generation *before, struct fault *why)
{
	int err = 0;

	if (open_ledger(m, before) < 0)
		return fault_set(why, -ENOMEM, "out of memory");
	/* Which says where the backends are. */
	if (group->command)
		err = demand_take(m->generation->demand, &m->wanted, m->ledger,
				  group, why);
	if (err == 0 && open_tallies(m, group) < 0)
		err = fault_set(why, -ENOMEM, "out of memory");
	return err;
}

int generation_prepare(struct generation *g, struct demand *demand,
		       const struct generation *before, struct fault *why)
{
	size_t count = g->config.group_count;
	int err = 0;

	g->demand = demand;
	g->members = calloc(count, sizeof(*g->members));
	if (!g->members)
		return fault_set(why, -ENOMEM, "out of memory");
	for (size_t i = 0; i < count && err == 0; i++) {
		struct config_group *group = &g->config.groups[i];
		struct member *m = &g->members[i];

		m->generation = g;
		m->group = group;
		err = prepare(m, group, before, why);
		make_route(m);
		tell_listeners(group);
	}
	return err;
}

int generation_route(struct generation *g, struct follow *follow)
{
	struct list *pos;

	list_for_each (pos, &g->served) {
		struct served *s = list_entry(pos, struct served, node);

		s->route = s->member->route;
		s->route.only = s->listener.only;
		if (!s->listener.asked->interface)
			continue;
		s->route.entry = follow_entry(follow, s->listener.asked);
		if (!s->route.entry)
			return -ENOMEM;
	}
	for (size_t i = 0; i < g->config.group_count; i++) {
		const struct config_group *group = &g->config.groups[i];

		for (size_t j = 0; j < group->listener_count; j++) {
			const struct listener_spec *spec = &group->listeners[j];

			/* One for all addresses may have been taken. */
			if (spec->source->argument == LISTEN_INTERFACE &&
			    !generation_serves(g, spec) &&
			    follow_listen(follow, spec, group,
					  &g->members[i].route) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

void served_close(struct served *s)
{
	if (s->ours)
		listen_close_one(&s->listener);
	s->ours = false;
}

static void close_all(struct list *all)
{
	struct list *pos;

	list_for_each (pos, all)
		served_close(list_entry(pos, struct served, node));
}

void generation_close(struct generation *g)
{
	close_all(&g->served);
	close_all(&g->parked);
}

bool served_is_handed_over(const struct served *s)
{
	return s->listener.stays ||
	       list_entry(s->listener.asked, struct listener_spec, request)
		       ->source->handed_over;
}

void served_adjust(struct served *s)
{
	const struct listen_request *before = s->was->listener.asked,
				    *asked = s->listener.asked;
	char text[sizeof(struct fault) + 16];
	struct fault why;

	if (served_is_handed_over(s))
		return;
	if (asked->backlog != before->backlog)
		listen(s->fd, asked->backlog);
	if (asked->mode == before->mode ||
	    listen_set_mode(&s->listener, &why) == 0)
		return;
	snprintf(text, sizeof(text), "unix-mode: %s", why.text);
	logger_put(LEVEL_WARN, text);
}

void generation_abandon(struct generation *g)
{
	struct list *pos;

	list_for_each (pos, &g->served)
		list_entry(pos, struct served, node)->listener.made = false;
}

static void free_all(struct list *all)
{
	while (!list_is_empty(all)) {
		struct served *s = list_entry(all->next, struct served, node);

		list_remove(&s->node);
		free(s->text);
		free(s);
	}
}

static void free_members(struct generation *g)
{
	for (size_t i = 0; g->members && i < g->config.group_count; i++) {
		struct member *m = &g->members[i];

		demand_drop(g->demand, m->wanted);
		for (size_t j = 0; m->group && j < m->group->backend_count; j++)
			ledger_drop_tally(m->ledger,
					  m->group->backends[j].tally);
		ledger_drop(m->ledger);
	}
	free(g->members);
}

void generation_free(struct generation *g)
{
	if (!g)
		return;
	generation_close(g);
	free_all(&g->served);
	free_all(&g->parked);
	free_all(&g->late);
	free_members(g);
	list_remove(&g->node);
	config_free(&g->config);
	free(g);
}
