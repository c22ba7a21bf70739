#include "engine/conn.h"

#include "engine/dial.h"
#include "engine/proxy_header.h"
#include "engine/pump.h"
#include "engine/watch.h"
#include "os/sock.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	PROBE_MS = 2000,   /* a reset that no poll can hear */
	PROMPT_MS = 100,   /* who ends so soon has more to hear than to say */
	SETTLED_MS = 1000, /* what lives on is worth being kept alive */
	FLUSH_MS = 5,      /* the last bytes before a reset, */
	FLUSHES = 40,      /* looked for so often; then as seldom as a probe */
};

enum conn_state { HEADER, DIALING, RELAYING, CLOSING };

/* The two sides; also the two directions, by the side they read from. */
enum { CLIENT, BACKEND, SIDES, NOBODY = SIDES };

struct side {
	int fd;
	int waits_for; /* WATCH_READ, WATCH_WRITE */
	struct watch *watch;
};

struct conn {
	struct list node; /* in the worker's conns */
	struct worker *worker;
	const struct relay_route *route;
	union {
		struct proxy_wait *header; /* while in HEADER */
		struct dial *dial;         /* while DIALING */
	};
	struct side side[SIDES];
	struct pump pump[SIDES];
	struct deadline deadline; /* idle or half-closed */
	struct deadline look;     /* settled, probe or flush */
	struct addr client, backend;
	const struct addr *local;
	uint64_t started_ms;
	int error;              /* what the lost side said */
	uint8_t state;          /* enum conn_state */
	uint8_t lost;           /* the side that has reset, or NOBODY */
	uint8_t flushes;        /* looks at its last bytes so far */
	uint8_t deadline_queue; /* where deadline was armed last */
	bool kept_alive;        /* the backend's side is */
	uint32_t source;        /* the ticket of the client's */
};

static uint64_t moved(const struct conn *c)
{
	return c->pump[CLIENT].moved + c->pump[BACKEND].moved;
}

static int family(const struct conn *c, int s)
{
	/* Of the socket: a client that a header names may be of another. */
	return s == CLIENT ? c->local->family : c->backend.family;
}

static void fill_record(const struct conn *c, enum close_reason reason,
			struct record *r)
{
	*r = (struct record){
		.client = c->client,
		.local = *c->local,
		.backend = c->backend,
		.up = c->pump[CLIENT].moved,
		.down = c->pump[BACKEND].moved,
		.duration_ms = uv_now(c->worker->loop) - c->started_ms,
		.reason = reason,
		.error = c->error,
		.source = c->source,
	};
	/* Only now, when someone will read it, ask which of its addresses a
	 * wildcard listener was reached at. */
	if (c->worker->options->ended && addr_is_wildcard(c->local))
		sock_local(c->side[CLIENT].fd, &r->local);
}

static void on_gone(void *data)
{
	free(data);
}

static void close_side(struct conn *c, int s, bool politely)
{
	struct side *side = &c->side[s];

	if (side->fd < 0)
		return;
	watch_close(side->watch, s == CLIENT ? on_gone : NULL, c);
	if (politely)
		close(side->fd);
	else
		sock_reset(side->fd);
	side->fd = -1;
}

/* End what goes on before bytes are relayed. */
static void leave_stage(struct conn *c)
{
	if (c->state == HEADER && c->header)
		proxy_cancel(c->header);
	if (c->state == DIALING && c->dial)
		dial_cancel(c->dial);
	c->dial = NULL;
}

void conn_close(struct conn *c, enum close_reason reason)
{
	struct worker *w = c->worker;
	struct record what;

	fill_record(c, reason, &what);
	leave_stage(c);
	c->state = CLOSING;
	deadline_cancel(&c->deadline);
	deadline_cancel(&c->look);
	pump_release(&c->pump[CLIENT]);
	pump_release(&c->pump[BACKEND]);
	close_side(c, BACKEND, reason == CLOSE_DONE);
	close_side(c, CLIENT, reason == CLOSE_DONE);
	list_remove(&c->node);
	w->events->ended(w->owner, c->route, &what);
}

static void fail(struct conn *c, int error, enum close_reason reason)
{
	c->error = error;
	conn_close(c, reason);
}

void conn_close_all(struct worker *w, enum close_reason reason)
{
	while (!list_is_empty(&w->conns))
		conn_close(list_entry(w->conns.next, struct conn, node),
			   reason);
}

