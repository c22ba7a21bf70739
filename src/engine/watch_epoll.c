#include "engine/watch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	/* Events in one go. */
	EVENTS = 128,
	/* What could not be watched is tried again. */
	AGAIN_MS = 50,
	READING = EPOLLIN | EPOLLRDHUP | EPOLLPRI,
	/* What stays true of a descriptor. */
	LASTING = WATCH_ENDED | WATCH_FAILED | WATCH_URGENT,
};

struct watch {
	struct list node; /* in the set's due, lacking or dead, or in no list */
	struct watch_set *set;
	union {
		watch_cb cb;
		void (*gone)(void *data); /* once it is closed */
	};
	void *data;
	int fd;         /* -1 once it is closed */
	uint8_t events; /* what it waits for */
	uint8_t ready;  /* what it has not been called for yet */
	bool is_due;    /* it is in the set's due */
	uint32_t mask;  /* what the epoll set has it for; 0: not at all */
};

/* The loop lives while something is waited for. */
static void set_events(struct watch *w, int events)
{
	struct watch_set *set = w->set;
	size_t before = set->active;

	set->active += (events != 0);
	set->active -= (w->events != 0);
	w->events = (uint8_t)events;
	if (before == 0 && set->active > 0)
		uv_ref((uv_handle_t *)&set->turn);
	if (before > 0 && set->active == 0)
		uv_unref((uv_handle_t *)&set->turn);
}

static bool is_called_for(const struct watch *w)
{
	return w->events && w->ready & (w->events | WATCH_FAILED);
}

static void forget(struct watch *w, int ready)
{
	w->ready = (uint8_t)(w->ready & ~ready);
}

static void call(struct watch *w)
{
	int ready = w->ready & (w->events | LASTING);

	if (w->ready & WATCH_FAILED) {
		ready |= WATCH_READ | WATCH_WRITE;
		set_events(w, 0);
	}
	/* Only after a write that was told to wait is it news that writing is
	 * possible. */
	forget(w, (ready & ~LASTING) | WATCH_WRITE);
	w->cb(w->data, ready);
}

static void dispatch(const struct epoll_event *e)
{
	struct watch *w = e->data.ptr;
	int ready = 0;

	if (w->fd < 0)
		return;
	if (e->events & EPOLLIN)
		ready |= WATCH_READ;
	if (e->events & EPOLLOUT)
		ready |= WATCH_WRITE;
	if (e->events & EPOLLRDHUP)
		ready |= WATCH_READ | WATCH_ENDED;
	if (e->events & EPOLLPRI)
		ready |= WATCH_READ | WATCH_URGENT;
	if (e->events & (EPOLLERR | EPOLLHUP))
		ready |= WATCH_FAILED;
	w->ready |= (uint8_t)ready;
	/* A failure is told whether it is waited for or not. */
	if (w->ready & (w->events | WATCH_FAILED))
		call(w);
	else
		forget(w, WATCH_WRITE);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct watch_set *set = poll->data;
	struct epoll_event e[EVENTS];
	int n = epoll_wait(set->epoll, e, EVENTS, 0);

	(void)status;
	(void)events;
	for (int i = 0; i < n; i++)
		dispatch(&e[i]);
}

/* Only when no event names the dead any more. */
static void bury_dead(struct watch_set *set)
{
	while (!list_is_empty(&set->dead)) {
		struct watch *w =
			list_entry(set->dead.next, struct watch, node);

		list_remove(&w->node);
		if (w->gone)
			w->gone(w->data);
		free(w);
	}
}

static void on_hurry(uv_idle_t *hurry)
{
	(void)hurry;
}

static void make_due(struct watch *w)
{
	if (w->is_due)
		return;
	w->is_due = true;
	list_remove(&w->node);
	list_append(&w->set->due, &w->node);
	uv_idle_start(&w->set->hurry, on_hurry);
}

/* Most are never waited for to be writable; each is so at first, which would be
 * an event for nothing. Returns 0 or a negative errno. */
static int add(struct watch *w)
{
	bool writes = w->events & WATCH_WRITE;
	uint32_t mask =
		writes ? READING | EPOLLOUT | EPOLLET : READING | EPOLLET;
	struct epoll_event e = {.events = mask, .data.ptr = w};
	int how = w->mask ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (!w->events || (w->mask && !(writes && !(w->mask & EPOLLOUT))))
		return 0;
	if (epoll_ctl(w->set->epoll, how, w->fd, &e) < 0)
		return -errno;
	w->mask = mask;
	return 0;
}

static void on_again(uv_timer_t *timer);

/* No memory, or as many as one user may watch (epoll(7)): it may come. */
static void wait_for_memory(struct watch *w)
{
	struct watch_set *set = w->set;

	/* Whoever is due is called first. */
	if (w->is_due)
		return;
	list_remove(&w->node);
	list_append(&set->lacking, &w->node);
	if (!uv_is_active((uv_handle_t *)&set->again))
		uv_timer_start(&set->again, on_again, AGAIN_MS, 0);
}

static void on_again(uv_timer_t *timer)
{
	struct watch_set *set = timer->data;
	struct list now;
	int err = 0;

	list_take(&now, &set->lacking);
	while (!list_is_empty(&now)) {
		struct watch *w = list_entry(now.next, struct watch, node);
		int failed = add(w);

		list_remove(&w->node);
		if (failed == 0)
			continue;
		err = failed;
		wait_for_memory(w);
	}
	if (err < 0 && set->starved)
		set->starved(set->owner, err);
}

