#include "cli/web_source.h"

#include "cli/announce.h"

#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

enum { LISTENERS_MOST = 64, BACKENDS_MOST = 64 };

struct parts {
	struct snapshot_relay relays[LISTENERS_MOST];
	struct snapshot_listener listeners[LISTENERS_MOST];
	struct snapshot_backend backends[BACKENDS_MOST];
	char texts[BACKENDS_MOST][BACKEND_TEXT];
};

static uint64_t clock_ms(void)
{
	struct timeval now;

	gettimeofday(&now, NULL);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_usec / 1000;
}

static size_t fill(const struct web_source *w, struct parts *p,
		   const struct stats *stats)
{
	const struct config *c = w->config;
	size_t listener = 0, backend = 0, i;

	for (i = 0; i < c->group_count && i < LISTENERS_MOST; i++) {
		const struct config_group *g = &c->groups[i];
		struct snapshot_relay *r = &p->relays[i];

		r->name = g->name ? g->name : g->listeners[0].text;
		r->listeners = &p->listeners[listener];
		r->backends = &p->backends[backend];
		for (; listener < w->counts[i] && listener < LISTENERS_MOST &&
		       listener < w->listeners->count;
		     listener++)
			p->listeners[listener] = (struct snapshot_listener){
				.addr = w->listeners->at[listener].addr,
				.from = w->listeners->at[listener].asked->text,
				.state = *w->stops > 0 ? LISTENER_DEAD
						       : LISTENER_OPEN};
		r->listener_count =
			(size_t)(&p->listeners[listener] - r->listeners);
		for (size_t j = 0;
		     j < g->backend_count && backend < BACKENDS_MOST;
		     j++, backend++) {
			p->backends[backend].text = announce_backend(
				&g->backends[j], p->texts[backend]);
			relay_backend_stats(w->relay, &g->backends[j],
					    &p->backends[backend].stats);
			r->backend_count++;
		}
		if (i == 0)
			r->stats = *stats;
	}
	return i;
}

static void take(void *data, bool connections,
		 void (*ready)(void *context, const struct snapshot *s),
		 void *context)
{
	const struct web_source *w = data;
	struct parts *p = calloc(1, sizeof(*p));
	struct snapshot s = {.version = LOWPORT_VERSION};

	(void)connections;
	if (!p) {
		ready(context, NULL);
		return;
	}
	s.pid = getpid();
	s.now_ms = clock_ms();
	s.uptime_ms = uv_now(w->loop) - w->since_ms;
	s.draining = *w->stops > 0;
	s.workers = 1;
	relay_stats(w->relay, &s.stats);
	s.relays = p->relays;
	s.relay_count = fill(w, p, &s.stats);
	ready(context, &s);
	free(p);
}

struct snapshot_source web_source(struct web_source *w)
{
	return (struct snapshot_source){.take = take, .data = w};
}
