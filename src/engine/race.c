#include "engine/race.h"

#include "engine/sockopts.h"
#include "os/netif.h"
#include "os/sock.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* One port in so many networks of them, and still none: enough. */
enum { ORIGINS_MOST = 16 };

static void go_on(struct race *r);

void race_init(struct race *r, struct worker *w,
	       const struct relay_route *route, bool speaks_first,
	       void (*over)(struct race *r, int error))
{
	r->worker = w;
	r->route = route;
	r->speaks_first = speaks_first;
	r->over = over;
	r->fd = -1;
	deadline_init(&r->stagger);
	for (int i = 0; i < RACE_LANES; i++) {
		struct race_lane *l = &r->lanes[i];

		l->race = r;
		l->fd = -1;
		deadline_init(&l->timeout);
		deadline_init(&l->retry);
	}
}

static void end_lane(struct race_lane *l)
{
	deadline_cancel(&l->timeout);
	deadline_cancel(&l->retry);
	if (l->watch)
		watch_close(l->watch, NULL, NULL);
	l->watch = NULL;
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	l->busy = false;
}

void race_cancel(struct race *r)
{
	deadline_cancel(&r->stagger);
	for (int i = 0; i < RACE_LANES; i++)
		end_lane(&r->lanes[i]);
}

static bool is_running(const struct race *r)
{
	for (int i = 0; i < RACE_LANES; i++)
		if (r->lanes[i].busy)
			return true;
	return false;
}

static struct race_lane *free_lane(struct race *r)
{
	for (int i = 0; i < RACE_LANES; i++)
		if (!r->lanes[i].busy)
			return &r->lanes[i];
	return NULL;
}

/* Can it be that it is only not there yet? */
static bool may_come(int error)
{
	return error == -ECONNREFUSED || error == -ENOENT ||
	       error == -ETIMEDOUT;
}

static void note_failure(struct race *r, const struct addr *to, int error)
{
	r->refused |= may_come(error);
	/* Of several, the one that has to be mended. */
	if (r->error == -ELOOP)
		return;
	r->error = error;
	r->where = *to;
}

static void win(struct race_lane *l)
{
	struct race *r = l->race;

	r->where = l->to;
	r->fd = l->fd;
	r->watch = l->watch;
	l->fd = -1;
	l->watch = NULL;
	race_cancel(r);
}

static void fail_lane(struct race_lane *l, int error)
{
	end_lane(l);
	note_failure(l->race, &l->to, error);
	go_on(l->race);
}

/* Nobody listens, and the port that the system chose for our end was the one
 * that we connect to: TCP then connects a socket to itself (RFC 793, 3.4). */
static bool is_itself(const struct race_lane *l)
{
	const struct sock_ports *chosen = &l->race->worker->ephemeral;
	struct addr local;

	return l->to.family != AF_UNIX && l->to.port >= chosen->first &&
	       l->to.port <= chosen->last && sock_local(l->fd, &local) == 0 &&
	       addr_equal(&local, &l->to);
}

/* The socket is writable: the connection is decided. */
static void on_decided(void *data, int ready)
{
	struct race_lane *l = data;
	int err = ready & WATCH_FAILED ? sock_error(l->fd) : 0;

	if (err == 0 && is_itself(l))
		err = -ECONNREFUSED;
	if (err < 0) {
		fail_lane(l, err);
		return;
	}
	win(l);
	l->race->over(l->race, 0);
}

/* Is it a shortage of ours that may pass, rather than an answer? */
static bool is_shortage(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOBUFS ||
	       err == -ENOMEM;
}

static int open_socket(struct race_lane *l)
{
	int err, fd = sock_open(l->to.family);

	if (fd < 0)
		return fd;
	sockopts_backend(fd, l->to.family, l->race->speaks_first);
	err = watch_open(&l->watch, &l->race->worker->watches, fd, on_decided,
			 l);
	if (err < 0) {
		close(fd);
		return err;
	}
	l->fd = fd;
	return 0;
}

static int connect_from(struct race_lane *l, const struct addr *from)
{
	int err = sock_source(l->fd, from);

	return err < 0 ? err : sock_connect(l->fd, &l->to);
}

static void say_spread(const struct race_lane *l)
{
	struct worker *w = l->race->worker;
	char text[256], to[ADDR_TEXT];

	if (!commons_may_say(w->commons, SAY_PORTS, uv_now(w->loop)))
		return;
	snprintf(text, sizeof(text),
		 "no local port is left for connections to %s: for a while "
		 "they come from other addresses of 127.0.0.0/8",
		 addr_print(&l->to, to));
	worker_notice(w, LEVEL_INFO, text);
}