/* Whoever becomes due from here on is called on the next turn. */
static void call_due(struct watch_set *set)
{
	struct list now;

	list_take(&now, &set->due);
	while (!list_is_empty(&now)) {
		struct watch *w = list_entry(now.next, struct watch, node);

		list_remove(&w->node);
		w->is_due = false;
		/* It may have been lacking. */
		if (add(w) < 0)
			wait_for_memory(w);
		if (is_called_for(w))
			call(w);
	}
}

static void on_turn(uv_prepare_t *turn)
{
	struct watch_set *set = turn->data;

	uv_idle_stop(&set->hurry);
	call_due(set);
	bury_dead(set);
}

int watch_set_open(struct watch_set *set, uv_loop_t *loop)
{
	int err;

	set->loop = loop;
	set->active = 0;
	set->running = NULL;
	set->starved = NULL;
	list_init(&set->due);
	list_init(&set->dead);
	list_init(&set->lacking);
	set->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (set->epoll < 0)
		return -errno;
	err = uv_poll_init(loop, &set->poll, set->epoll);
	if (err < 0) {
		close(set->epoll);
		return err;
	}
	uv_idle_init(loop, &set->hurry);
	uv_prepare_init(loop, &set->turn);
	uv_timer_init(loop, &set->again);
	set->poll.data = set;
	set->hurry.data = set;
	set->turn.data = set;
	set->again.data = set;
	set->open = 4;
	uv_poll_start(&set->poll, UV_READABLE, on_ready);
	uv_prepare_start(&set->turn, on_turn);
	uv_unref((uv_handle_t *)&set->poll);
	uv_unref((uv_handle_t *)&set->hurry);
	uv_unref((uv_handle_t *)&set->turn);
	uv_unref((uv_handle_t *)&set->again);
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct watch_set *set = handle->data;

	if (--set->open > 0)
		return;
	bury_dead(set);
	set->closed(set->data);
}

void watch_set_close(struct watch_set *set, void (*closed)(void *data),
		     void *data)
{
	set->closed = closed;
	set->data = data;
	if (set->running)
		set->running->open = false;
	uv_close((uv_handle_t *)&set->hurry, on_closed);
	uv_close((uv_handle_t *)&set->turn, on_closed);
	uv_close((uv_handle_t *)&set->poll, on_closed);
	uv_close((uv_handle_t *)&set->again, on_closed);
	close(set->epoll);
}

/* Wait for what our own set has, libuv's descriptor in it, and let libuv have a
 * turn when there is something for it. */
static void turn(struct watch_set *set)
{
	struct epoll_event e[EVENTS];
	int timeout =
		list_is_empty(&set->due) ? uv_backend_timeout(set->loop) : 0;
	int n = epoll_wait(set->epoll, e, EVENTS, timeout);
	bool for_libuv = false;

	uv_update_time(set->loop);
	call_due(set);
	for (int i = 0; i < n; i++)
		if (e[i].data.ptr)
			dispatch(&e[i]);
		else
			for_libuv = true;
	bury_dead(set);
	uv_idle_stop(&set->hurry);
	/* 0: a timer is due, or a handle is new or closes. */
	if (for_libuv || uv_backend_timeout(set->loop) == 0)
		uv_run(set->loop, UV_RUN_NOWAIT);
}

void watch_run(struct watch_set *set, struct watch_running *running)
{
	struct epoll_event of_libuv = {.events = EPOLLIN};
	uv_loop_t *loop = set->loop;
	int fd = uv_backend_fd(loop);
	bool turned;

	*running = (struct watch_running){.on = true, .open = true};
	set->running = running;
	/* Each set in the other would be a loop, which epoll refuses. */
	uv_poll_stop(&set->poll);
	turned = epoll_ctl(set->epoll, EPOLL_CTL_ADD, fd, &of_libuv) == 0;
	if (!turned)
		uv_poll_start(&set->poll, UV_READABLE, on_ready);
	while (running->on && uv_loop_alive(loop))
		if (turned && running->open)
			turn(set);
		else
			uv_run(loop, UV_RUN_ONCE);
	if (!running->open)
		return;
	set->running = NULL;
	if (!turned)
		return;
	epoll_ctl(set->epoll, EPOLL_CTL_DEL, fd, NULL);
	uv_poll_start(&set->poll, UV_READABLE, on_ready);
	if (!list_is_empty(&set->due))
		uv_idle_start(&set->hurry, on_hurry);
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

	if (!w)
		return -ENOMEM;
	*w = (struct watch){.set = set, .fd = fd, .cb = cb, .data = data};
	list_init(&w->node);
	*out = w;
	return 0;
}

void watch_for(struct watch *w, int events)
{
	if (events != w->events)
		set_events(w, events);
	if (add(w) < 0)
		wait_for_memory(w);
	if (is_called_for(w))
		make_due(w);
}

void watch_more(struct watch *w)
{
	w->ready |= WATCH_READ;
}

void watch_hand_over(struct watch *w, watch_cb cb, void *data)
{
	w->cb = cb;
	w->data = data;
}

void watch_close(struct watch *w, void (*gone)(void *data), void *data)
{
	/* close() of the last descriptor takes it out of the set; a listener
	 * may have others, in the process that handed it over. */
	if (w->mask)
		epoll_ctl(w->set->epoll, EPOLL_CTL_DEL, w->fd, NULL);
	set_events(w, 0);
	w->is_due = false;
	w->fd = -1;
	w->gone = gone;
	w->data = data;
	list_remove(&w->node);
	list_append(&w->set->dead, &w->node);
}
