#include "engine/watch.h"

#include <stdlib.h>

struct watch {
	uv_poll_t poll;
	watch_cb cb;
	void (*gone)(void *data);
	void *data;
	int events;
};

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct watch *w = poll->data;
	int ready = 0;

	if (status < 0) {
		/* libuv has stopped polling it. */
		w->events = 0;
		ready = WATCH_READ | WATCH_WRITE;
		events = 0;
	}
	if (events & UV_READABLE)
		ready |= WATCH_READ;
	/* A socket that has failed is writable, and nothing more is told. */
	if (events & UV_WRITABLE)
		ready |= WATCH_WRITE;
	if (ready & WATCH_WRITE)
		ready |= WATCH_FAILED;
	if (events & UV_DISCONNECT)
		ready |= WATCH_ENDED;
	w->cb(w->data, ready);
}

int watch_set_open(struct watch_set *set, uv_loop_t *loop)
{
	int err = uv_prepare_init(loop, &set->turn);

	set->loop = loop;
	set->turn.data = set;
	set->running = NULL;
	set->starved = NULL;
	return err;
}

static void on_set_closed(uv_handle_t *handle)
{
	struct watch_set *set = handle->data;

	set->closed(set->data);
}

/* The handle is there for this alone: to call back from a later turn. */
void watch_set_close(struct watch_set *set, void (*closed)(void *data),
		     void *data)
{
	set->closed = closed;
	set->data = data;
	if (set->running)
		set->running->open = false;
	uv_close((uv_handle_t *)&set->turn, on_set_closed);
}

void watch_run(struct watch_set *set, struct watch_running *running)
{
	uv_loop_t *loop = set->loop;

	*running = (struct watch_running){.on = true, .open = true};
	set->running = running;
	while (running->on && uv_run(loop, UV_RUN_ONCE))
		continue;
	if (running->open)
		set->running = NULL;
}

void watch_stop(struct watch_set *set)
{
	if (set->running)
		set->running->on = false;
}

int watch_open(struct watch **out, struct watch_set *set, int fd, watch_cb cb,
	       void *data)
{
	struct watch *w = malloc(sizeof(*w));
	int err;

	if (!w)
		return UV_ENOMEM;
	err = uv_poll_init(set->loop, &w->poll, fd);
	if (err < 0) {
		free(w);
		return err;
	}
	w->poll.data = w;
	w->cb = cb;
	w->data = data;
	w->gone = NULL;
	w->events = 0;
	*out = w;
	return 0;
}

void watch_for(struct watch *w, int events)
{
	int mask = 0;

	if (events == w->events)
		return;
	w->events = events;
	if (events & WATCH_READ)
		mask |= UV_READABLE;
	if (events & WATCH_WRITE)
		mask |= UV_WRITABLE;
	/* On macOS this alone is not told (kqueue.c). */
	if (events & WATCH_ENDED)
		mask |= UV_DISCONNECT;
	if (mask)
		uv_poll_start(&w->poll, mask, on_ready);
	else
		uv_poll_stop(&w->poll);
}

/* It is called as long as there is something to be read. */
void watch_more(struct watch *w)
{
	(void)w;
}

void watch_hand_over(struct watch *w, watch_cb cb, void *data)
{
	w->cb = cb;
	w->data = data;
}

static void on_closed(uv_handle_t *handle)
{
	struct watch *w = handle->data;

	if (w->gone)
		w->gone(w->data);
	free(w);
}

void watch_close(struct watch *w, void (*gone)(void *data), void *data)
{
	w->gone = gone;
	w->data = data;
	uv_close((uv_handle_t *)&w->poll, on_closed);
}
