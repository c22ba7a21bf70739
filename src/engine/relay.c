#include "lowport.h"

#include "engine/census.h"
#include "engine/intake.h"

#include <errno.h>
#include <stdlib.h>

enum {
	PIPES_MOST = 32, /* of 1 MiB: half of pipe-user-pages-soft */
	RESERVE = 16,    /* descriptors for all else in the process */
	THREADS_MOST = 64,
	WAITING_MOST = 1000,
};

/* Where connections go: the worker on the caller's loop, or a remote one. */
struct lane {
	struct relay *relay;
	size_t open; /* connections it has */
};

struct relay {
	struct relay_options options;
	struct worker worker; /* on the caller's loop */
	struct commons commons;
	struct intake intake;
	struct stats stats;
	struct lane lanes[THREADS_MOST];
	size_t lane_count;
	struct remote *remotes[THREADS_MOST]; /* of the lanes but the first */
	uint64_t last_id;                     /* of a connection */
	uv_timer_t grace;
	bool draining, over, freed;
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
		.listener_check_ms = 30000,
		.max_waiting = WAITING_MOST,
		.max_connections = (left - 2 * pipes) / 2,
		.max_pipes = pipes,
		.threads = 1,
	};
}

void relay_route_defaults(struct relay_route *route)
{
	*route = (struct relay_route){
		.connect_timeout_ms = 5000,
		.proxy_timeout_ms = 5000,
		.idle_timeout_ms = 0,
		.half_close_timeout_ms = 600000,
		.keepalive_s = 60,
	};
}

static void on_drain_turn(uv_timer_t *timer);

/* The last one has gone; say so from a turn of its own. */
static void check_drained(struct relay *r)
{
	if (r->draining && r->intake.connections.used == 0 && !r->over)
		uv_timer_start(&r->grace, on_drain_turn, 0, 0);
}

static void leave(const struct relay *r, const struct relay_route *route,
		  const struct record *what)
{
	if (r->options.left)
		r->options.left(r->options.data, route, what);
}

static void end(struct lane *lane, const struct relay_route *route,
		const struct record *what)
{
	struct relay *r = lane->relay;

	lane->open--;
	stats_end(&r->stats, what);
	if (r->options.ended)
		r->options.ended(r->options.data, what);
	leave(r, route, what);
	intake_give_back(&r->intake, what->source);
	check_drained(r);
}

static bool on_ended(void *owner, const struct relay_route *route,
		     const struct record *what, void *memory)
{
	(void)memory;
	end(owner, route, what);
	return true;
}

static void on_remote_ended(void *owner, const struct relay_route *route,
			    const struct record *what)
{
	end(owner, route, what);
}

static void on_starved(void *owner, int err)
{
	struct lane *lane = owner;

	if (!lane->relay->draining)
		intake_starved(&lane->relay->intake, err);
}

/* A connection that never began. */
static void on_failed(void *owner, const struct relay_route *route, int err,
		      uint32_t source)
{
	struct lane *lane = owner;

	leave(lane->relay, route, NULL);
	lane->open--;
	lane->relay->stats.open--;
	intake_give_back(&lane->relay->intake, source);
	on_starved(owner, err);
	check_drained(lane->relay);
}

static void on_notice(void *owner, enum log_level level, const char *text)
{
	const struct lane *lane = owner;
	const struct relay_options *opt = &lane->relay->options;

	if (opt->notice)
		opt->notice(opt->data, level, text);
}

static struct lane *least_loaded(struct relay *r)
{
	struct lane *least = &r->lanes[0];

	for (size_t i = 1; i < r->lane_count; i++)
		if (r->lanes[i].open < least->open)
			least = &r->lanes[i];
	return least;
}

static void on_accepted(void *owner, int fd, const struct conn_origin *from)
{
	struct relay *r = owner;
	struct lane *lane = least_loaded(r);
	size_t i = (size_t)(lane - r->lanes);
	struct conn_origin named = *from;
	int err;

	named.id = ++r->last_id;
	lane->open++;
	stats_begin(&r->stats);
	if (i > 0)
		err = remote_give(r->remotes[i - 1], fd, &named);
	else
		err = conn_open(&r->worker, fd, &named);
	if (err < 0)
		on_failed(lane, from->route, err, from->source);
}

static void close_all(struct relay *r)
{
	conn_close_all(&r->worker, CLOSE_SHUTDOWN);
	for (size_t i = 0; i + 1 < r->lane_count; i++)
		remote_close_all(r->remotes[i], CLOSE_SHUTDOWN);
}

static void on_drain_turn(uv_timer_t *timer)
{
	struct relay *r = timer->data;
	void (*drained)(void *data) = r->drained;

	if (r->intake.connections.used > 0)
		close_all(r);
	/* The remote ones say so when they are through. */
	if (r->intake.connections.used > 0)
		return;
	uv_timer_stop(&r->grace);
	r->over = true;
	watch_stop(&r->worker.watches);
	if (drained)
		drained(r->options.data);
}

void relay_drain(struct relay *r, uint64_t grace_ms,
		 void (*drained)(void *data))
{
	bool again = r->draining;

	/* Over already, and said so. */
	if (r->over)
		return;
	r->draining = true;
	r->drained = drained;
	intake_close(&r->intake);
	if (r->intake.connections.used == 0)
		grace_ms = 0;
	if (again && uv_is_active((uv_handle_t *)&r->grace) &&
	    uv_timer_get_due_in(&r->grace) <= grace_ms)
		return;
	uv_timer_start(&r->grace, on_drain_turn, grace_ms, 0);
}

