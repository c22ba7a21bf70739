#include "sim/world.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

/*
 * A libuv with one loop and a clock that is ours, as far as the engine asks for
 * it. A handle's own fields stay untouched but for those that are public.
 */

enum { HANDLES = 1024, LOOKUPS = 64 };

struct handle {
	uv_handle_t *of; /* NULL: this place is free */
	bool active, is_referenced, closing;
	union {
		uv_timer_cb timer;
		uv_prepare_cb prepare;
		uv_idle_cb idle;
		uv_poll_cb poll;
	} cb;
	uv_close_cb closed;
	uint64_t due_ms, order; /* of a timer */
	int fd, events;         /* of a poll */
};

static struct handle handles[HANDLES];
static size_t used;
static struct {
	uv_getaddrinfo_t *request;
	uv_getaddrinfo_cb cb;
	bool answered;
} lookups[LOOKUPS];
static uint64_t loop_now_ms, timer_order;

static struct handle *find(const void *of)
{
	for (size_t i = 0; i < used; i++)
		if (handles[i].of == of)
			return &handles[i];
	world_failed("libuv is given a handle that is not initialized");
}

static void *init(uv_loop_t *loop, void *handle, uv_handle_type type)
{
	uv_handle_t *h = handle;
	size_t i = 0;

	while (i < used && handles[i].of)
		i++;
	if (i == used && used++ == HANDLES)
		world_failed("%d handles", HANDLES);
	handles[i] = (struct handle){.of = h, .is_referenced = true};
	h->loop = loop;
	h->type = type;
	return &handles[i];
}

int uv_timer_init(uv_loop_t *loop, uv_timer_t *timer)
{
	init(loop, timer, UV_TIMER);
	return 0;
}

int uv_prepare_init(uv_loop_t *loop, uv_prepare_t *prepare)
{
	init(loop, prepare, UV_PREPARE);
	return 0;
}

int uv_idle_init(uv_loop_t *loop, uv_idle_t *idle)
{
	init(loop, idle, UV_IDLE);
	return 0;
}

int uv_poll_init(uv_loop_t *loop, uv_poll_t *poll, int fd)
{
	struct handle *h = init(loop, poll, UV_POLL);

	h->fd = fd;
	return 0;
}

static struct handle *start(void *handle)
{
	struct handle *h = find(handle);

	if (h->closing)
		world_failed("libuv is to start a handle that closes");
	h->active = true;
	return h;
}

static void stop(void *handle)
{
	find(handle)->active = false;
}

int uv_timer_start(uv_timer_t *timer, uv_timer_cb cb, uint64_t ms,
		   uint64_t repeat)
{
	struct handle *h = start(timer);

	(void)repeat;
	h->cb.timer = cb;
	h->due_ms = loop_now_ms + ms;
	h->order = timer_order++;
	return 0;
}

int uv_timer_stop(uv_timer_t *timer)
{
	stop(timer);
	return 0;
}

uint64_t uv_timer_get_due_in(const uv_timer_t *timer)
{
	struct handle *h = find(timer);

	return h->due_ms > loop_now_ms ? h->due_ms - loop_now_ms : 0;
}

int uv_prepare_start(uv_prepare_t *prepare, uv_prepare_cb cb)
{
	start(prepare)->cb.prepare = cb;
	return 0;
}

int uv_idle_start(uv_idle_t *idle, uv_idle_cb cb)
{
	start(idle)->cb.idle = cb;
	return 0;
}

int uv_idle_stop(uv_idle_t *idle)
{
	stop(idle);
	return 0;
}

int uv_poll_start(uv_poll_t *poll, int events, uv_poll_cb cb)
{
	struct handle *h = start(poll);

	h->cb.poll = cb;
	h->events = events;
	return 0;
}

int uv_poll_stop(uv_poll_t *poll)
{
	stop(poll);
	return 0;
}

void uv_close(uv_handle_t *handle, uv_close_cb cb)
{
	struct handle *h = find(handle);

	if (h->closing)
		world_failed("libuv is to close a handle twice");
	h->active = false;
	h->closing = true;
	h->closed = cb;
}

int uv_is_active(const uv_handle_t *handle)
{
	return find(handle)->active;
}

void uv_ref(uv_handle_t *handle)
{
	find(handle)->is_referenced = true;
}

void uv_unref(uv_handle_t *handle)
{
	find(handle)->is_referenced = false;
}

uint64_t uv_now(const uv_loop_t *loop)
{
	(void)loop;
	return loop_now_ms;
}

void uv_update_time(uv_loop_t *loop)
{
	(void)loop;
	loop_now_ms = world.now_ms;
}

