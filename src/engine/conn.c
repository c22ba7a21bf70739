#include "engine/conn_state.h"

#include "engine/tally.h"
#include "os/sock.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	PROBE_MS = 2000,   /* a reset that no poll can hear */
	SETTLED_MS = 1000, /* what lives on is worth being kept alive */
	LACK_MS = 20,      /* until the system may have memory again */
	FLUSH_MS = 5,      /* the last bytes before a reset, */
	FLUSHES = 40,      /* looked for so often; then as seldom as a probe */
};

static uint64_t moved(const struct conn *c)
{
	return c->pump[CLIENT].moved + c->pump[BACKEND].moved;
}

struct addr conn_local(const struct conn *c)
{
	struct addr local = *c->local;

	if (addr_is_wildcard(&local))
		sock_local(c->side[CLIENT].fd, &local);
	return local;
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
	/* Only now, when someone will read it, is it worth asking for. */
	if (c->side[CLIENT].fd < 0)
		return;
	if (c->worker->options->ended || c->route->exact_local)
		r->local = conn_local(c);
}

/* Nobody looks at it any more. */
static void on_gone(void *data)
{
	struct conn *c = data;
	struct worker *w = c->worker;
	struct record what;

	if (!c->untold) {
		free(c);
		return;
	}
	fill_record(c, c->reason, &what);
	w->events->ended(w->owner, c->route, &what, c);
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
	if (c->chosen != CONN_NO_BACKEND)
		tally_left(conn_backend(c), what.up, what.down);
	/* The route may be gone from here on, if it is told. */
	c->reason = (uint8_t)reason;
	c->untold = true;
	if (w->events->ended(w->owner, c->route, &what, NULL))
		c->untold = false;
}

void conn_fail(struct conn *c, int error, enum close_reason reason)
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
	if (c->pump[s].src_ends && conn_family(c, !s) != AF_UNIX)
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
		    conn_family(c, !s) != AF_UNIX)
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
		conn_fail(c, error, CLOSE_FAILED);
		break;
	}
}

/* The lost side's last bytes have been handed on: has the other side's system
 * acknowledged them? A reset would overtake them. */
static bool is_delivered(struct conn *c)
{
	int other = c->side[!c->lost].fd;

	/* What a Unix socket has taken is with the peer already. */
	return conn_family(c, !c->lost) == AF_UNIX || sock_unsent(other) == 0 ||
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
	if (c->pump[!s].wants == PUMP_DST && !c->pump[!s].lacking)
		events |= WATCH_WRITE;
	c->side[s].waits_for = events;
	if (c->pump[s].more)
		watch_more(c->side[s].watch);
	watch_for(c->side[s].watch, events);
}

static void set_deadline(struct conn *c, bool any_moved)
{
	const struct relay_route *route = c->route;
	bool half = c->pump[CLIENT].src_ended || c->pump[BACKEND].src_ended ||
		    c->lost != NOBODY;
	uint64_t after_ms = route->idle_timeout_ms,
		 half_ms = route->half_close_timeout_ms;
	enum conn_silence silence = SILENCE_IDLE;

	if (half && half_ms > 0 && (after_ms == 0 || half_ms < after_ms)) {
		silence = SILENCE_HALF;
		after_ms = half_ms;
	}
	if (!any_moved && silence == c->silence)
		return;
	c->silence = (uint8_t)silence;
	worker_arm_for(c->worker, TIMEOUT_SILENCE, after_ms, &c->deadline);
}

static bool is_lacking(const struct pump *p)
{
	return p->wants == PUMP_DST && p->lacking;
}

/* A side that nothing is expected of is not polled, and its reset not heard. */
static void set_look(struct conn *c)
{
	if (is_lacking(&c->pump[CLIENT]) || is_lacking(&c->pump[BACKEND]))
		worker_arm(c->worker, QUEUE_LACK, &c->look);
	else if (c->lost != NOBODY && is_over(c) && c->flushes < FLUSHES)
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
	bool any_moved = moved(c) != moved_before;

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
	if (any_moved)
		c->moved_ticks = conn_ticks(uv_now(c->worker->loop));
	set_deadline(c, any_moved);
	set_look(c);
}

static void on_ready(struct conn *c, int s, int ready)
{
	bool was_over = pump_is_over(&c->pump[s]);
	uint64_t before = moved(c);

	c->pump[s].src_ends |= (ready & WATCH_ENDED) != 0;
	c->pump[s].src_halts |= (ready & WATCH_URGENT) != 0;
	if (ready & WATCH_WRITE)
		run(c, !s);
	if (ready & WATCH_READ)
		run(c, s);
	/* Behind its end there may be a reset, and no read tells of it. An end
	 * that was the last of all looks as if it had failed: nobody asks. */
	if (ready & WATCH_FAILED && c->state == RELAYING &&
	    pump_is_over(&c->pump[s]) && (was_over || !is_over(c)))
		hear_failure(c, s);
	if (c->lost != NOBODY)
		run(c, c->lost);
	settle(c, before);
}

static void on_client_ready(void *data, int ready)
{
	on_ready(data, CLIENT, ready);
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
		conn_close(c, c->silence == SILENCE_HALF ? CLOSE_HALF_OPEN
							 : CLOSE_IDLE);
}

/* It costs four system calls, which a connection that is gone by now has been
 * spared. The client's side has it from its listener. */
static void keep_alive(struct conn *c)
{
	unsigned keepalive_s = c->route->keepalive_s;

	if (keepalive_s > 0 && !c->kept_alive && c->backend.family != AF_UNIX)
		sock_keepalive(c->side[BACKEND].fd, keepalive_s);
	c->kept_alive = true;
}

static void on_probe(struct deadline *d)
{
	struct conn *c = list_entry(d, struct conn, look);
	uint64_t before = moved(c);

	if (c->state == DIALING) {
		conn_look_at_waiting(c);
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

static void on_lack(struct deadline *d)
{
	struct conn *c = list_entry(d, struct conn, look);
	uint64_t before = moved(c);

	for (int s = CLIENT; s < SIDES; s++)
		if (is_lacking(&c->pump[s]))
			run(c, s);
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
	dial_queues(w);
	worker_timeout(w, TIMEOUT_HEADER, proxy_timed_out);
	worker_timeout(w, TIMEOUT_SILENCE, on_silence);
	worker_queue(w, QUEUE_SETTLED, SETTLED_MS, on_settled);
	worker_queue(w, QUEUE_PROBE, PROBE_MS, on_probe);
	worker_queue(w, QUEUE_LACK, LACK_MS, on_lack);
	worker_queue(w, QUEUE_FLUSH, FLUSH_MS, on_flush);
}

void conn_relay(struct conn *c)
{
	watch_hand_over(c->side[CLIENT].watch, on_client_ready, c);
	watch_hand_over(c->side[BACKEND].watch, on_backend_ready, c);
	c->state = RELAYING;
	/* Passed descriptors and credentials part what is read. */
	c->pump[CLIENT].src_halts = conn_family(c, CLIENT) == AF_UNIX;
	c->pump[BACKEND].src_halts = conn_family(c, BACKEND) == AF_UNIX;
	/* The client has usually asked for something by now. */
	on_ready(c, CLIENT, WATCH_READ);
}
