#include "engine/dial.h"

#include "engine/hold.h"
#include "engine/lookup.h"
#include "engine/race.h"
#include "engine/tally.h"
#include "engine/targets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	STAGGER_MS = 250, /* RFC 8305, 5 */
	RETRY_MS = 50,    /* a full Unix backlog, no descriptor */
	TICK_MS = 20,     /* of those who wait for a backend */
};

struct dial {
	struct worker *worker;
	const struct relay_route *route;
	const struct relay_backend *backend; /* in hand */
	struct targets targets;              /* its addresses */
	struct lookup_wait lookup;           /* for its name */
	struct deadline lookup_timeout;
	struct race race;
	struct hold_place place; /* among those who wait for the route */
	bool may_come;           /* a backend of this round may yet */
	int error;               /* what the last attempt said */
	struct addr where;       /* the address tried last */
	const struct dial_events *events;
	void *data;
	bool tried[]; /* the backends of the route, in this round */
};

static void go_on(struct dial *d);

void dial_cancel(struct dial *d)
{
	race_cancel(&d->race);
	lookup_forget(&d->lookup);
	deadline_cancel(&d->lookup_timeout);
	hold_leave(&d->place);
	targets_free(&d->targets);
	free(d);
}

static void fail(struct dial *d)
{
	const struct dial_events *events = d->events;
	struct addr where = d->where;
	void *data = d->data;
	int error = d->error;

	dial_cancel(d);
	events->over(data, error, -1, NULL, &where, 0);
}

/* Is there a choice that is worth a memory? */
static bool is_remembered(const struct dial *d)
{
	return d->route->count > 1 || d->backend->host;
}

static void succeed(struct dial *d)
{
	const struct dial_events *events = d->events;
	const struct relay_route *route = d->route;
	struct worker *w = d->worker;
	struct addr where = d->race.where;
	struct watch *watch = d->race.watch;
	size_t which = (size_t)(d->backend - route->backends);
	int fd = d->race.fd;
	void *data = d->data;

	if (is_remembered(d))
		backends_answered(&w->backends, d->backend, &where);
	dial_cancel(d);
	hold_answered(w, route);
	events->over(data, 0, fd, watch, &where, which);
}

static void note_failure(struct dial *d, int error)
{
	d->error = error;
	tally_failed(d->backend, error);
	if (d->route->count > 1)
		backends_failed(&d->worker->backends, d->backend,
				uv_now(d->worker->loop));
}

/* The backend in hand has not answered. */
static void lose(struct dial *d, int error)
{
	if (d->race.where.family != AF_UNSPEC)
		d->where = d->race.where;
	d->may_come |= d->race.refused;
	note_failure(d, error);
}

static void on_race_over(struct race *r, int error)
{
	struct dial *d = list_entry(r, struct dial, race);

	if (error == 0) {
		succeed(d);
		return;
	}
	lose(d, error);
	go_on(d);
}

/* Returns as race_start(). */
static int start_race(struct dial *d)
{
	const struct addr *winner = NULL;

	if (d->targets.count > 1)
		winner = backends_winner(&d->worker->backends, d->backend);
	if (winner)
		targets_prefer(&d->targets, winner);
	return race_start(&d->race, d->targets.at, d->targets.count);
}

static void on_name_answered(struct lookup_wait *wait, int status,
			     const struct addrinfo *list)
{
	struct dial *d = list_entry(wait, struct dial, lookup);
	int err = status < 0 ? lookup_error(status)
			     : targets_found(&d->targets, list,
					     d->backend->addr.port);

	deadline_cancel(&d->lookup_timeout);
	if (err < 0) {
		note_failure(d, err);
		go_on(d);
		return;
	}
	err = start_race(d);
	if (err != -EINPROGRESS)
		on_race_over(&d->race, err);
}

static void on_name_timed_out(struct deadline *deadline)
{
	struct dial *d = list_entry(deadline, struct dial, lookup_timeout);

	lookup_forget(&d->lookup);
	note_failure(d, -ETIMEDOUT);
	go_on(d);
}

