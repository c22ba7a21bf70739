#include "engine/intake.h"

#include "engine/acceptor.h"
#include "engine/sockopts.h"
#include "os/sock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RESUME_MS = 100,      /* look for descriptors again */
	SAY_AGAIN_MS = 60000, /* one shortage is one line, not thousands */
};

struct listening {
	struct list node; /* in the intake's listening, or closed */
	struct intake *intake;
	struct acceptor *acceptor; /* NULL once it is closed */
	int fd;                    /* the acceptor's */
	struct addr bound;
	const struct relay_route *route;
	struct door_count *count; /* of its sources; NULL: they are not */
	struct deadline again;    /* while the system lets us accept none */
	bool held;                /* by intake_hold() */
	uint64_t say_after_ms;    /* no word about that before */
	bool dead;                /* it serves nobody any more */
	char *path;               /* of a Unix listener: bound's */
};

static void notice(struct intake *in, enum log_level level, const char *text)
{
	if (in->worker->options->notice)
		in->worker->options->notice(in->worker->options->data, level,
					    text);
}

static void pause_accepting(struct intake *in)
{
	struct list *pos;

	if (!in->paused)
		in->stats->pauses++;
	in->paused = true;
	list_for_each (pos, &in->listening) {
		struct listening *l = list_entry(pos, struct listening, node);

		acceptor_pause(l->acceptor);
	}
}

static void resume_accepting(struct intake *in)
{
	struct list *pos;

	if (!in->paused || in->over)
		return;
	in->paused = false;
	deadline_cancel(&in->resume);
	list_for_each (pos, &in->listening) {
		struct listening *l = list_entry(pos, struct listening, node);

		if (!l->held)
			acceptor_resume(l->acceptor);
	}
}

static void note_held(struct listening *l, bool hold)
{
	l->intake->held += (size_t)hold;
	l->intake->held -= (size_t)l->held;
	l->held = hold;
}

static void set_held(struct listening *l, bool hold)
{
	note_held(l, hold);
	if (hold)
		acceptor_pause(l->acceptor);
	else if (!l->intake->paused)
		acceptor_resume(l->acceptor);
}

void intake_hold(struct intake *in, const struct relay_route *route, bool hold)
{
	struct list *pos;

	list_for_each (pos, &in->listening) {
		struct listening *l = list_entry(pos, struct listening, node);

		if (l->route == route)
			set_held(l, hold);
	}
}

/* All listeners of a route are held, or none is. */
static bool is_held(const struct intake *in, const struct relay_route *route)
{
	struct list *pos;

	if (in->held == 0)
		return false;
	list_for_each (pos, &in->listening) {
		struct listening *l = list_entry(pos, struct listening, node);

		if (l->route == route)
			return l->held;
	}
	return false;
}

/* Say why accepting waits, at most once in a while. */
static void say_paused(struct intake *in, const char *why)
{
	uint64_t now_ms = uv_now(in->worker->loop);
	char text[256];

	if (now_ms < in->say_after_ms)
		return;
	in->say_after_ms = now_ms + SAY_AGAIN_MS;
	snprintf(text, sizeof(text),
		 "%s with %zu connections open: further clients wait in the "
		 "backlog until one ends",
		 why, in->connections.used);
	notice(in, LEVEL_WARN, text);
}

static bool may_accept(void *owner)
{
	struct listening *l = owner;
	struct intake *in = l->intake;

	if (in->paused || in->over || l->held)
		return false;
	if (!quota_is_full(&in->connections))
		return true;
	pause_accepting(in);
	say_paused(in, "at the limit (max-connections)");
	return false;
}

void intake_starved(struct intake *in, int err)
{
	pause_accepting(in);
	worker_arm(in->worker, QUEUE_RESUME, &in->resume);
	/* epoll_ctl(2) */
	say_paused(in, err == -ENOSPC ? "as many descriptors are watched as "
					"fs.epoll.max_user_watches allows,"
				      : strerror(-err));
}

static void on_resume(struct deadline *d)
{
	resume_accepting(list_entry(d, struct intake, resume));
}

void intake_give_back(struct intake *in, uint32_t source)
{
	door_left(&in->door, source);
	quota_give(&in->connections);
	/* In a shortage, who waits for a descriptor comes before new clients:
	 * they wait for the deadline. */
	if (!deadline_is_armed(&in->resume))
		resume_accepting(in);
}