uint64_t uv_hrtime(void)
{
	return world.now_ms * 1000000;
}

int uv_random(uv_loop_t *loop, uv_random_t *request, void *buf, size_t size,
	      unsigned flags, uv_random_cb cb)
{
	(void)loop;
	(void)request;
	(void)flags;
	(void)cb;
	for (size_t i = 0; i < size; i++)
		((uint8_t *)buf)[i] = (uint8_t)choose(256);
	return 0;
}

int uv_backend_fd(const uv_loop_t *loop)
{
	(void)loop;
	return LIBUV_FD;
}

static bool has_active(void)
{
	for (size_t i = 0; i < used; i++)
		if (handles[i].of && handles[i].active &&
		    handles[i].is_referenced)
			return true;
	return loop_lookups() > 0;
}

static bool any(uv_handle_type type)
{
	for (size_t i = 0; i < used; i++)
		if (handles[i].of && handles[i].active &&
		    handles[i].of->type == type)
			return true;
	return false;
}

static bool any_closing(void)
{
	for (size_t i = 0; i < used; i++)
		if (handles[i].of && handles[i].closing)
			return true;
	return false;
}

static struct handle *first_timer(void)
{
	struct handle *first = NULL;

	for (size_t i = 0; i < used; i++) {
		struct handle *h = &handles[i];

		if (!h->of || !h->active || h->of->type != UV_TIMER)
			continue;
		if (!first || h->due_ms < first->due_ms ||
		    (h->due_ms == first->due_ms && h->order < first->order))
			first = h;
	}
	return first;
}

int uv_backend_timeout(const uv_loop_t *loop)
{
	struct handle *timer = first_timer();

	(void)loop;
	if (!has_active() || any(UV_IDLE) || any_closing())
		return 0;
	if (!timer)
		return -1;
	return timer->due_ms > loop_now_ms ? (int)(timer->due_ms - loop_now_ms)
					   : 0;
}

int uv_loop_alive(const uv_loop_t *loop)
{
	(void)loop;
	return has_active() || any_closing();
}

static void run_timers(void)
{
	uint64_t last = timer_order;
	struct handle *h;

	while ((h = first_timer()) && h->due_ms <= loop_now_ms &&
	       h->order < last) {
		h->active = false;
		h->cb.timer((uv_timer_t *)h->of);
	}
}

static void run_all(uv_handle_type type)
{
	for (size_t i = 0; i < used; i++) {
		struct handle *h = &handles[i];

		if (!h->of || !h->active || h->of->type != type)
			continue;
		if (type == UV_IDLE)
			h->cb.idle((uv_idle_t *)h->of);
		else
			h->cb.prepare((uv_prepare_t *)h->of);
	}
}

/* What uv__io_poll() and uv__poll_io() make of it; -1: an error. */
static int poll_events(const struct handle *h)
{
	uint32_t events;
	int told = 0;

	if (kernel_has_ready(h->fd))
		return UV_READABLE;
	if (h->fd < FIRST_FD || kernel_is_set(h->fd))
		return 0;
	events = kernel_events_of(h->fd);
	if (events & EPOLLERR)
		return -1;
	if (events & EPOLLHUP)
		events |= EPOLLIN | EPOLLOUT | EPOLLRDHUP;
	if (events & EPOLLIN)
		told |= UV_READABLE;
	if (events & EPOLLOUT)
		told |= UV_WRITABLE;
	if (events & EPOLLRDHUP)
		told |= UV_DISCONNECT;
	return told & h->events;
}

static bool is_poll_ready(void)
{
	for (size_t i = 0; i < used; i++)
		if (handles[i].of && handles[i].active &&
		    handles[i].of->type == UV_POLL && poll_events(&handles[i]))
			return true;
	return false;
}

static bool is_lookup_answered(void)
{
	for (size_t i = 0; i < LOOKUPS; i++)
		if (lookups[i].answered)
			return true;
	return false;
}

bool loop_has_work(void)
{
	return is_lookup_answered() || world.control_due || is_poll_ready();
}

static void run_polls(void)
{
	uint32_t first = choose(used > 0 ? (uint32_t)used : 1);

	for (size_t i = 0; i < used; i++) {
		struct handle *h = &handles[(first + i) % used];
		int events;

		if (!h->of || !h->active || h->of->type != UV_POLL)
			continue;
		events = poll_events(h);
		if (events == 0)
			continue;
		if (events < 0)
			h->active = false;
		h->cb.poll((uv_poll_t *)h->of, events < 0 ? UV_EBADF : 0,
			   events < 0 ? 0 : events);
	}
}