/* Without IPv6 ::1 is not available either. */
static void say_no_ports(const struct race_lane *l)
{
	struct worker *w = l->race->worker;
	char text[384], to[ADDR_TEXT];

	if ((addr_is_loopback(&l->to) && !netif_is_local(&l->to)) ||
	    !commons_may_say(w->commons, SAY_NO_PORTS, uv_now(w->loop)))
		return;
	snprintf(text, sizeof(text),
		 "no local port is left for connections to %s, and clients "
		 "are turned away (the system keeps each port for a while "
		 "after its connection). A Unix backend needs none: --to "
		 "unix:/path",
		 addr_print(&l->to, to));
	worker_notice(w, LEVEL_WARN, text);
}

/* Like sock_connect(), from whichever source has a port left. */
static int connect_somehow(struct race_lane *l)
{
	struct worker *w = l->race->worker;
	uint64_t now_ms = uv_now(w->loop);
	struct addr from;
	int err;

	if (!origin_is_spread(&w->origin, &l->to, now_ms)) {
		err = sock_connect(l->fd, &l->to);
	} else {
		from = origin_next(&w->origin);
		err = connect_from(l, &from);
	}
	if (err != -EADDRNOTAVAIL || l->to.family == AF_UNIX)
		return err;
	for (int i = 0; i < ORIGINS_MOST && origin_can_spread(&l->to); i++) {
		from = origin_next(&w->origin);
		err = connect_from(l, &from);
		if (err != -EADDRNOTAVAIL && err != -ENOTSUP) {
			origin_spread(&w->origin, now_ms);
			say_spread(l);
			return err;
		}
	}
	say_no_ports(l);
	return -EADDRNOTAVAIL;
}

/* Returns 0 if it is connected, -EINPROGRESS if that is not decided yet, or
 * what went wrong. */
static int attempt(struct race_lane *l)
{
	struct worker *w = l->race->worker;
	int err = l->fd < 0 ? open_socket(l) : 0;

	if (is_shortage(err)) {
		w->events->starved(w->owner, err);
		worker_arm(w, QUEUE_RETRY, &l->retry);
		return -EINPROGRESS;
	}
	if (err == 0)
		err = connect_somehow(l);
	if (err == -EINPROGRESS)
		watch_for(l->watch, WATCH_WRITE);
	/* The backlog of a Unix listener is full: nothing will tell when it no
	 * longer is. */
	if (err == -EAGAIN) {
		worker_arm(w, QUEUE_RETRY, &l->retry);
		return -EINPROGRESS;
	}
	return err;
}

/* The same address again; its timeout runs on. */
void race_retry(struct deadline *d)
{
	struct race_lane *l = list_entry(d, struct race_lane, retry);
	int err = attempt(l);

	if (err == -EINPROGRESS)
		return;
	if (err < 0) {
		fail_lane(l, err);
		return;
	}
	win(l);
	l->race->over(l->race, 0);
}

void race_timed_out(struct deadline *d)
{
	fail_lane(list_entry(d, struct race_lane, timeout), -ETIMEDOUT);
}

static int start_lane(struct race_lane *l, const struct addr *to)
{
	struct race *r = l->race;
	int err;

	l->to = *to;
	if (loops_lead_back(&r->worker->commons->loops, r->route, to,
			    uv_now(r->worker->loop)))
		return -ELOOP;
	l->busy = true;
	worker_arm_for(r->worker, TIMEOUT_CONNECT, r->route->connect_timeout_ms,
		       &l->timeout);
	err = attempt(l);
	if (err < 0 && err != -EINPROGRESS)
		end_lane(l);
	return err;
}

/* Start the next one that does not fail at once. Returns as race_start(). */
static int start_next(struct race *r)
{
	deadline_cancel(&r->stagger);
	while (r->next < r->count) {
		struct race_lane *l = free_lane(r);
		int err;

		if (!l)
			return -EINPROGRESS;
		err = start_lane(l, &r->addrs[r->next++]);
		if (err == 0) {
			win(l);
			return 0;
		}
		if (err == -EINPROGRESS) {
			if (r->next < r->count)
				worker_arm(r->worker, QUEUE_STAGGER,
					   &r->stagger);
			return err;
		}
		note_failure(r, &l->to, err);
	}
	return is_running(r) ? -EINPROGRESS : r->error;
}

static void go_on(struct race *r)
{
	int err = start_next(r);

	if (err != -EINPROGRESS)
		r->over(r, err);
}

void race_stagger(struct deadline *d)
{
	go_on(list_entry(d, struct race, stagger));
}

int race_start(struct race *r, const struct addr *addrs, size_t count)
{
	r->addrs = addrs;
	r->count = count;
	r->next = 0;
	r->error = -ENXIO;
	r->where = (struct addr){.family = AF_UNSPEC};
	r->refused = false;
	return start_next(r);
}