/* Whoever is, leaves: this is asked last. */
static bool is_taken(const struct intake *in, const struct relay_route *route)
{
	const struct relay_options *opt = in->worker->options;

	return !opt->arrived || opt->arrived(opt->data, route);
}

static void on_accepted(void *owner, int fd, const struct addr *client)
{
	struct listening *l = owner;
	struct intake *in = l->intake;
	struct conn_origin from = {
		.client = *client,
		.local = &l->bound,
		.route = l->route,
	};

	sockopts_accepted(fd, l->bound.family);
	if (!door_lets_in(&in->door, l->count, fd, &from)) {
		sock_reset(fd);
		return;
	}
	if (!is_taken(in, l->route)) {
		door_left(&in->door, from.source);
		in->stats->refused++;
		sock_reset(fd);
		return;
	}
	quota_take(&in->connections);
	in->accepted(in->owner, fd, &from);
}

static void on_accept_failed(void *owner, int err)
{
	struct listening *l = owner;
	char text[256], where[ADDR_TEXT], said[WORKER_NOTICE];

	if (acceptor_error_passes(err)) {
		intake_starved(l->intake, err);
		return;
	}
	l->dead = true;
	snprintf(text, sizeof(text),
		 "the listener %s has died and serves nobody any more: %s",
		 addr_print(&l->bound, where), strerror(-err));
	notice(l->intake, LEVEL_ERROR, worker_about(l->route, text, said));
	if (l->intake->worker->options->listener_died)
		l->intake->worker->options->listener_died(
			l->intake->worker->options->data, &l->bound);
}

/* Each listener is asked for itself: the system may have something against one
 * alone. */
static void on_accept_refused(void *owner, int err)
{
	struct listening *l = owner;
	struct intake *in = l->intake;
	uint64_t now_ms = uv_now(in->worker->loop);
	char text[256], where[ADDR_TEXT], said[WORKER_NOTICE];

	worker_arm(in->worker, QUEUE_REFUSED, &l->again);
	if (now_ms < l->say_after_ms)
		return;
	l->say_after_ms = now_ms + SAY_AGAIN_MS;
	snprintf(text, sizeof(text),
		 "the system lets nobody be accepted at %s: %s. Clients wait "
		 "in the backlog, and it is tried again and again",
		 addr_print(&l->bound, where), strerror(-err));
	notice(in, LEVEL_WARN, worker_about(l->route, text, said));
}

static void on_accept_again(struct deadline *d)
{
	struct listening *l = list_entry(d, struct listening, again);

	if (!l->held && !l->intake->paused)
		acceptor_resume(l->acceptor);
}

static void on_check(struct deadline *d)
{
	struct intake *in = list_entry(d, struct intake, check);
	struct list *pos;

	list_for_each (pos, &in->listening) {
		struct listening *l = list_entry(pos, struct listening, node);

		acceptor_check(l->acceptor);
	}
	worker_arm(in->worker, QUEUE_CHECK, &in->check);
}

static const struct acceptor_events acceptor_events = {
	.may_accept = may_accept,
	.accepted = on_accepted,
	.failed = on_accept_failed,
	.refused = on_accept_refused,
};

static void free_listening(struct listening *l)
{
	list_remove(&l->node);
	free(l->path);
	free(l);
}

/* One that listened there before: an address that comes and goes costs memory
 * once. */
static struct listening *find_closed(struct intake *in,
				     const struct addr *bound)
{
	struct list *pos;

	list_for_each (pos, &in->closed) {
		struct listening *l = list_entry(pos, struct listening, node);

		if (addr_equal(&l->bound, bound))
			return l;
	}
	return NULL;
}

static struct listening *make_listening(struct intake *in,
					const struct addr *bound)
{
	struct listening *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	list_init(&l->node);
	deadline_init(&l->again);
	l->intake = in;
	l->bound = *bound;
	if (bound->family != AF_UNIX || !bound->path)
		return l;
	l->path = strdup(bound->path);
	l->bound.path = l->path;
	if (l->path)
		return l;
	free(l);
	return NULL;
}