static void close_handles(void)
{
	for (size_t i = 0; i < used; i++) {
		struct handle h = handles[i];

		if (!h.of || !h.closing)
			continue;
		handles[i].of = NULL;
		if (h.closed)
			h.closed(h.of);
	}
}

/* --- names --- */

int uv_getaddrinfo(uv_loop_t *loop, uv_getaddrinfo_t *request,
		   uv_getaddrinfo_cb cb, const char *host, const char *service,
		   const struct addrinfo *hints)
{
	(void)loop;
	(void)host;
	(void)service;
	(void)hints;
	for (size_t i = 0; i < LOOKUPS; i++) {
		if (lookups[i].request)
			continue;
		lookups[i].request = request;
		lookups[i].cb = cb;
		lookups[i].answered = false;
		sim_seen.names++;
		return 0;
	}
	return UV_ENOMEM;
}

unsigned loop_lookups(void)
{
	unsigned n = 0;

	for (size_t i = 0; i < LOOKUPS; i++)
		n += lookups[i].request != NULL;
	return n;
}

bool loop_answer(void)
{
	for (size_t i = 0; i < LOOKUPS; i++)
		if (lookups[i].request && !lookups[i].answered) {
			lookups[i].answered = true;
			return true;
		}
	return false;
}

void uv_freeaddrinfo(struct addrinfo *list)
{
	free(list);
}

static struct addrinfo *an_address(void)
{
	struct {
		struct addrinfo info;
		struct sockaddr_storage at;
	} *found = calloc(1, sizeof(*found));
	struct addr a = {.family = AF_INET};

	a.ip[0] = 127;
	a.ip[3] = (uint8_t)(1 + choose(2));
	found->info.ai_family = AF_INET;
	found->info.ai_addr = (struct sockaddr *)&found->at;
	found->info.ai_addrlen = addr_to_sockaddr(&a, &found->at);
	return &found->info;
}

static void run_answers(void)
{
	for (size_t i = 0; i < LOOKUPS; i++) {
		uv_getaddrinfo_t *request = lookups[i].request;
		bool fails;

		if (!lookups[i].answered)
			continue;
		fails = one_in(4);
		lookups[i].request = NULL;
		lookups[i].answered = false;
		lookups[i].cb(request, fails ? UV_EAI_AGAIN : 0,
			      fails ? NULL : an_address());
	}
}

int uv_run(uv_loop_t *loop, uv_run_mode mode)
{
	do {
		int timeout;

		uv_update_time(loop);
		run_timers();
		run_all(UV_IDLE);
		run_all(UV_PREPARE);
		timeout = mode == UV_RUN_NOWAIT ? 0 : uv_backend_timeout(loop);
		if (timeout != 0)
			world_wait(timeout, loop_has_work);
		uv_update_time(loop);
		run_answers();
		if (world.control_due)
			peers_control();
		run_polls();
		close_handles();
		run_timers();
	} while (mode == UV_RUN_DEFAULT && uv_loop_alive(loop));
	return uv_loop_alive(loop);
}

void loop_begin(void)
{
	memset(handles, 0, sizeof(handles));
	memset(lookups, 0, sizeof(lookups));
	used = 0;
	timer_order = 0;
	loop_now_ms = world.now_ms;
}

void loop_end(void)
{
	for (size_t i = 0; i < used; i++)
		if (handles[i].of)
			world_failed("a handle of libuv is left open");
}

/* --- threads: there is one --- */

int uv_mutex_init(uv_mutex_t *mutex)
{
	(void)mutex;
	return 0;
}

void uv_mutex_destroy(uv_mutex_t *mutex)
{
	(void)mutex;
}

void uv_mutex_lock(uv_mutex_t *mutex)
{
	(void)mutex;
}

void uv_mutex_unlock(uv_mutex_t *mutex)
{
	(void)mutex;
}

int uv_loop_init(uv_loop_t *loop)
{
	(void)loop;
	return UV_ENOSYS;
}

int uv_loop_close(uv_loop_t *loop)
{
	(void)loop;
	return 0;
}

int uv_async_init(uv_loop_t *loop, uv_async_t *async, uv_async_cb cb)
{
	(void)loop;
	(void)async;
	(void)cb;
	return UV_ENOSYS;
}

int uv_async_send(uv_async_t *async)
{
	(void)async;
	return UV_ENOSYS;
}

int uv_thread_create(uv_thread_t *thread, uv_thread_cb run, void *data)
{
	(void)thread;
	(void)run;
	(void)data;
	return UV_ENOSYS;
}

int uv_thread_join(uv_thread_t *thread)
{
	(void)thread;
	return UV_ENOSYS;
}
