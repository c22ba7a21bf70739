#include "engine/worker.h"

#include <stdio.h>

static void on_timer(uv_timer_t *timer);

static void set_timer(struct worker *w)
{
	uint64_t now_ms = uv_now(w->loop), next_ms = UINT64_MAX;

	for (int i = 0; i < QUEUES; i++) {
		uint64_t due_ms = deadline_next(&w->queue[i]);

		if (due_ms < next_ms)
			next_ms = due_ms;
	}
	for (int i = 0; i < TIMEOUTS; i++) {
		uint64_t due_ms = timeouts_next(&w->timeout[i]);

		if (due_ms < next_ms)
			next_ms = due_ms;
	}
	w->timer_due_ms = next_ms;
	if (next_ms == UINT64_MAX)
		uv_timer_stop(&w->timer);
	else
		uv_timer_start(&w->timer, on_timer,
			       next_ms > now_ms ? next_ms - now_ms : 0, 0);
}

static void on_timer(uv_timer_t *timer)
{
	struct worker *w = timer->data;
	uint64_t now_ms = uv_now(w->loop);

	for (int i = 0; i < QUEUES; i++)
		deadline_expire(&w->queue[i], now_ms);
	for (int i = 0; i < TIMEOUTS; i++)
		timeouts_expire(&w->timeout[i], now_ms);
	set_timer(w);
}

static void nobody(struct deadline *d)
{
	(void)d;
}

static void on_watch_starved(void *owner, int err)
{
	struct worker *w = owner;

	w->events->starved(w->owner, err);
}

int worker_init(struct worker *w, uv_loop_t *loop,
		const struct relay_options *options, struct commons *commons,
		const struct worker_events *events, void *owner)
{
	int err = mover_pool_init(&w->pool, options->max_pipes);

	if (err < 0)
		return err;
	err = watch_set_open(&w->watches, loop);
	if (err < 0) {
		mover_pool_free(&w->pool);
		return err;
	}
	/* It has no way to fail, and no way back: libuv closes in turns. */
	uv_timer_init(loop, &w->timer);
	w->timer.data = w;
	w->watches.starved = on_watch_starved;
	w->watches.owner = w;
	w->timer_due_ms = UINT64_MAX;
	w->loop = loop;
	w->ephemeral = sock_ephemeral();
	w->options = options;
	w->commons = commons;
	w->events = events;
	w->owner = owner;
	list_init(&w->conns);
	list_init(&w->lookups);
	list_init(&w->holds);
	backends_init(&w->backends);
	origin_init(&w->origin, (uint32_t)uv_hrtime());
	for (int i = 0; i < QUEUES; i++)
		deadline_queue_init(&w->queue[i], 0, nobody);
	for (int i = 0; i < TIMEOUTS; i++)
		timeouts_init(&w->timeout[i], nobody);
	return 0;
}

void worker_queue(struct worker *w, enum worker_queue queue, uint64_t after_ms,
		  void (*expired)(struct deadline *d))
{
	deadline_queue_init(&w->queue[queue], after_ms, expired);
}

/* A timer that is early finds nothing due and is set again; only one that would
 * be late has to be moved. */
static void see_to_timer(struct worker *w, const struct deadline *d)
{
	if (deadline_is_armed(d) && d->due_ms < w->timer_due_ms)
		set_timer(w);
}

void worker_arm(struct worker *w, enum worker_queue queue, struct deadline *d)
{
	deadline_arm(&w->queue[queue], d, uv_now(w->loop));
	see_to_timer(w, d);
}

void worker_timeout(struct worker *w, enum worker_timeout timeout,
		    void (*expired)(struct deadline *d))
{
	timeouts_init(&w->timeout[timeout], expired);
}

void worker_arm_for(struct worker *w, enum worker_timeout timeout,
		    uint64_t after_ms, struct deadline *d)
{
	timeouts_arm(&w->timeout[timeout], d, after_ms, uv_now(w->loop));
	see_to_timer(w, d);
}

void worker_notice(const struct worker *w, enum log_level level,
		   const char *text)
{
	w->events->notice(w->owner, level, text);
}

const char *worker_about(const struct relay_route *route, const char *text,
			 char buf[WORKER_NOTICE])
{
	snprintf(buf, WORKER_NOTICE, "%s%s%s%s", route->name ? "relay " : "",
		 route->name ? route->name : "", route->name ? ": " : "", text);
	return buf;
}

static void closed_one(void *data)
{
	struct worker *w = data;

	if (--w->closing > 0)
		return;
	mover_pool_free(&w->pool);
	backends_free(&w->backends);
	for (int i = 0; i < TIMEOUTS; i++)
		timeouts_free(&w->timeout[i]);
	w->events->closed(w->owner);
}

static void on_timer_closed(uv_handle_t *handle)
{
	closed_one(handle->data);
}

void worker_close(struct worker *w)
{
	/* The resolver may be at work still; its answers find nobody. */
	while (!list_is_empty(&w->lookups))
		list_remove(w->lookups.next);
	w->closing = 2;
	watch_set_close(&w->watches, closed_one, w);
	uv_close((uv_handle_t *)&w->timer, on_timer_closed);
}
