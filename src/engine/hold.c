#include "engine/hold.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BACKOFF_MS = 20,       /* before the second attempt, */
	BACKOFF_MOST_MS = 500, /* and at most before any other */
};

struct hold {
	struct list node; /* in the worker's holds */
	struct worker *worker;
	const struct relay_route *route;
	struct list waiting; /* places; the first is over first */
	size_t taken;        /* places, of those who try too */
	struct deadline tick;
	uint64_t try_at_ms, backoff_ms;
};

void hold_init(struct hold_place *p, uint64_t until_ms,
	       void (*call)(struct hold_place *p, enum hold_word word))
{
	list_init(&p->node);
	p->hold = NULL;
	p->until_ms = until_ms;
	p->call = call;
}

static struct hold *find(const struct worker *w,
			 const struct relay_route *route)
{
	struct list *pos;

	list_for_each (pos, &w->holds) {
		struct hold *h = list_entry(pos, struct hold, node);

		if (h->route == route)
			return h;
	}
	return NULL;
}

static struct hold *create(struct worker *w, const struct relay_route *route)
{
	struct hold *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->worker = w;
	h->route = route;
	h->backoff_ms = BACKOFF_MS;
	h->try_at_ms = uv_now(w->loop) + BACKOFF_MS;
	list_init(&h->waiting);
	deadline_init(&h->tick);
	list_init(&h->node);
	list_append(&w->holds, &h->node);
	worker_arm(w, QUEUE_HOLD, &h->tick);
	return h;
}

/* Somebody has let go of it. */
static void release(struct hold *h)
{
	if (--h->taken > 0)
		return;
	deadline_cancel(&h->tick);
	list_remove(&h->node);
	free(h);
}

static void say_waiting(const struct worker *w, const struct relay_route *route,
			int err, const struct addr *where)
{
	char text[256], at[ADDR_TEXT], said[WORKER_NOTICE];

	if (!commons_may_say(w->commons, SAY_WAITING, uv_now(w->loop)))
		return;
	snprintf(text, sizeof(text),
		 "%s is not there yet (%s): clients wait for it, up to "
		 "%" PRIu64 " ms",
		 addr_print(where, at), strerror(-err),
		 route->wait_for_backend_ms);
	worker_notice(w, LEVEL_INFO, worker_about(route, text, said));
}

static void say_crowded(const struct worker *w, const struct relay_route *route,
			const struct addr *where)
{
	char text[256], at[ADDR_TEXT], said[WORKER_NOTICE];

	if (!commons_may_say(w->commons, SAY_CROWDED, uv_now(w->loop)))
		return;
	snprintf(text, sizeof(text),
		 "%zu clients wait for a backend already (max-waiting): others "
		 "are refused while %s is not there",
		 w->commons->max_waiting, addr_print(where, at));
	worker_notice(w, LEVEL_WARN, worker_about(route, text, said));
}

static int take_place(struct worker *w, const struct relay_route *route,
		      struct hold_place *p, int err, const struct addr *where)
{
	struct hold *h;

	if (!commons_begin_wait(w->commons)) {
		say_crowded(w, route, where);
		return -EBUSY;
	}
	h = find(w, route);
	if (!h)
		h = create(w, route);
	if (!h) {
		commons_end_wait(w->commons);
		return -ENOMEM;
	}
	h->taken++;
	p->hold = h;
	say_waiting(w, route, err, where);
	return 0;
}

static uint64_t until_ms(const struct list *node)
{
	return list_entry(node, struct hold_place, node)->until_ms;
}

/* Whoever is new is over last; whoever has tried in between was the first. */
static void line_up(struct hold *h, struct hold_place *p)
{
	struct list *pos = &h->waiting;

	if (!list_is_empty(pos) && until_ms(pos->prev) > p->until_ms)
		do
			pos = pos->next;
		while (until_ms(pos) <= p->until_ms);
	list_append(pos, &p->node);
}

int hold_wait(struct worker *w, const struct relay_route *route,
	      struct hold_place *p, int err, const struct addr *where)
{
	int full;

	if (uv_now(w->loop) >= p->until_ms)
		return -ETIMEDOUT;
	full = p->hold ? 0 : take_place(w, route, p, err, where);
	if (full < 0)
		return full;
	line_up(p->hold, p);
	return 0;
}

void hold_leave(struct hold_place *p)
{
	struct hold *h = p->hold;

	list_remove(&p->node);
	p->hold = NULL;
	if (!h)
		return;
	commons_end_wait(h->worker->commons);
	release(h);
}

static struct hold_place *take_first(struct list *places)
{
	struct hold_place *p =
		list_entry(places->next, struct hold_place, node);

	list_remove(&p->node);
	return p;
}

void hold_answered(struct worker *w, const struct relay_route *route)
{
	struct hold *h = find(w, route);
	struct list now;

	if (!h)
		return;
	/* The calls may let go of it, and come here again. */
	h->taken++;
	list_take(&now, &h->waiting);
	while (!list_is_empty(&now)) {
		struct hold_place *p = take_first(&now);

		p->call(p, HOLD_TRY);
	}
	release(h);
}

static bool is_over(const struct hold *h, uint64_t now_ms)
{
	return !list_is_empty(&h->waiting) &&
	       list_entry(h->waiting.next, struct hold_place, node)->until_ms <=
		       now_ms;
}

static void try_one(struct hold *h, uint64_t now_ms)
{
	struct hold_place *p = take_first(&h->waiting);

	h->backoff_ms *= 2;
	if (h->backoff_ms > BACKOFF_MOST_MS)
		h->backoff_ms = BACKOFF_MOST_MS;
	h->try_at_ms = now_ms + h->backoff_ms;
	p->call(p, HOLD_TRY);
}

void hold_tick(struct deadline *d)
{
	struct hold *h = list_entry(d, struct hold, tick);
	uint64_t now_ms = uv_now(h->worker->loop);

	h->taken++;
	while (is_over(h, now_ms)) {
		struct hold_place *p = take_first(&h->waiting);

		p->call(p, HOLD_OVER);
	}
	if (!list_is_empty(&h->waiting) && now_ms >= h->try_at_ms)
		try_one(h, now_ms);
	worker_arm(h->worker, QUEUE_HOLD, &h->tick);
	release(h);
}