static enum close_reason reset_by(const struct conn *c)
{
	return c->lost == CLIENT ? CLOSE_CLIENT_RESET : CLOSE_BACKEND_RESET;
}

/* Side s has reset or is lost: what it sent before is still delivered, what was
 * on its way to it has nowhere to go. */
static void lose(struct conn *c, int s, int error)
{
	if (c->lost != NOBODY) {
		/* Nobody is left to deliver to. */
		if (c->lost != s)
			conn_close(c, reset_by(c));
		return;
	}
	c->lost = (uint8_t)s;
	c->error = error;
	pump_cut(&c->pump[s]);
	/* A segment that was to wait for the end need not: none will come. */
	if (c->pump[s].src_ends && family(c, !s) != AF_UNIX)
		sock_nodelay(c->side[!s].fd);
	pump_release(&c->pump[!s]);
	c->pump[!s].wants = PUMP_END;
}

/* Has side s failed? Only for one that reading and writing do not tell of. */
static void hear_failure(struct conn *c, int s)
{
	int err = sock_failure(c->side[s].fd);

	if (err < 0)
		lose(c, s, err);
}

/* Run the direction that reads from side s. */
static void run(struct conn *c, int s)
{
	struct pump *p = &c->pump[s];
	int error = 0;

	if (c->state != RELAYING || pump_is_over(p))
		return;
	p->dst_closes = c->lost == NOBODY && pump_is_over(&c->pump[!s]);
	switch (pump_run(p, c->side[s].fd, c->side[!s].fd, &error)) {
	case PUMP_FINE:
		/* It has not been told of the end, so it had no occasion to say
		 * that it is not there any more. A Unix peer just closes. */
		if (p->wants == PUMP_END && p->dst_closes &&
		    family(c, !s) != AF_UNIX)
			hear_failure(c, !s);
		break;
	case PUMP_SRC_FAILED:
		lose(c, s, error);
		break;
	case PUMP_DST_FAILED:
		/* Gone before the end could be passed on: reading from it will
		 * tell whether it was a reset. */
		if (error != -ENOTCONN)
			lose(c, !s, error);
		break;
	case PUMP_NO_MEMORY:
		fail(c, error, CLOSE_FAILED);
		break;
	}
}

/* The lost side's last bytes have been handed on: has the other side's system
 * acknowledged them? A reset would overtake them. */
static bool is_delivered(struct conn *c)
{
	int other = c->side[!c->lost].fd;

	/* What a Unix socket has taken is with the peer already. */
	return family(c, !c->lost) == AF_UNIX || sock_unsent(other) == 0 ||
	       sock_failure(other) < 0;
}

static bool is_over(const struct conn *c)
{
	return pump_is_over(&c->pump[CLIENT]) &&
	       pump_is_over(&c->pump[BACKEND]);
}

static void wait_for(struct conn *c, int s)
{
	int events = 0;

	if (c->pump[s].wants == PUMP_SRC)
		events |= WATCH_READ;
	if (c->pump[!s].wants == PUMP_DST)
		events |= WATCH_WRITE;
	c->side[s].waits_for = events;
	if (c->pump[s].more)
		watch_more(c->side[s].watch);
	watch_for(c->side[s].watch, events);
}

static void set_deadline(struct conn *c, bool any_moved)
{
	const struct relay_options *opt = c->worker->options;
	bool half = c->pump[CLIENT].src_ended || c->pump[BACKEND].src_ended ||
		    c->lost != NOBODY;
	bool half_first = opt->idle_timeout_ms == 0 ||
			  opt->half_close_timeout_ms < opt->idle_timeout_ms;
	enum worker_queue queue = QUEUE_IDLE;

	if (half && opt->half_close_timeout_ms > 0 && half_first)
		queue = QUEUE_HALF;
	if (!any_moved && queue == c->deadline_queue)
		return;
	c->deadline_queue = (uint8_t)queue;
	worker_arm(c->worker, queue, &c->deadline);
}

/* A side that nothing is expected of is not polled, and its reset not heard. */
static void set_look(struct conn *c)
{
	if (c->lost != NOBODY && is_over(c) && c->flushes < FLUSHES)
		worker_arm(c->worker, QUEUE_FLUSH, &c->look);
	else if (c->lost != NOBODY && is_over(c))
		worker_arm(c->worker, QUEUE_PROBE, &c->look);
	else if (c->lost == NOBODY && (c->side[CLIENT].waits_for == 0 ||
				       c->side[BACKEND].waits_for == 0))
		worker_arm(c->worker, QUEUE_PROBE, &c->look);
	else if (c->kept_alive)
		deadline_cancel(&c->look);
	else
		worker_arm(c->worker, QUEUE_SETTLED, &c->look);
}

