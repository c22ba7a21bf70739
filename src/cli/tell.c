#include "cli/running.h"

#include "cli/logger.h"
#include "os/proc.h"

/* What the status socket is told of what runs. */

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
	s->workers = run->options.threads;
	s->connections_most = run->options.max_connections;
	s->descriptors_most = proc_descriptor_limit();
	s->log_lines_dropped = logger_dropped();
}

static struct account *account_of(void *data, const struct relay_route *route)
{
	const struct member *m = route->data;

	(void)data;
	return &m->ledger->account;
}

int running_show(struct running *run)
{
	struct snapshot_source source;

	run->inspect = (struct inspect){
		.relay = run->relay,
		.tell = tell,
		.account_of = account_of,
		.data = run,
		.since_ms = uv_now(&run->loop),
		.loop = &run->loop,
	};
	source = inspect_source(&run->inspect);
	desk_open(&run->desk, &run->loop, &run->now->config, &source,
		  run->relay);
	return web_start(&run->web, &run->loop, &run->now->config, &source);
}
