#include "engine/door.h"

#include "os/sock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Sources without a connection that are remembered until their buckets are
 * full, beside those that have one: a few MiB. */
enum { IDLE_MOST = 65536 };

struct door_count {
	struct list node; /* in the door's counts */
	const struct relay_door *of;
	struct source_limits limits;
	size_t users; /* listeners, and tickets */
};

static void say(struct door *d, const char *text)
{
	const struct relay_options *opt = d->worker->options;

	if (opt->notice)
		opt->notice(opt->data, LEVEL_INFO, text);
}

static void say_left_out(struct door *d)
{
	char text[128];

	if (d->lines.left_out == 0)
		return;
	snprintf(text, sizeof(text),
		 "refused %" PRIu64 " more, each without a line of its own",
		 d->lines.left_out);
	d->lines.left_out = 0;
	say(d, text);
}

static void on_unsaid(struct deadline *deadline)
{
	say_left_out(list_entry(deadline, struct door, unsaid));
}

static void say_refused(struct door *d, int fd, const struct conn_origin *from,
			enum refusal why)
{
	char text[WORKER_NOTICE], client[ADDR_TEXT], local[ADDR_TEXT];
	const char *name = from->route->name;
	struct addr at = *from->local;
	struct source who = {0};

	source_of(&from->client, &who);
	if (!ration_take(&d->lines, &who, uv_now(d->worker->loop))) {
		if (!deadline_is_armed(&d->unsaid))
			worker_arm(d->worker, QUEUE_UNSAID, &d->unsaid);
		return;
	}
	if (addr_is_wildcard(&at))
		sock_local(fd, &at);
	snprintf(text, sizeof(text), "refused%s%s client=%s local=%s why=%s",
		 name ? " relay=" : "", name ? name : "",
		 addr_print(&from->client, client), addr_print(&at, local),
		 refusal_name(why));
	say(d, text);
}

static bool is_entry(const struct relay_entry *entry, const struct addr *local,
		     int fd)
{
	size_t i = 0;

	while (i < entry->count && !addr_same_ip(&entry->at[i], local))
		i++;
	return i < entry->count &&
	       (entry->interface == 0 ||
		sock_came_through(fd, local->family, entry->interface));
}

/* A wildcard listener is reached at every address; the socket that it accepts
 * knows at which. */
static bool came_in_right(const struct relay_route *route, int fd)
{
	bool any = route->only.family == AF_UNSPEC;
	struct addr local;

	if (any && !route->entry)
		return true;
	return sock_local(fd, &local) == 0 &&
	       (any || addr_same_ip(&local, &route->only)) &&
	       (!route->entry || is_entry(route->entry, &local, fd));
}

static bool is_allowed(const struct relay_door *rules,
		       const struct addr *client)
{
	for (size_t i = 0; i < rules->rule_count; i++)
		if (cidr_contains(&rules->rules[i].net, client))
			return rules->rules[i].allow;
	return rules->allow_others;
}

static bool has_limits(const struct relay_door *rules)
{
	return rules->per_source.connections > 0 ||
	       rules->per_source.rate.count > 0;
}

/* Returns REFUSALS if there is no reason to refuse. */
static enum refusal ask(struct door *d, struct door_count *count,
			const struct relay_door *rules,
			struct conn_origin *from)
{
	struct source who;

	if (!source_of(&from->client, &who))
		return REFUSALS;
	if (!is_allowed(rules, &from->client))
		return REFUSED_DENIED;
	if (!count)
		return REFUSALS;
	switch (sources_enter(d->sources, &count->limits, &who,
			      uv_now(d->worker->loop), &from->source)) {
	case SOURCE_FINE:
		count->users += from->source > 0;
		break;
	case SOURCE_TOO_MANY:
		return REFUSED_PER_SOURCE;
	case SOURCE_TOO_FAST:
		return REFUSED_RATE;
	}
	return REFUSALS;
}

bool door_lets_in(struct door *d, struct door_count *count, int fd,
		  struct conn_origin *from)
{
	const struct relay_route *route = from->route;
	enum refusal why = REFUSALS;

	if (!came_in_right(route, fd))
		why = REFUSED_ADDRESS;
	else if (route->door)
		why = ask(d, count, route->door, from);
	if (why == REFUSALS)
		return true;
	stats_refuse(d->stats, why);
	if (d->worker->options->refused)
		d->worker->options->refused(d->worker->options->data, route,
					    why);
	say_refused(d, fd, from, why);
	return false;
}

static void release(struct door *d, struct door_count *count)
{
	if (--count->users > 0)
		return;
	sources_forget(d->sources, &count->limits);
	list_remove(&count->node);
	free(count);
}

void door_left(struct door *d, uint32_t source)
{
	const struct source_limits *limits;

	if (source == 0)
		return;
	limits = sources_leave(d->sources, source, uv_now(d->worker->loop));
	release(d, list_entry(limits, struct door_count, limits));
}

void door_dismiss(struct door *d, struct door_count *count)
{
	if (count)
		release(d, count);
}

static int make_sources(struct door *d)
{
	size_t most = d->worker->options->max_connections;
	struct siphash_key key;
	int err;

	if (d->sources)
		return 0;
	if (most > SOURCES_MOST - IDLE_MOST)
		most = SOURCES_MOST - IDLE_MOST;
	err = uv_random(NULL, NULL, &key, sizeof(key), 0, NULL);
	if (err < 0)
		return err;
	return sources_new(&d->sources, most + IDLE_MOST, &key);
}

static struct door_count *find(const struct door *d,
			       const struct relay_door *rules)
{
	struct list *pos;

	list_for_each (pos, &d->counts) {
		struct door_count *c = list_entry(pos, struct door_count, node);

		if (c->of == rules)
			return c;
	}
	return NULL;
}

static struct door_count *make_count(struct door *d,
				     const struct relay_door *rules)
{
	struct door_count *c = malloc(sizeof(*c));

	if (!c)
		return NULL;
	*c = (struct door_count){.of = rules, .limits = rules->per_source};
	list_init(&c->node);
	list_append(&d->counts, &c->node);
	return c;
}

int door_prepare(struct door *d, const struct relay_route *route,
		 struct door_count **out)
{
	struct door_count *c;
	int err;

	*out = NULL;
	if (!route->door || !has_limits(route->door))
		return 0;
	err = make_sources(d);
	if (err < 0)
		return err;
	c = find(d, route->door);
	if (!c)
		c = make_count(d, route->door);
	if (!c)
		return -ENOMEM;
	c->users++;
	*out = c;
	return 0;
}

void door_init(struct door *d, struct worker *worker, struct stats *stats)
{
	*d = (struct door){.worker = worker, .stats = stats};
	list_init(&d->counts);
	deadline_init(&d->unsaid);
	worker_queue(worker, QUEUE_UNSAID, RATION_MS, on_unsaid);
}

void door_close(struct door *d)
{
	deadline_cancel(&d->unsaid);
	say_left_out(d);
}

void door_free(struct door *d)
{
	while (!list_is_empty(&d->counts)) {
		struct door_count *c =
			list_entry(d->counts.next, struct door_count, node);

		list_remove(&c->node);
		free(c);
	}
	sources_free(d->sources);
}