/* Something has happened: is it over, and if not, what is waited for? */
static void settle(struct conn *c, uint64_t moved_before)
{
	if (c->state != RELAYING)
		return;
	if (is_over(c) && c->lost == NOBODY) {
		conn_close(c, CLOSE_DONE);
		return;
	}
	if (is_over(c) && is_delivered(c)) {
		conn_close(c, reset_by(c));
		return;
	}
	wait_for(c, CLIENT);
	wait_for(c, BACKEND);
	set_deadline(c, moved(c) != moved_before);
	set_look(c);
}

static void on_ready(struct conn *c, int s, int ready)
{
	bool failed = ready & WATCH_FAILED && pump_is_over(&c->pump[s]);
	uint64_t before = moved(c);

	c->pump[s].src_ends |= (ready & WATCH_ENDED) != 0;
	c->pump[s].src_halts |= (ready & WATCH_URGENT) != 0;
	if (ready & WATCH_WRITE)
		run(c, !s);
	if (ready & WATCH_READ)
		run(c, s);
	if (failed && c->state == RELAYING)
		hear_failure(c, s);
	if (c->lost != NOBODY)
		run(c, c->lost);
	settle(c, before);
}

/*
 * While a backend is waited for: has the client left? TCP says the same of one
 * that has closed as of one that has only said all it has (printf | nc). Which
 * it is shows in when: the latter does it at once, behind its question.
 */
static void look_at_waiting(struct conn *c)
{
	int fd = c->side[CLIENT].fd;
	uint64_t age_ms = uv_now(c->worker->loop) - c->started_ms;
	enum sock_far_end end = sock_far_end(fd);

	if (end == SOCK_ENDED && !c->pump[CLIENT].src_ends) {
		bool asks = family(c, CLIENT) == AF_UNIX ||
			    (age_ms < PROMPT_MS && sock_has_input(fd));

		c->pump[CLIENT].src_ends = asks;
		if (!asks)
			end = SOCK_GONE;
	}
	if (end == SOCK_GONE) {
		conn_close(c, CLOSE_CLIENT_RESET);
		return;
	}
	watch_for(c->side[CLIENT].watch,
		  c->pump[CLIENT].src_ends ? 0 : WATCH_ENDED);
	/* Not every system tells of it. */
	worker_arm(c->worker, QUEUE_PROBE, &c->look);
}

static void on_dial_waits(void *data)
{
	look_at_waiting(data);
}

static void on_client_ready(void *data, int ready)
{
	struct conn *c = data;

	if (c->state == DIALING)
		look_at_waiting(c);
	else
		on_ready(c, CLIENT, ready);
}

static void on_backend_ready(void *data, int ready)
{
	on_ready(data, BACKEND, ready);
}

static void on_silence(struct deadline *d)
{
	struct conn *c = list_entry(d, struct conn, deadline);

	if (c->lost != NOBODY)
		conn_close(c, reset_by(c));
	else
		conn_close(c, c->deadline_queue == QUEUE_HALF ? CLOSE_HALF_OPEN
							      : CLOSE_IDLE);
}

/* It costs four system calls, which a connection that is gone by now has been
 * spared. The client's side has it from its listener. */
static void keep_alive(struct conn *c)
{
	unsigned keepalive_s = c->worker->options->keepalive_s;

	if (keepalive_s > 0 && !c->kept_alive && c->backend.family != AF_UNIX)
		sock_keepalive(c->side[BACKEND].fd, keepalive_s);
	c->kept_alive = true;
}

static void on_probe(struct deadline *d)
{
	struct conn *c = list_entry(d, struct conn, look);
	uint64_t before = moved(c);

	if (c->state == DIALING) {
		look_at_waiting(c);
		return;
	}
	keep_alive(c);
	for (int s = CLIENT; s < SIDES; s++)
		if (c->state == RELAYING && c->side[s].waits_for == 0)
			hear_failure(c, s);
	if (c->lost != NOBODY)
		run(c, c->lost);
	settle(c, before);
}

static void on_settled(struct deadline *d)
{
	keep_alive(list_entry(d, struct conn, look));
}

static void on_flush(struct deadline *d)
{
	struct conn *c = list_entry(d, struct conn, look);

	c->flushes++;
	settle(c, moved(c));
}

