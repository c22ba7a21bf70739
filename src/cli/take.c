#include "cli/running.h"

#include "cli/cli.h"
#include "cli/logger.h"

#include <stdio.h>
#include <string.h>

bool running_take(struct running *run, const struct config *c)
{
	struct fault why;
	bool fine = true;

	/* Of its own: they outlive the configuration. */
	for (size_t i = 0; i < c->takes.count && fine; i++)
		fine = takes_add(&run->takes, c->takes.at[i].text, &why) == 0;
	if (!fine)
		complain(why.text);
	for (size_t i = 0; i < run->takes.count; i++) {
		const struct listener_spec *t = &run->takes.at[i];
		size_t before = run->offered.count;

		if (t->source->open(&t->request, &run->offered, &why) < 0) {
			complain(why.text);
			fine = fine && t->source->dispensable;
		}
		for (size_t j = before; j < run->offered.count; j++)
			run->offered.at[j].stays = true;
	}
	return fine;
}

void running_untake(struct running *run)
{
	listen_close(&run->offered, 0);
	takes_free(&run->takes);
}

static bool takes_it(const struct generation *g, const struct listener *offered)
{
	const struct list *pos;

	list_for_each (pos, &g->served) {
		const struct served *s = list_entry(pos, struct served, node);

		if (s->listener.stays &&
		    addr_equal(&s->listener.addr, &offered->addr))
			return true;
	}
	return false;
}

/* By an interface that may have its address, now or another time. */
static bool may_take_it(const struct generation *g,
			const struct listener *offered)
{
	for (size_t i = 0; i < g->config.group_count; i++) {
		const struct config_group *group = &g->config.groups[i];

		for (size_t j = 0; j < group->listener_count; j++) {
			const struct listener_spec *spec = &group->listeners[j];

			if (spec->source->argument == LISTEN_INTERFACE &&
			    offered->addr.family != AF_UNIX &&
			    spec->request.addr.port == offered->addr.port)
				return true;
		}
	}
	return false;
}

static bool shows_on_it(const struct web *w, const struct listener *offered)
{
	for (size_t i = 0; i < w->listeners.count; i++)
		if (addr_equal(&w->listeners.at[i].addr, &offered->addr))
			return true;
	return w->http && addr_equal(&w->at, &offered->addr);
}

static void warn(const struct listener *l)
{
	char text[512], at[ADDR_TEXT];

	snprintf(text, sizeof(text),
		 "%s handed over %s, where no listener is wanted (--take %s): "
		 "its clients will wait for ever",
		 listen_giver(l), addr_print(&l->addr, at), l->asked->text);
	logger_put(LEVEL_WARN, text);
}

void running_mark_taken(struct running *run, const struct generation *g)
{
	for (size_t i = 0; i < run->offered.count; i++) {
		struct listener *l = &run->offered.at[i];
		bool was = l->taken;

		l->taken = takes_it(g, l) || shows_on_it(&run->web, l) ||
			   shows_on_it(&run->next_web, l);
		/* One that has just been given up has been told. */
		if (l->stays && !l->taken && !was && !may_take_it(g, l))
			warn(l);
	}
}
