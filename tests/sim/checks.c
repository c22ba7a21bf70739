#include "sim/files.h"

#include "base/proxy.h"
#include "engine/conn_state.h"

#include <string.h>

/* What the engine has promised. */

enum {
	LATE_MS = 2,       /* a deadline may be so late */
	RESET_MS = 4500,   /* a reset nobody polls is heard of, and told */
	RESUME_MS = 250,   /* a shortage is looked after again */
	ROUNDING_MS = 1000 /* of what is looked after now and then */
};

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* What the engine has read, and what it has given on, of the peer's stream. */
static uint64_t sent(const struct sock *s)
{
	return s->in_end > s->in_skip ? s->in_end - s->in_skip : 0;
}

static uint64_t given(const struct sock *s)
{
	return s->out_end > s->out_skip ? s->out_end - s->out_skip : 0;
}

void check_given(struct sock *to, const uint8_t *bytes, size_t n)
{
	uint64_t at = to->out_end;

	if (!to->mate)
		world_failed("send(%d): it is nobody's backend yet", to->fd);
	if (at + n > to->out_skip + to->mate->in_at - to->mate->in_skip)
		world_failed("send(%d): more than has been read", to->fd);
	while (n > 0) {
		size_t some = n;
		const uint8_t *due;

		if (at < to->out_skip) {
			due = &to->out_prefix[at];
			if (some > to->out_skip - at)
				some = (size_t)(to->out_skip - at);
		} else {
			due = stream_said(to->mate,
					  to->mate->in_skip + at - to->out_skip,
					  &some);
		}
		if (memcmp(bytes, due, some) != 0)
			world_failed("send(%d): wrong bytes from %llu on",
				     to->fd, (unsigned long long)at);
		bytes += some;
		at += some;
		n -= some;
	}
}

/* Everything that comes from the mate has been given, and its end is an end. */
static bool is_through(const struct sock *to)
{
	const struct sock *from = to->mate;

	return from->in_fin && from->in_at == from->in_end &&
	       given(to) == sent(from);
}

void check_end_is_due(struct sock *to, const char *what)
{
	if (!to->mate || !is_through(to))
		world_failed("%s(%d): this end is not due", what, to->fd);
}

void check_closed(struct sock *s)
{
	if (s->lingers_not || !s->mate)
		return;
	if (!s->mate->in_fin || !s->in_fin)
		world_failed("close(%d): one side has not ended", s->fd);
	if (s->state != DEAD && !is_through(s))
		world_failed("close(%d): bytes are missing", s->fd);
}

/* By when it has to be over if nothing happens. An end is something. */
uint64_t check_due_ms(const struct link *l)
{
	uint64_t since = later(l->relaying_ms, l->moved_ms);
	uint64_t idle_ms = l->route->idle_timeout_ms,
		 half_ms = l->route->half_close_timeout_ms;

	if (l->half_ms != UINT64_MAX && half_ms > 0 &&
	    (idle_ms == 0 || half_ms < idle_ms))
		return later(since, l->half_ms) + half_ms;
	return idle_ms > 0 ? since + idle_ms : UINT64_MAX;
}

static void check_direction(const struct sock *from, const struct sock *to)
{
	uint64_t left =
		from->in_end - from->in_skip + to->out_skip - to->out_end;

	if (left > 0 && stream_has_room(to))
		world_failed("lost: %llu bytes from %d could go to %d",
			     (unsigned long long)left, from->fd, to->fd);
	if (left == 0 && from->in_fin && !to->out_fin)
		world_failed("lost: the end of %d could go to %d", from->fd,
			     to->fd);
}

static void check_reset(const struct link *l, const struct sock *by)
{
	const struct sock *to = by->mate;
	uint64_t since = later(by->reset_ms, to->taken_ms);
	bool delivered = to->state == DEAD ||
			 (given(to) == sent(by) && to->out_at == to->out_end);

	since = later(later(since, to->reset_ms), l->relaying_ms);
	if (by->did_reset && by->state == DEAD && delivered &&
	    world.now_ms > since + RESET_MS)
		world_failed("the reset of %d is not heard", by->fd);
}

/* By when a backend is found, or given up: a round may begin when the time to
 * wait is nearly over, and each backend may have a name and an address that do
 * not answer. */
static uint64_t dialed_by_ms(const struct link *l)
{
	const struct relay_route *r = l->route;
	uint64_t header_ms = r->front_count > 0 ? r->proxy_timeout_ms : 0;

	return l->accepted_ms + header_ms + r->wait_for_backend_ms +
	       2 * 2 * r->count * r->connect_timeout_ms + ROUNDING_MS;
}

/* It failed behind its end, which had been passed on: epoll tells of it. */
static void check_heard(const struct sock *s)
{
	if (s->error && s->failed_late && s->mask && !s->mate->error)
		world_failed("lost: the failure of %d", s->fd);
}

static void check_link(const struct link *l)
{
	const struct sock *c = &l->client, *b = l->backend;

	if (!l->accepted || l->ended)
		return;
	if (!b) {
		if (world.now_ms > dialed_by_ms(l))
			world_failed("client %d waits for ever", l->id);
		return;
	}
	check_heard(c);
	check_heard(b);
	if (world.now_ms > LATE_MS && world.now_ms - LATE_MS > check_due_ms(l))
		world_failed("the silence of client %d has no end", l->id);
	check_reset(l, c);
	check_reset(l, b);
	if (c->state != OPEN || b->state != OPEN)
		return;
	check_direction(c, b);
	check_direction(b, c);
}