void conn_queues(struct worker *w)
{
	const struct relay_options *opt = w->options;

	dial_queues(w);
	worker_queue(w, QUEUE_HEADER, opt->proxy_timeout_ms, proxy_timed_out);
	worker_queue(w, QUEUE_IDLE, opt->idle_timeout_ms, on_silence);
	worker_queue(w, QUEUE_HALF, opt->half_close_timeout_ms, on_silence);
	worker_queue(w, QUEUE_SETTLED, SETTLED_MS, on_settled);
	worker_queue(w, QUEUE_PROBE, PROBE_MS, on_probe);
	worker_queue(w, QUEUE_FLUSH, FLUSH_MS, on_flush);
}

static void on_dialed(void *data, int error, int fd, struct watch *w,
		      const struct addr *where)
{
	struct conn *c = data;

	c->dial = NULL;
	c->backend = *where;
	if (error < 0) {
		fail(c, error,
		     error == -ETIMEDOUT ? CLOSE_CONNECT_TIMEOUT
					 : CLOSE_UNREACHABLE);
		return;
	}
	c->side[BACKEND].fd = fd;
	c->side[BACKEND].watch = w;
	watch_hand_over(w, on_backend_ready, c);
	c->state = RELAYING;
	/* Passed descriptors and credentials part what is read. */
	c->pump[CLIENT].src_halts = family(c, CLIENT) == AF_UNIX;
	c->pump[BACKEND].src_halts = family(c, BACKEND) == AF_UNIX;
	c->deadline_queue = QUEUES;
	/* The client has usually asked for something by now. */
	on_ready(c, CLIENT, WATCH_READ);
}

static const struct dial_events dial_events = {
	.over = on_dialed,
	.waits = on_dial_waits,
};

/* local: where the client came in. */
static void start_dial(struct conn *c, const struct addr *local)
{
	enum proxy_version version = c->route->send_proxy;
	int err = 0, fd = c->side[CLIENT].fd;

	c->state = DIALING;
	if (version != PROXY_NONE)
		err = proxy_introduce(&c->pump[CLIENT], version, &c->client,
				      local, fd);
	if (err == 0)
		err = dial_start(&c->dial, c->worker, c->route,
				 version != PROXY_NONE || sock_has_input(fd),
				 &dial_events, c);
	if (err < 0)
		fail(c, err, CLOSE_FAILED);
}

static void on_header(void *data, int error, const struct proxy_header *header)
{
	struct conn *c = data;

	c->header = NULL;
	watch_hand_over(c->side[CLIENT].watch, on_client_ready, c);
	/* It only looked whether someone is here. */
	if (error == -ENODATA) {
		conn_close(c, CLOSE_DONE);
	} else if (error == -EPROTO || error == -ETIMEDOUT) {
		fail(c, error, CLOSE_BAD_HEADER);
	} else if (error < 0) {
		fail(c, error, CLOSE_CLIENT_RESET);
	} else if (header->client.family == AF_UNSPEC) {
		start_dial(c, c->local);
	} else {
		c->client = header->client;
		start_dial(c, &header->local);
	}
}

static void await_header(struct conn *c)
{
	int err;

	c->state = HEADER;
	err = proxy_await(&c->header, c->worker, c->side[CLIENT].fd,
			  c->side[CLIENT].watch, on_header, c);
	if (err < 0)
		fail(c, err, CLOSE_FAILED);
}

int conn_open(struct worker *w, int fd, const struct conn_origin *from)
{
	struct conn *c = calloc(1, sizeof(*c));
	int err = c ? 0 : -ENOMEM;

	if (err == 0)
		err = watch_open(&c->side[CLIENT].watch, &w->watches, fd,
				 on_client_ready, c);
	if (err < 0) {
		sock_reset(fd);
		free(c);
		return err;
	}
	c->worker = w;
	c->route = from->route;
	c->client = from->client;
	c->local = from->local;
	c->source = from->source;
	c->side[CLIENT].fd = fd;
	c->side[BACKEND].fd = -1;
	c->lost = NOBODY;
	c->started_ms = uv_now(w->loop);
	deadline_init(&c->deadline);
	deadline_init(&c->look);
	pump_init(&c->pump[CLIENT], &w->pool);
	pump_init(&c->pump[BACKEND], &w->pool);
	list_append(&w->conns, &c->node);
	if (proxy_is_front(c->route, &c->client))
		await_header(c);
	else
		start_dial(c, c->local);
	return 0;
}
