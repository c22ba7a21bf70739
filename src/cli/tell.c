#include "cli/running.h"

#include "cli/cli.h"
#include "cli/logger.h"
#include "os/proc.h"

/* What the status socket is told of what runs. */

enum { LEAVE_MS = 50 };

static void tell_listener(void *data, int fd, const struct addr *at,
			  const char *from)
{
	inspection_listener(data, fd, at, from);
}

static void tell_relay(struct running *run, const struct member *m,
		       struct inspection *i)
{
	const struct config_group *g = m->group;
	const struct list *pos;

	inspection_relay(i, &m->ledger->account, g->backends, g->backend_count);
	list_for_each (pos, &run->now->served) {
		const struct served *s = list_entry(pos, struct served, node);

		if (s->member == m)
			inspection_listener(i, s->fd, &s->listener.addr,
					    s->listener.asked->text);
	}
	if (run->follow)
		follow_each(run->follow, g, tell_listener, i);
}

static void tell(void *data, struct inspection *i, struct snapshot *s)
{
	struct running *run = data;
	const struct config *c = &run->now->config;

	for (size_t n = 0; n < c->group_count; n++)
		tell_relay(run, &run->now->members[n], i);
	s->config = c->paths.count > 0 ? c->paths.at[0] : NULL;
	s->reloads = run->reloads;
	s->reloads_refused = run->reloads_refused;
	s->draining = run->stops > 0;
	s->sandbox = confine_holds(&run->confine);
	s->workers = run->options.threads;
	s->connections_most = run->options.max_connections;
	s->descriptors_most = proc_descriptor_limit();
	s->log_lines_dropped = logger_dropped();
}

/* What each_listener() was given, for follow_each(). */
struct giving {
	const struct running *run;
	void (*each)(void *context, int fd, const struct addr *at);
	void *context;
};

/* But for those that serve nobody. */
static void give(const struct giving *g, int fd, const struct addr *at)
{
	if (relay_listener_state(g->run->relay, fd) != LISTENER_DEAD)
		g->each(g->context, fd, at);
}

static void give_followed(void *data, int fd, const struct addr *at,
			  const char *from)
{
	(void)from;
	give(data, fd, at);
}

static struct account *account_of(void *data, const struct relay_route *route)
{
	const struct member *m = route->data;

	(void)data;
	return &m->ledger->account;
}

static void on_made(void *data)
{
	running_sweep(data);
}

static int reload(void *data, void (*mistake)(const char *text))
{
	return running_reload_aloud(data, mistake);
}

static void each_listener(void *data,
			  void (*each)(void *context, int fd,
				       const struct addr *at),
			  void *context)
{
	struct running *run = data;
	struct giving giving = {run, each, context};
	const struct list *pos;

	list_for_each (pos, &run->now->served) {
		const struct served *s = list_entry(pos, struct served, node);

		if (!served_is_handed_over(s))
			give(&giving, s->fd, &s->listener.addr);
	}
	for (size_t i = 0; run->follow && i < run->now->config.group_count; i++)
		follow_each(run->follow, &run->now->config.groups[i],
			    give_followed, &giving);
	if (web_serves(&run->web))
		each(context, run->web.fd, &run->web.at);
}

static void on_leave(uv_timer_t *timer)
{
	struct running *run = timer->data;

	running_drain(run, run->now->config.drain_timeout_ms);
}

static void leave(void *data)
{
	struct running *run = data;

	logger_put(LEVEL_INFO, "another lowport has taken over: accepting no "
			       "more, connections may finish");
	run->ending = true;
	generation_abandon(run->now);
	web_abandon(&run->web);
	/* The answer goes out first. */
	uv_timer_start(&run->leave, on_leave, LEAVE_MS, 0);
}

int running_show(struct running *run)
{
	const struct desk_actions actions = {
		.reload = reload,
		.listeners = each_listener,
		.leave = leave,
		.data = run,
	};
	struct snapshot_source source;

	run->inspect = (struct inspect){
		.relay = run->relay,
		.tell = tell,
		.account_of = account_of,
		.made = on_made,
		.data = run,
		.since_ms = uv_now(&run->loop),
		.loop = &run->loop,
	};
	source = inspect_source(&run->inspect);
	desk_open(&run->desk, &run->loop, &run->now->config, &source,
		  run->relay, &actions);
	return web_start(&run->web, &run->loop, &source, complain);
}

void running_move_web(struct running *run, void (*mistake)(const char *text))
{
	const struct snapshot_source source = inspect_source(&run->inspect);

	if (web_start(&run->next_web, &run->loop, &source, mistake) == 0)
		web_take_place(&run->next_web, &run->web);
	else
		web_close(&run->next_web);
}
