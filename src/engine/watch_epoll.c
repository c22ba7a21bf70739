#include "engine/watch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Events in one go. */
enum { EVENTS = 128 };

struct watch {
	struct list node; /* in the set's dead, once it is closed */
	struct watch_set *set;
	watch_cb cb; /* NULL once it is closed */
	void (*gone)(void *data);
	void *data;
	int fd;
	int events; /* what it waits for */
	bool added; /* the epoll set has it */
};

/* The loop lives while something is waited for. */
static void set_events(struct watch *w, int events)
{
	struct watch_set *set = w->set;
	size_t before = set->active;

	set->active += (events != 0);
	set->active -= (w->events != 0);
	w->events = events;
	if (before == 0 && set->active > 0)
		uv_ref((uv_handle_t *)&set->poll);
	if (before > 0 && set->active == 0)
		uv_unref((uv_handle_t *)&set->poll);
}

static void dispatch(const struct epoll_event *e)
{
	struct watch *w = e->data.ptr;
	int ready = 0;

	if (!w->cb)
		return;
	if (e->events & EPOLLIN)
		ready |= WATCH_READ;
	if (e->events & EPOLLOUT)
		ready |= WATCH_WRITE;
	/* A failed descriptor is reported again and again, whatever is waited
	 * for; so it leaves the set until it is asked for again. */
	if (e->events & (EPOLLERR | EPOLLHUP)) {
		epoll_ctl(w->set->epoll, EPOLL_CTL_DEL, w->fd, NULL);
		w->added = false;
		set_events(w, 0);
		ready = WATCH_READ | WATCH_WRITE;
	}
	w->cb(w->data, ready);
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

static void bury(struct watch_set *set)
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

/* No event names the dead any more: they have been dispatched. */
static void on_reap(uv_prepare_t *reaper)
{
	uv_prepare_stop(reaper);
	bury(reaper->data);
}

int watch_set_open(struct watch_set *set, uv_loop_t *loop)
{
	int err;

	set->loop = loop;
	set->active = 0;
	list_init(&set->dead);
	set->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (set->epoll < 0)
		return -errno;
	err = uv_poll_init(loop, &set->poll, set->epoll);
	if (err < 0) {
		close(set->epoll);
		return err;
	}
	uv_prepare_init(loop, &set->reaper);
	set->poll.data = set;
	set->reaper.data = set;
	set->open = 2;
	uv_poll_start(&set->poll, UV_READABLE, on_ready);
	uv_unref((uv_handle_t *)&set->poll);
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct watch_set *set = handle->data;

	if (--set->open > 0)
		return;
	bury(set);
	set->closed(set->data);
}

void watch_set_close(struct watch_set *set, void (*closed)(void *data),
		     void *data)
{
	set->closed = closed;
	set->data = data;
	uv_close((uv_handle_t *)&set->reaper, on_closed);
	uv_close((uv_handle_t *)&set->poll, on_closed);
	close(set->epoll);
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
	struct epoll_event e = {.data.ptr = w};

	if (events == w->events)
		return;
	set_events(w, events);
	if (events & WATCH_READ)
		e.events |= EPOLLIN;
	if (events & WATCH_WRITE)
		e.events |= EPOLLOUT;
	if (w->added)
		epoll_ctl(w->set->epoll, EPOLL_CTL_MOD, w->fd, &e);
	else
		w->added =
			epoll_ctl(w->set->epoll, EPOLL_CTL_ADD, w->fd, &e) == 0;
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
	if (w->added)
		epoll_ctl(w->set->epoll, EPOLL_CTL_DEL, w->fd, NULL);
	set_events(w, 0);
	w->cb = NULL;
	w->gone = gone;
	w->data = data;
	if (list_is_empty(&w->set->dead))
		uv_prepare_start(&w->set->reaper, on_reap);
	list_append(&w->set->dead, &w->node);
}