/* The engine has nothing to do: is there really nothing? */
void check_waiting(void)
{
	for (int i = 0; i < world.link_count; i++)
		check_link(&world.links[i]);
	if (world.draining && !world.freed && world.open == 0 && !world.drained)
		world_failed("lost: it is drained");
	for (int i = 0; i < world.backend_count; i++) {
		const struct sock *s = world.backends[i];

		if (!s->gone && !s->mate &&
		    (s->state == OPEN || s->state == DEAD))
			world_failed("lost: connect(%d) is decided", s->fd);
	}
	if (world.waiting > 0 && !world.held && !world.listener.gone &&
	    world.open < world.options.max_connections &&
	    world.now_ms > world.starved_ms + RESUME_MS)
		world_failed("lost: a client could be accepted");
}

static const char *wrong_reason(const struct link *l, const struct record *r)
{
	const struct sock *c = &l->client, *b = l->backend;
	uint64_t quiet_ms = later(l->relaying_ms, l->moved_ms);
	bool over = b && world.now_ms >= check_due_ms(l);
	bool front = l->route->front_count > 0;

	switch (r->reason) {
	case CLOSE_DONE:
		if (!b)
			return front && c->in_at == 0 && c->in_fin
				       ? NULL
				       : "nothing has been done";
		return c->in_fin && b->in_fin ? NULL : "a side has not ended";
	case CLOSE_CLIENT_RESET:
		if (!b)
			return c->did_reset || c->in_fin ? NULL : "it is there";
		if (!c->did_reset)
			return "it has not";
		if (b->was_reset && !b->did_reset && !over &&
		    (given(b) != sent(c) || b->out_at < b->out_end))
			return "bytes from before are missing";
		return NULL;
	case CLOSE_BACKEND_RESET:
		if (!b || !b->did_reset)
			return "it has not";
		if (c->was_reset && !c->did_reset && !over &&
		    (given(c) != sent(b) || c->out_at < c->out_end))
			return "bytes from before are missing";
		return NULL;
	case CLOSE_UNREACHABLE:
		return b ? "one was reached" : NULL;
	case CLOSE_CONNECT_TIMEOUT:
		if (b)
			return "one was reached";
		return world.now_ms >= l->accepted_ms +
					       l->route->connect_timeout_ms
			       ? NULL
			       : "too early";
	case CLOSE_IDLE:
		return b && l->route->idle_timeout_ms > 0 &&
				       world.now_ms >=
					       quiet_ms +
						       l->route->idle_timeout_ms
			       ? NULL
			       : "too early";
	case CLOSE_HALF_OPEN:
		return b && l->half_ms != UINT64_MAX &&
				       world.now_ms >=
					       later(quiet_ms, l->half_ms) +
						       l->route->half_close_timeout_ms
			       ? NULL
			       : "too early";
	case CLOSE_BAD_HEADER:
		return front && !b ? NULL : "there was no header to come";
	case CLOSE_KILLED:
		return l->killed ? NULL : "nobody wanted that";
	case CLOSE_SHUTDOWN:
		return world.draining || world.freed ? NULL : "it goes on";
	default:
		return "there was no occasion";
	}
}

void check_record(const struct record *r)
{
	int i = r->client.port - CLIENT_PORT;
	struct link *l = &world.links[i];
	const struct sock *c = &l->client, *b = l->backend;
	const char *name = close_reason_name(r->reason), *wrong;

	if (i < 0 || i >= world.link_count || !l->accepted)
		world_failed("a record of client %d: there is none", i);
	world_trace("client %d has ended: %s", i, name);
	if (l->ended)
		world_failed("client %d has ended twice", i);
	l->ended = true;
	sim_seen.ended[r->reason]++;
	if (!c->gone || (b && !b->gone))
		world_failed("client %d has ended with a socket open", i);
	if (c->lingers_not != (r->reason != CLOSE_DONE) ||
	    (b && b->lingers_not != (r->reason != CLOSE_DONE)))
		world_failed("client %d: %s, but closed otherwise", i, name);
	wrong = wrong_reason(l, r);
	if (wrong)
		world_failed("client %d: %s, but %s", i, name, wrong);
	if (r->up != (b ? given(b) : 0) || r->down != given(c))
		world_failed("client %d: wrong counts", i);
}

void check_all_over(void)
{
	for (int i = 0; i < world.link_count; i++)
		if (world.links[i].accepted && !world.links[i].ended)
			world_failed("client %d has no end", i);
	if (world.open != 0)
		world_failed("%zu connections have not left", world.open);
	for (int i = 0; i < BACKENDS_MOST_SIM; i++)
		if (world.tally[i].open != 0)
			world_failed("backend %d: its count is not zero", i);
}

/* Takes the place of conn.c's, which is sim_conn_relay() here: who belongs to
 * whom. */
void sim_conn_relay(struct conn *c);

void conn_relay(struct conn *c)
{
	struct sock *client = sock_at(c->side[CLIENT].fd, "relay"),
		    *backend = sock_at(c->side[BACKEND].fd, "relay");
	struct link *l = client->link;

	if (!l || client->mate || backend->mate || backend->state == CONNECTING)
		world_failed("relay(%d, %d): they cannot be", client->fd,
			     backend->fd);
	client->mate = backend;
	backend->mate = client;
	backend->link = l;
	l->backend = backend;
	l->relaying_ms = world.now_ms;
	backend->out_skip =
		proxy_print(backend->out_prefix, c->route->send_proxy,
			    &c->client, &client->local);
	world_trace("client %d is relayed: %d and %d", l->id, client->fd,
		    backend->fd);
	sim_conn_relay(c);
}
