#include "engine/conn_state.h"

#include "engine/tally.h"
#include "os/sock.h"

#include <errno.h>
#include <stdlib.h>

/* Who ends so soon has more to hear than to say. One segment may have been lost
 * on the way. */
enum { PROMPT_MS = 500 };

/*
 * While a backend is waited for: has the client left? TCP says the same of one
 * that has closed as of one that has only said all it has (printf | nc). Which
 * it is shows in when: the latter does it at once, behind its question; or, where
 * that is not told, soon after it came.
 */
static bool has_said_all(const struct conn *c)
{
	int fd = c->side[CLIENT].fd, after_ms;

	if (conn_family(c, CLIENT) == AF_UNIX)
		return true;
	if (!sock_has_input(fd))
		return false;
	after_ms = sock_end_after_ms(fd);
	if (after_ms < 0)
		return uv_now(c->worker->loop) - c->started_ms < PROMPT_MS;
	return after_ms < PROMPT_MS;
}

void conn_look_at_waiting(struct conn *c)
{
	enum sock_far_end end = sock_far_end(c->side[CLIENT].fd);

	if (end == SOCK_ENDED && !c->pump[CLIENT].src_ends) {
		c->pump[CLIENT].src_ends = has_said_all(c);
		if (!c->pump[CLIENT].src_ends)
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
	conn_look_at_waiting(data);
}

static void on_client_waiting(void *data, int ready)
{
	(void)ready;
	conn_look_at_waiting(data);
}

static void on_dialed(void *data, int error, int fd, struct watch *w,
		      const struct addr *where, size_t which)
{
	struct conn *c = data;

	c->dial = NULL;
	c->backend = *where;
	if (error < 0) {
		conn_fail(c, error,
			  error == -ETIMEDOUT ? CLOSE_CONNECT_TIMEOUT
					      : CLOSE_UNREACHABLE);
		return;
	}
	c->side[BACKEND].fd = fd;
	c->side[BACKEND].watch = w;
	c->chosen = (uint32_t)which;
	tally_took(conn_backend(c));
	conn_relay(c);
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
		conn_fail(c, err, CLOSE_FAILED);
}

static void on_header(void *data, int error, const struct proxy_header *header)
{
	struct conn *c = data;

	c->header = NULL;
	watch_hand_over(c->side[CLIENT].watch, on_client_waiting, c);
	/* It only looked whether someone is here. */
	if (error == -ENODATA) {
		conn_close(c, CLOSE_DONE);
	} else if (error == -EPROTO || error == -ETIMEDOUT) {
		conn_fail(c, error, CLOSE_BAD_HEADER);
	} else if (error < 0) {
		conn_fail(c, error, CLOSE_CLIENT_RESET);
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
	err = proxy_await(&c->header, c->worker, c->route->proxy_timeout_ms,
			  c->side[CLIENT].fd, c->side[CLIENT].watch, on_header,
			  c);
	if (err < 0)
		conn_fail(c, err, CLOSE_FAILED);
}

int conn_open(struct worker *w, int fd, const struct conn_origin *from)
{
	struct conn *c = calloc(1, sizeof(*c));
	int err = c ? 0 : -ENOMEM;

	if (err == 0)
		err = watch_open(&c->side[CLIENT].watch, &w->watches, fd,
				 on_client_waiting, c);
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
	c->id = from->id;
	c->chosen = CONN_NO_BACKEND;
	c->started_ms = uv_now(w->loop);
	c->moved_ticks = conn_ticks(c->started_ms);
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