static int open_listening(struct listening *l, int fd,
			  const struct relay_route *route)
{
	struct intake *in = l->intake;
	bool hold = is_held(in, route);
	int err = door_prepare(&in->door, route, &l->count);

	if (err < 0)
		return err;
	err = acceptor_open(&l->acceptor, &in->worker->watches, fd,
			    &acceptor_events, l);
	if (err < 0) {
		l->acceptor = NULL;
		door_dismiss(&in->door, l->count);
		return err;
	}
	l->fd = fd;
	l->route = route;
	l->dead = false;
	sockopts_listener(fd, l->bound.family, route->keepalive_s);
	list_remove(&l->node);
	list_append(&in->listening, &l->node);
	set_held(l, hold);
	return 0;
}

int intake_listen(struct intake *in, int fd, const struct addr *bound,
		  const struct relay_route *route)
{
	struct listening *l = find_closed(in, bound);
	int err;

	if (!l)
		l = make_listening(in, bound);
	if (!l)
		return -ENOMEM;
	err = open_listening(l, fd, route);
	if (err < 0) {
		if (list_is_empty(&l->node))
			free_listening(l);
		return err;
	}
	worker_arm(in->worker, QUEUE_CHECK, &in->check);
	return 0;
}

static void close_listening(struct listening *l)
{
	note_held(l, false);
	deadline_cancel(&l->again);
	acceptor_close(l->acceptor);
	l->acceptor = NULL;
	l->route = NULL;
	door_dismiss(&l->intake->door, l->count);
	list_remove(&l->node);
	list_append(&l->intake->closed, &l->node);
}

static struct listening *find(const struct intake *in, int fd)
{
	struct list *pos;

	list_for_each (pos, &in->listening) {
		struct listening *l = list_entry(pos, struct listening, node);

		if (l->fd == fd)
			return l;
	}
	return NULL;
}

int intake_unlisten(struct intake *in, int fd)
{
	struct listening *l = find(in, fd);

	if (!l)
		return -ENOENT;
	close_listening(l);
	return 0;
}

int intake_reroute(struct intake *in, int fd, const struct relay_route *route)
{
	struct listening *l = find(in, fd);
	struct door_count *count;
	bool hold = is_held(in, route);
	int err;

	if (!l)
		return -ENOENT;
	err = door_prepare(&in->door, route, &count);
	if (err < 0)
		return err;
	door_dismiss(&in->door, l->count);
	l->count = count;
	l->route = route;
	sockopts_listener(fd, l->bound.family, route->keepalive_s);
	set_held(l, hold);
	/* All are given another in a row: the next one is then found first. */
	list_remove(&l->node);
	list_append(&in->listening, &l->node);
	return 0;
}

const struct relay_route *intake_route(const struct intake *in, int fd)
{
	const struct listening *l = find(in, fd);

	return l ? l->route : NULL;
}

enum relay_listener_state intake_state(const struct intake *in, int fd)
{
	const struct listening *l = find(in, fd);

	if (!l || l->dead)
		return LISTENER_DEAD;
	if (l->held)
		return LISTENER_HELD;
	return in->paused || deadline_is_armed(&l->again) ? LISTENER_PAUSED
							  : LISTENER_OPEN;
}

/* Connections still point to where they were accepted, so the listener's
 * memory stays. */
void intake_close(struct intake *in)
{
	in->over = true;
	deadline_cancel(&in->resume);
	deadline_cancel(&in->check);
	door_close(&in->door);
	while (!list_is_empty(&in->listening))
		close_listening(
			list_entry(in->listening.next, struct listening, node));
}

void intake_free(struct intake *in)
{
	while (!list_is_empty(&in->closed))
		free_listening(
			list_entry(in->closed.next, struct listening, node));
	door_free(&in->door);
}

void intake_init(struct intake *in, struct worker *worker, struct stats *stats,
		 void (*accepted)(void *owner, int fd,
				  const struct conn_origin *from),
		 void *owner)
{
	*in = (struct intake){
		.worker = worker,
		.connections.limit = worker->options->max_connections,
		.stats = stats,
		.accepted = accepted,
		.owner = owner,
	};
	list_init(&in->listening);
	door_init(&in->door, worker, stats);
	list_init(&in->closed);
	deadline_init(&in->resume);
	deadline_init(&in->check);
	worker_queue(worker, QUEUE_RESUME, RESUME_MS, on_resume);
	worker_queue(worker, QUEUE_REFUSED, RESUME_MS, on_accept_again);
	worker_queue(worker, QUEUE_CHECK, worker->options->listener_check_ms,
		     on_check);
}