int relay_listen(struct relay *r, int fd, const struct addr *bound,
		 const struct relay_route *route)
{
	int err = loops_add(&r->commons.loops, fd, bound, route);

	if (err < 0)
		return err;
	err = intake_listen(&r->intake, fd, bound, route);
	if (err < 0)
		loops_remove(&r->commons.loops, fd);
	return err;
}

bool relay_leads_back(struct relay *r, const struct relay_route *route,
		      const struct addr *to, struct addr *where)
{
	return loops_find(&r->commons.loops, route, to, uv_now(r->worker.loop),
			  where);
}

int relay_unlisten(struct relay *r, int fd)
{
	loops_remove(&r->commons.loops, fd);
	return intake_unlisten(&r->intake, fd);
}

void relay_hold(struct relay *r, const struct relay_route *route, bool hold)
{
	intake_hold(&r->intake, route, hold);
}

void relay_run(struct relay *r)
{
	struct watch_running running;

	if (!r->over)
		watch_run(&r->worker.watches, &running);
}

void relay_stats(const struct relay *r, struct stats *out)
{
	const struct commons *c = &r->commons;

	*out = r->stats;
	out->waiting = atomic_load(&c->waiting);
	out->turned_away = atomic_load(&c->turned_away);
}

int relay_reroute(struct relay *r, int fd, const struct relay_route *route)
{
	const struct relay_route *old = intake_route(&r->intake, fd);
	int err = loops_reroute(&r->commons.loops, fd, route);

	if (err < 0)
		return err;
	err = intake_reroute(&r->intake, fd, route);
	if (err < 0 && old)
		loops_reroute(&r->commons.loops, fd, old);
	return err;
}

static struct census census_of(struct relay *r)
{
	return (struct census){
		.home = &r->worker,
		.remotes = r->remotes,
		/* In relay_free() they end one by one. */
		.remote_count = r->freed ? 0 : r->lane_count - 1,
	};
}

int relay_connections(struct relay *r,
		      void (*each)(void *data,
				   const struct relay_connection *c),
		      void (*done)(void *data, int err), void *data)
{
	struct census c = census_of(r);

	return census_list(&c, each, done, data);
}

int relay_reset(struct relay *r, uint64_t id,
		void (*done)(void *data, bool found), void *data)
{
	struct census c = census_of(r);

	return census_kill(&c, id, done, data);
}

enum relay_listener_state relay_listener_state(const struct relay *r, int fd)
{
	return intake_state(&r->intake, fd);
}

static void closed_one(struct relay *r)
{
	if (--r->closing > 0)
		return;
	intake_free(&r->intake);
	commons_free(&r->commons);
	free(r);
}

static void on_worker_closed(void *owner)
{
	struct lane *lane = owner;

	closed_one(lane->relay);
}

static void on_grace_closed(uv_handle_t *handle)
{
	closed_one(handle->data);
}

static const struct worker_events worker_events = {
	.ended = on_ended,
	.starved = on_starved,
	.notice = on_notice,
	.closed = on_worker_closed,
};

static const struct remote_events remote_events = {
	.ended = on_remote_ended,
	.failed = on_failed,
	.starved = on_starved,
	.notice = on_notice,
};

/* The threads beside the caller's. On failure those that were started stay, for
 * relay_free(). */
static int start_remotes(struct relay *r)
{
	while (r->lane_count < r->options.threads) {
		struct lane *lane = &r->lanes[r->lane_count];
		int err;

		lane->relay = r;
		err = remote_start(&r->remotes[r->lane_count - 1],
				   r->worker.loop, &r->options, &r->commons,
				   &remote_events, lane);
		if (err < 0)
			return err;
		r->lane_count++;
	}
	return 0;
}

int relay_new(struct relay **out, uv_loop_t *loop,
	      const struct relay_options *opt)
{
	struct relay *r = calloc(1, sizeof(*r));
	int err = -ENOMEM;

	if (!r)
		return err;
	r->options = *opt;
	if (r->options.threads < 1)
		r->options.threads = 1;
	if (r->options.threads > THREADS_MOST)
		r->options.threads = THREADS_MOST;
	/* Each worker has a pool of its own. */
	r->options.max_pipes /= r->options.threads;
	r->lanes[0].relay = r;
	r->lane_count = 1;
	err = commons_init(&r->commons, opt->max_waiting);
	if (err < 0)
		goto free_relay;
	err = worker_init(&r->worker, loop, &r->options, &r->commons,
			  &worker_events, &r->lanes[0]);
	if (err < 0)
		goto free_commons;
	intake_init(&r->intake, &r->worker, &r->stats, on_accepted, r);
	err = uv_timer_init(loop, &r->grace);
	if (err < 0)
		goto close_worker;
	r->grace.data = r;
	conn_queues(&r->worker);
	err = start_remotes(r);
	if (err < 0) {
		relay_free(r);
		return err;
	}
	*out = r;
	return 0;

close_worker:
	r->closing = 1;
	worker_close(&r->worker);
	return err;
free_commons:
	commons_free(&r->commons);
free_relay:
	free(r);
	return err;
}

int relay_free(struct relay *r)
{
	int err = list_is_empty(&r->worker.lookups) ? 0 : -EBUSY;

	r->draining = true;
	r->freed = true;
	r->drained = NULL;
	watch_stop(&r->worker.watches);
	intake_close(&r->intake);
	for (size_t i = 0; i + 1 < r->lane_count; i++)
		if (remote_stop(r->remotes[i]) < 0)
			err = -EBUSY;
	conn_close_all(&r->worker, CLOSE_SHUTDOWN);
	r->closing = 2;
	worker_close(&r->worker);
	uv_close((uv_handle_t *)&r->grace, on_grace_closed);
	return err;
}
