#include "lowport.h"

#include "base/quota.h"
#include "engine/acceptor.h"
#include "engine/conn.h"
#include "engine/worker.h"
#include "os/sock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RESUME_MS = 100,      /* look for descriptors again */
	SAY_AGAIN_MS = 60000, /* one shortage is one line, not thousands */
	PIPES_MOST = 32,      /* of 1 MiB: half of pipe-user-pages-soft */
	RESERVE = 16,         /* descriptors for all else in the process */
};

struct listening {
	struct list node; /* in the relay's listening */
	struct relay *relay;
	struct acceptor *acceptor; /* NULL once it is closed */
	struct addr bound;
	const struct relay_route *route;
	char *path; /* of a Unix listener: bound's */
};

struct relay {
	struct relay_options options;
	struct worker worker;
	struct quota connections;
	struct list listening;
	bool paused;
	struct deadline resume, check;
	uint64_t say_after_ms; /* no word about a shortage before */
	struct stats stats;
	uv_timer_t grace;
	bool draining;
	void (*drained)(void *data);
	unsigned closing; /* handles that libuv still has */
};

void relay_defaults(struct relay_options *opt, size_t descriptor_limit)
{
	size_t left =
		descriptor_limit > RESERVE + 2 ? descriptor_limit - RESERVE : 2;
	size_t pipes = left / 32;

	if (pipes > PIPES_MOST)
		pipes = PIPES_MOST;
	*opt = (struct relay_options){
		.connect_timeout_ms = 5000,
		.idle_timeout_ms = 0,
		.half_close_timeout_ms = 600000,
		.keepalive_s = 60,
		.listener_check_ms = 30000,
		.max_connections = (left - 2 * pipes) / 2,
		.max_pipes = pipes,
	};
}

static void notice(struct relay *r, enum log_level level, const char *text)
{
	if (r->options.notice)
		r->options.notice(r->options.data, level, text);
}

static void pause_accepting(struct relay *r)
{
	struct list *pos;

	if (!r->paused)
		r->stats.pauses++;
	r->paused = true;
	list_for_each (pos, &r->listening) {
		struct listening *l = list_entry(pos, struct listening, node);

		if (l->acceptor)
			acceptor_pause(l->acceptor);
	}
}

static void resume_accepting(struct relay *r)
{
	struct list *pos;

	if (!r->paused || r->draining)
		return;
	r->paused = false;
	deadline_cancel(&r->resume);
	list_for_each (pos, &r->listening) {
		struct listening *l = list_entry(pos, struct listening, node);

		acceptor_resume(l->acceptor);
	}
}

/* Say why accepting waits, at most once in a while. */
static void say_paused(struct relay *r, const char *why)
{
	uint64_t now_ms = uv_now(r->worker.loop);
	char text[256];

	if (now_ms < r->say_after_ms)
		return;
	r->say_after_ms = now_ms + SAY_AGAIN_MS;
	snprintf(text, sizeof(text),
		 "%s with %zu connections open: further clients wait in the "
		 "backlog until one ends",
		 why, r->connections.used);
	notice(r, LEVEL_WARN, text);
}

static bool may_accept(void *owner)
{
	struct listening *l = owner;
	struct relay *r = l->relay;

	if (r->paused || r->draining)
		return false;
	if (!quota_is_full(&r->connections))
		return true;
	pause_accepting(r);
	say_paused(r, "at the limit (max-connections)");
	return false;
}

static void on_starved(void *owner, int err)
{
	struct relay *r = owner;

	pause_accepting(r);
	worker_arm(&r->worker, QUEUE_RESUME, &r->resume);
	say_paused(r, strerror(-err));
}

static void on_resume(struct deadline *d)
{
	resume_accepting(list_entry(d, struct relay, resume));
}

/* A wildcard listener is reached at every address; the socket that it accepts
 * knows at which. */
static bool is_let_in(const struct relay_route *route, int fd)
{
	struct addr local;

	if (route->only.family == AF_UNSPEC)
		return true;
	return sock_local(fd, &local) == 0 &&
	       addr_same_ip(&local, &route->only);
}

static void on_accepted(void *owner, int fd, const struct addr *client)
{
	struct listening *l = owner;
	struct relay *r = l->relay;
	struct conn_origin from = {
		.client = *client,
		.local = &l->bound,
		.route = l->route,
	};
	int err;

	if (!is_let_in(l->route, fd)) {
		r->stats.refused++;
		sock_reset(fd);
		return;
	}
	quota_take(&r->connections);
	stats_begin(&r->stats);
	err = conn_open(&r->worker, fd, &from);
	if (err == 0)
		return;
	quota_give(&r->connections);
	r->stats.open--;
	on_starved(r, err);
}

static void on_accept_failed(void *owner, int err)
{
	struct listening *l = owner;
	char text[256], where[ADDR_TEXT];

	if (acceptor_error_passes(err)) {
		on_starved(l->relay, err);
		return;
	}
	snprintf(text, sizeof(text),
		 "the listener %s has died and serves nobody any more: %s",
		 addr_print(&l->bound, where), strerror(-err));
	notice(l->relay, LEVEL_ERROR, text);
	if (l->relay->options.listener_died)
		l->relay->options.listener_died(l->relay->options.data,
						&l->bound);
}

static void on_check(struct deadline *d)
{
	struct relay *r = list_entry(d, struct relay, check);
	struct list *pos;

	list_for_each (pos, &r->listening) {
		struct listening *l = list_entry(pos, struct listening, node);

		if (l->acceptor)
			acceptor_check(l->acceptor);
	}
	worker_arm(&r->worker, QUEUE_CHECK, &r->check);
}

static void on_drain_turn(uv_timer_t *timer);

