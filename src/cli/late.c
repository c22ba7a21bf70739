#include "cli/late.h"

#include <stdlib.h>

/* Has it listeners of its own, which g does not want? */
static bool is_left(const struct generation *g,
		    const struct listener_spec *interface)
{
	if (!interface->request.interface || interface->source->handed_over)
		return false;
	for (size_t i = 0; i < g->config.group_count; i++) {
		const struct config_group *group = &g->config.groups[i];

		for (size_t j = 0; j < group->listener_count; j++)
			if (config_same_listener(&group->listeners[j],
						 interface))
				return false;
	}
	return true;
}

/* Has an interface that will be left a listener at that port? */
static bool is_left_with(const struct generation *g,
			 const struct generation *before, uint16_t port)
{
	const struct config *c = &before->config;

	for (size_t i = 0; i < c->group_count; i++)
		for (size_t j = 0; j < c->groups[i].listener_count; j++)
			if (c->groups[i].listeners[j].request.addr.port ==
				    port &&
			    is_left(g, &c->groups[i].listeners[j]))
				return true;
	return false;
}

/* Nobody gets what whoever handed it over holds still. */
static bool will_be_closed(const struct generation *g,
			   const struct served *before)
{
	return before->listener.addr.family != AF_UNIX &&
	       !served_is_handed_over(before) && !generation_shares(g, before);
}

static bool is_held_by(const struct generation *before,
		       const struct generation *g, uint16_t port)
{
	const struct list *pos;

	list_for_each (pos, &before->served) {
		const struct served *was = list_entry(pos, struct served, node);

		if (was->listener.addr.port == port && will_be_closed(g, was))
			return true;
	}
	return is_left_with(g, before, port);
}

bool late_put_off(struct generation *g, const struct generation *before,
		  struct member *m, const struct listener_spec *spec)
{
	struct served *s = NULL;

	if (is_held_by(before, g, spec->request.addr.port))
		s = calloc(1, sizeof(*s));
	if (!s)
		return false;
	s->member = m;
	s->listener.asked = &spec->request;
	s->fd = s->listener.fd = -1;
	list_append(&g->late, &s->node);
	return true;
}

static bool is_late(const struct generation *g, uint16_t port)
{
	const struct list *pos;

	list_for_each (pos, &g->late)
		if (list_entry(pos, struct served, node)
			    ->listener.asked->addr.port == port)
			return true;
	return false;
}

bool late_wants(const struct generation *g, const struct served *before)
{
	return is_late(g, before->listener.addr.port) &&
	       will_be_closed(g, before);
}

bool late_wants_of_interface(const struct generation *g,
			     const struct listener_spec *before)
{
	return is_late(g, before->request.addr.port) && is_left(g, before);
}