/* Find the addresses of the backend in hand and try them. Returns as
 * race_start(), -EINPROGRESS also while the name is looked up. */
static int try_backend(struct dial *d)
{
	const struct relay_backend *b = d->backend;
	int err;

	/* Until there is an address, there is none to be named. */
	d->race.where = (struct addr){.family = AF_UNSPEC};
	d->race.refused = false;
	if (!b->host) {
		targets_literal(&d->targets, &b->addr);
		return start_race(d);
	}
	if (targets_localhost(&d->targets, b->host, b->addr.port))
		return start_race(d);
	err = lookup_ask(d->worker, b->host, &d->lookup);
	if (err < 0)
		return err;
	worker_arm_for(d->worker, TIMEOUT_LOOKUP, d->route->connect_timeout_ms,
		       &d->lookup_timeout);
	return -EINPROGRESS;
}

/* The first that has not been tried, and has not failed just now if there is
 * such a one; NULL if all have been tried. */
static const struct relay_backend *next_backend(struct dial *d)
{
	const struct relay_route *route = d->route;
	uint64_t now_ms = uv_now(d->worker->loop);
	size_t chosen = route->count;

	for (size_t i = 0; i < route->count; i++) {
		bool down = route->count > 1 &&
			    backends_is_down(&d->worker->backends,
					     &route->backends[i], now_ms);

		if (d->tried[i] || (down && chosen < route->count))
			continue;
		chosen = i;
		if (!down)
			break;
	}
	if (chosen == route->count)
		return NULL;
	d->tried[chosen] = true;
	return &route->backends[chosen];
}

static void begin_round(struct dial *d)
{
	memset(d->tried, 0, d->route->count * sizeof(d->tried[0]));
	d->may_come = false;
}

/* Every backend has failed. */
static void end_round(struct dial *d)
{
	bool first = !d->place.hold;

	if (d->route->wait_for_backend_ms == 0 || !d->may_come ||
	    hold_wait(d->worker, d->route, &d->place, d->error, &d->where) <
		    0) {
		fail(d);
		return;
	}
	if (first)
		d->events->waits(d->data);
}

/* Go through the backends until one is under way, or none is left. */
static void go_on(struct dial *d)
{
	int err;

	do {
		d->backend = next_backend(d);
		if (!d->backend) {
			end_round(d);
			return;
		}
		err = try_backend(d);
		if (err == -EINPROGRESS)
			return;
		if (err < 0)
			lose(d, err);
	} while (err < 0);
	succeed(d);
}

static void on_word(struct hold_place *p, enum hold_word word)
{
	struct dial *d = list_entry(p, struct dial, place);

	if (word == HOLD_OVER) {
		fail(d);
		return;
	}
	begin_round(d);
	go_on(d);
}

int dial_start(struct dial **out, struct worker *w,
	       const struct relay_route *route, bool speaks_first,
	       const struct dial_events *events, void *data)
{
	struct dial *d =
		calloc(1, sizeof(*d) + route->count * sizeof(d->tried[0]));

	if (!d)
		return -ENOMEM;
	d->worker = w;
	d->route = route;
	d->error = -EHOSTUNREACH;
	d->events = events;
	d->data = data;
	lookup_init(&d->lookup, on_name_answered);
	deadline_init(&d->lookup_timeout);
	race_init(&d->race, w, route, speaks_first, on_race_over);
	hold_init(&d->place, uv_now(w->loop) + route->wait_for_backend_ms,
		  on_word);
	*out = d;
	go_on(d);
	return 0;
}

void dial_queues(struct worker *w)
{
	worker_timeout(w, TIMEOUT_LOOKUP, on_name_timed_out);
	worker_timeout(w, TIMEOUT_CONNECT, race_timed_out);
	worker_queue(w, QUEUE_STAGGER, STAGGER_MS, race_stagger);
	worker_queue(w, QUEUE_RETRY, RETRY_MS, race_retry);
	worker_queue(w, QUEUE_HOLD, TICK_MS, hold_tick);
}