/* The last one has gone; say so from a turn of its own. */
static void check_drained(struct relay *r)
{
	if (r->draining && r->connections.used == 0 && r->drained)
		uv_timer_start(&r->grace, on_drain_turn, 0, 0);
}

static void on_ended(void *owner, const struct record *what)
{
	struct relay *r = owner;

	quota_give(&r->connections);
	stats_end(&r->stats, what);
	if (r->options.ended)
		r->options.ended(r->options.data, what);
	/* In a shortage, who waits for a descriptor comes before new clients:
	 * they wait for the deadline. */
	if (!deadline_is_armed(&r->resume))
		resume_accepting(r);
	check_drained(r);
}

static void on_drain_turn(uv_timer_t *timer)
{
	struct relay *r = timer->data;
	void (*drained)(void *data) = r->drained;

	conn_close_all(&r->worker, CLOSE_SHUTDOWN);
	uv_timer_stop(&r->grace);
	r->drained = NULL;
	if (drained)
		drained(r->options.data);
}

/* Connections still point to where they were accepted, so the listener's
 * memory stays. */
static void close_listeners(struct relay *r)
{
	struct list *pos;

	list_for_each (pos, &r->listening) {
		struct listening *l = list_entry(pos, struct listening, node);

		if (l->acceptor)
			acceptor_close(l->acceptor);
		l->acceptor = NULL;
	}
}

void relay_drain(struct relay *r, uint64_t grace_ms,
		 void (*drained)(void *data))
{
	bool again = r->draining;

	/* Over already, and said so. */
	if (again && !uv_is_active((uv_handle_t *)&r->grace))
		return;
	r->draining = true;
	r->drained = drained;
	deadline_cancel(&r->resume);
	deadline_cancel(&r->check);
	close_listeners(r);
	if (r->connections.used == 0)
		grace_ms = 0;
	if (again && uv_timer_get_due_in(&r->grace) <= grace_ms)
		return;
	uv_timer_start(&r->grace, on_drain_turn, grace_ms, 0);
}

static const struct acceptor_events acceptor_events = {
	.may_accept = may_accept,
	.accepted = on_accepted,
	.failed = on_accept_failed,
};

/* What is accepted inherits these, which saves setting them each time. Where
 * they cannot be set, they are not needed. */
static void set_inherited(const struct relay *r, int fd)
{
	sock_nodelay(fd);
	sock_inline_urgent(fd);
	if (r->options.keepalive_s > 0)
		sock_keepalive(fd, r->options.keepalive_s);
}

int relay_listen(struct relay *r, int fd, const struct addr *bound,
		 const struct relay_route *route)
{
	struct listening *l = calloc(1, sizeof(*l));
	int err = -ENOMEM;

	if (!l)
		return err;
	l->relay = r;
	l->route = route;
	l->bound = *bound;
	if (bound->family == AF_UNIX && bound->path) {
		l->path = strdup(bound->path);
		if (!l->path)
			goto free_listening;
		l->bound.path = l->path;
	}
	err = acceptor_open(&l->acceptor, r->worker.loop, fd, &acceptor_events,
			    l);
	if (err < 0)
		goto free_path;
	set_inherited(r, fd);
	list_append(&r->listening, &l->node);
	worker_arm(&r->worker, QUEUE_CHECK, &r->check);
	if (!r->paused)
		acceptor_resume(l->acceptor);
	return 0;

free_path:
	free(l->path);
free_listening:
	free(l);
	return err;
}

static void free_listening(struct relay *r)
{
	while (!list_is_empty(&r->listening)) {
		struct listening *l =
			list_entry(r->listening.next, struct listening, node);

		list_remove(&l->node);
		free(l->path);
		free(l);
	}
}

static void closed_one(struct relay *r)
{
	if (--r->closing > 0)
		return;
	free_listening(r);
	free(r);
}

static void on_worker_closed(void *owner)
{
	closed_one(owner);
}

static void on_grace_closed(uv_handle_t *handle)
{
	closed_one(handle->data);
}

static const struct worker_events worker_events = {
	.ended = on_ended,
	.starved = on_starved,
	.closed = on_worker_closed,
};

int relay_new(struct relay **out, uv_loop_t *loop,
	      const struct relay_options *opt)
{
	struct relay *r = calloc(1, sizeof(*r));
	int err = -ENOMEM;

	if (!r)
		return err;
	r->options = *opt;
	r->connections.limit = opt->max_connections;
	list_init(&r->listening);
	deadline_init(&r->resume);
	deadline_init(&r->check);
	err = worker_init(&r->worker, loop, &r->options, &worker_events, r);
	if (err < 0)
		goto free_relay;
	err = uv_timer_init(loop, &r->grace);
	if (err < 0)
		goto close_worker;
	r->grace.data = r;
	conn_queues(&r->worker);
	worker_queue(&r->worker, QUEUE_RESUME, RESUME_MS, on_resume);
	worker_queue(&r->worker, QUEUE_CHECK, opt->listener_check_ms, on_check);
	*out = r;
	return 0;

close_worker:
	r->closing = 1;
	worker_close(&r->worker);
	return err;
free_relay:
	free(r);
	return err;
}

void relay_stats(const struct relay *r, struct stats *out)
{
	*out = r->stats;
}

void relay_free(struct relay *r)
{
	r->draining = true;
	r->drained = NULL;
	deadline_cancel(&r->resume);
	deadline_cancel(&r->check);
	close_listeners(r);
	conn_close_all(&r->worker, CLOSE_SHUTDOWN);
	r->closing = 2;
	worker_close(&r->worker);
	uv_close((uv_handle_t *)&r->grace, on_grace_closed);
}
