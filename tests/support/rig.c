#include "rig.h"

#include "echo.h"
#include "os/sock.h"
#include "peer.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cm.h"

enum {
	PATHS = 8,
	BACKLOG = 512,
	STILL_CPU_MS = 50, /* most in a second, valgrind and all */
	STILL_TURNS = 150,
};

struct rig_inside {
	char dir[64];
	char *paths[PATHS];
	size_t path_count;
	int front;    /* the descriptor of the first listener, the relay's */
	int listener; /* the relay's, until it takes it */
	struct echo *echo;

	uv_loop_t loop;
	uv_async_t wake;
	uv_prepare_t turn;
	uint64_t turns;
	pthread_t thread;
	bool runs;
	struct relay *relay;

	pthread_mutex_t lock; /* for all that follows */
	pthread_cond_t changed;
	void (*call)(struct rig *r, void *data); /* to be made */
	void *call_data;
	struct record *records;
	size_t record_count;
	size_t warnings;
	unsigned drained;
};

static struct rig *alive;

uint64_t rig_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void rig_wait_ms(unsigned ms)
{
	struct timespec left = {
		.tv_sec = ms / 1000,
		.tv_nsec = (long)(ms % 1000) * 1000000,
	};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

static void on_ended(void *data, const struct record *what)
{
	struct rig *r = data;
	struct rig_inside *in = r->inside;

	pthread_mutex_lock(&in->lock);
	in->records = realloc(in->records,
			      (in->record_count + 1) * sizeof(*in->records));
	if (!in->records)
		abort();
	in->records[in->record_count++] = *what;
	pthread_cond_broadcast(&in->changed);
	pthread_mutex_unlock(&in->lock);
}

static void on_notice(void *data, enum log_level level, const char *text)
{
	struct rig *r = data;

	(void)text;
	pthread_mutex_lock(&r->inside->lock);
	if (level <= LEVEL_WARN)
		r->inside->warnings++;
	pthread_mutex_unlock(&r->inside->lock);
}

static void on_drained(void *data)
{
	struct rig *r = data;

	pthread_mutex_lock(&r->inside->lock);
	r->inside->drained++;
	pthread_cond_broadcast(&r->inside->changed);
	pthread_mutex_unlock(&r->inside->lock);
}

static void on_turn(uv_prepare_t *turn)
{
	struct rig *r = turn->data;

	r->inside->turns++;
}

static void on_wake(uv_async_t *wake)
{
	struct rig *r = wake->data;
	struct rig_inside *in = r->inside;

	pthread_mutex_lock(&in->lock);
	if (in->call) {
		void (*call)(struct rig * rig, void *data) = in->call;

		/* It may lead to a record. */
		pthread_mutex_unlock(&in->lock);
		call(r, in->call_data);
		pthread_mutex_lock(&in->lock);
		in->call = NULL;
		pthread_cond_broadcast(&in->changed);
	}
	pthread_mutex_unlock(&in->lock);
}

void rig_call(struct rig *r, void (*what)(struct rig *r, void *data),
	      void *data)
{
	struct rig_inside *in = r->inside;

	pthread_mutex_lock(&in->lock);
	in->call = what;
	in->call_data = data;
	uv_async_send(&in->wake);
	while (in->call)
		pthread_cond_wait(&in->changed, &in->lock);
	pthread_mutex_unlock(&in->lock);
}

const char *rig_path(struct rig *r, const char *name)
{
	struct rig_inside *in = r->inside;
	char *path;

	assert_true(in->path_count < PATHS);
	assert_true(asprintf(&path, "%s/%s", in->dir, name) > 0);
	in->paths[in->path_count++] = path;
	return path;
}

static int open_front(struct rig *r, const char *name, struct addr *where)
{
	int fd = peer_listen(r->row->client_family, rig_path(r, name), BACKLOG,
			     where);

	assert_true(fd >= 0);
	assert_int_equal(sock_prepare(fd), 0);
	return fd;
}

struct rig *rig_new(const struct row *row)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct rig_inside *in = calloc(1, sizeof(*in));
	const char *tmp = getenv("TMPDIR");
	const char *threads = getenv("LOWPORT_TEST_THREADS");

	assert_true(r && in);
	alive = r;
	r->row = row;
	r->inside = in;
	pthread_mutex_init(&in->lock, NULL);
	pthread_cond_init(&in->changed, NULL);
	snprintf(in->dir, sizeof(in->dir), "%s/lowport-XXXXXX",
		 tmp && strlen(tmp) < 40 ? tmp : "/tmp");
	assert_non_null(mkdtemp(in->dir));
	in->listener = open_front(r, "front", &r->front);
	r->backend = peer_listen(row->backend_family, rig_path(r, "backend"),
				 BACKLOG, &r->at.addr);
	assert_true(r->backend >= 0);
	relay_route_defaults(&r->route);
	r->route.backends = &r->at;
	r->route.count = 1;
	relay_defaults(&r->options, 8192);
	r->options.threads = threads ? (size_t)atoi(threads) : 1;
	if (!row->splice)
		r->options.max_pipes = 0;
	r->options.ended = on_ended;
	r->options.notice = on_notice;
	r->options.data = r;
	return r;
}

static void *run_loop(void *data)
{
	struct rig *r = data;

	uv_run(&r->inside->loop, UV_RUN_DEFAULT);
	return NULL;
}

void rig_start(struct rig *r)
{
	struct rig_inside *in = r->inside;

	assert_int_equal(uv_loop_init(&in->loop), 0);
	assert_int_equal(uv_async_init(&in->loop, &in->wake, on_wake), 0);
	in->wake.data = r;
	uv_prepare_init(&in->loop, &in->turn);
	in->turn.data = r;
	uv_prepare_start(&in->turn, on_turn);
	assert_int_equal(relay_new(&in->relay, &in->loop, &r->options), 0);
	assert_int_equal(
		relay_listen(in->relay, in->listener, &r->front, &r->route), 0);
	in->front = in->listener;
	in->listener = -1;
	assert_int_equal(pthread_create(&in->thread, NULL, run_loop, r), 0);
	in->runs = true;
}

struct rig *rig_run(const struct row *row)
{
	struct rig *r = rig_new(row);

	rig_start(r);
	return r;
}

void rig_echo(struct rig *r)
{
	r->inside->echo = echo_start(r->backend);
	assert_non_null(r->inside->echo);
}

static void free_relay(struct rig *r, void *data)
{
	void (**by)(struct rig * r, void *data) = data;

	if (by)
		(*by)(r, NULL);
	else
		relay_free(r->inside->relay);
	uv_close((uv_handle_t *)&r->inside->wake, NULL);
	uv_close((uv_handle_t *)&r->inside->turn, NULL);
}

static void end_rig(struct rig *r, void (**by)(struct rig *r, void *data))
{
	struct rig_inside *in = r->inside;
	int left = 0;

	alive = NULL;
	if (in->runs) {
		rig_call(r, free_relay, by);
		pthread_join(in->thread, NULL);
		left = uv_loop_close(&in->loop);
	}
	if (in->echo)
		echo_stop(in->echo);
	if (in->listener >= 0)
		close(in->listener);
	if (r->backend >= 0)
		close(r->backend);
	while (in->path_count > 0) {
		unlink(in->paths[--in->path_count]);
		free(in->paths[in->path_count]);
	}
	rmdir(in->dir);
	free(in->records);
	free(in);
	free(r);
	assert_int_equal(left, 0);
}

void rig_stop(struct rig *r)
{
	end_rig(r, NULL);
}

void rig_stop_by(struct rig *r, void (*by)(struct rig *r, void *data))
{
	end_rig(r, &by);
}

void rig_clear_up(void)
{
	if (alive)
		rig_stop(alive);
}

struct listen_call {
	int fd, err;
	struct addr where;
	const struct relay_route *route;
};

static void do_listen(struct rig *r, void *data)
{
	struct listen_call *c = data;

	c->err = relay_listen(r->inside->relay, c->fd, &c->where, c->route);
}

int rig_serve(struct rig *r, int fd, const struct addr *where,
	      const struct relay_route *route)
{
	struct listen_call c = {.fd = fd, .where = *where, .route = route};

	rig_call(r, do_listen, &c);
	return c.err;
}

int rig_listen(struct rig *r, const struct relay_route *route,
	       struct addr *where)
{
	int fd = open_front(r, "further", where);

	assert_int_equal(rig_serve(r, fd, where, route), 0);
	return fd;
}

static void do_unlisten(struct rig *r, void *data)
{
	struct listen_call *c = data;

	c->err = relay_unlisten(r->inside->relay, c->fd);
}

int rig_unlisten(struct rig *r, int fd)
{
	struct listen_call c = {.fd = fd};

	rig_call(r, do_unlisten, &c);
	return c.err;
}

static void do_reroute(struct rig *r, void *data)
{
	struct listen_call *c = data;

	c->err = relay_reroute(r->inside->relay, c->fd, c->route);
}

int rig_reroute(struct rig *r, int fd, const struct relay_route *route)
{
	struct listen_call c = {.fd = fd, .route = route};

	rig_call(r, do_reroute, &c);
	return c.err;
}

struct relay *rig_relay(const struct rig *r)
{
	return r->inside->relay;
}

int rig_front_fd(const struct rig *r)
{
	return r->inside->front;
}

int rig_connect(const struct rig *r)
{
	int fd = peer_connect(&r->front);

	if (fd < 0)
		fail_msg("the front: %s", strerror(-fd));
	return fd;
}

int rig_accept(const struct rig *r)
{
	int fd = peer_accept(r->backend);

	assert_true(fd >= 0);
	return fd;
}

void rig_expect_refused(const struct rig *r, int client)
{
	int how = peer_end(client);

	close(client);
	/* A Unix socket's reset is seen as one only if bytes were unread. */
	if (how != 0 || r->row->client_family != AF_UNIX)
		assert_int_equal(how, -ECONNRESET);
}

void rig_expect_turned_away(const struct rig *r)
{
	rig_expect_refused(r, rig_connect(r));
}

/* Wait for the next change. Returns false when nothing has come for long. */
static bool wait_for_change(struct rig_inside *in)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PEER_PATIENCE_MS / 1000;
	return pthread_cond_timedwait(&in->changed, &in->lock, &until) == 0;
}

struct record rig_record(struct rig *r, size_t n)
{
	struct rig_inside *in = r->inside;
	struct record found = {.reason = CLOSE_REASONS};

	pthread_mutex_lock(&in->lock);
	while (in->record_count <= n && wait_for_change(in))
		;
	if (in->record_count > n)
		found = in->records[n];
	pthread_mutex_unlock(&in->lock);
	if (found.reason == CLOSE_REASONS)
		fail_msg("no connection has ended");
	return found;
}

size_t rig_records(struct rig *r)
{
	size_t n;

	pthread_mutex_lock(&r->inside->lock);
	n = r->inside->record_count;
	pthread_mutex_unlock(&r->inside->lock);
	return n;
}

size_t rig_warnings(struct rig *r)
{
	size_t n;

	pthread_mutex_lock(&r->inside->lock);
	n = r->inside->warnings;
	pthread_mutex_unlock(&r->inside->lock);
	return n;
}

static void do_hold(struct rig *r, void *data)
{
	const bool *hold = data;

	relay_hold(r->inside->relay, &r->route, *hold);
}

void rig_hold(struct rig *r, bool hold)
{
	rig_call(r, do_hold, &hold);
}

static void do_drain(struct rig *r, void *data)
{
	uint64_t *grace_ms = data;

	relay_drain(r->inside->relay, *grace_ms, on_drained);
}

void rig_drain(struct rig *r, uint64_t grace_ms)
{
	rig_call(r, do_drain, &grace_ms);
}

unsigned rig_drained(struct rig *r)
{
	struct rig_inside *in = r->inside;
	unsigned times;

	pthread_mutex_lock(&in->lock);
	while (in->drained == 0 && wait_for_change(in))
		;
	times = in->drained;
	pthread_mutex_unlock(&in->lock);
	return times;
}

static void do_stats(struct rig *r, void *data)
{
	relay_stats(r->inside->relay, data);
}

struct stats rig_stats(struct rig *r)
{
	struct stats s;

	rig_call(r, do_stats, &s);
	return s;
}

static void do_cost(struct rig *r, void *data)
{
	struct rig_cost *cost = data;
	struct timespec cpu;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
	cost->cpu_ms =
		(uint64_t)cpu.tv_sec * 1000 + (uint64_t)cpu.tv_nsec / 1000000;
	cost->turns = r->inside->turns;
}

struct rig_cost rig_cost(struct rig *r)
{
	struct rig_cost cost;

	rig_call(r, do_cost, &cost);
	return cost;
}

bool rig_is_still(struct rig *r, unsigned ms)
{
	struct rig_cost before = rig_cost(r), after;
	uint64_t seconds = 1 + ms / 1000;

	rig_wait_ms(ms);
	after = rig_cost(r);
	return after.cpu_ms - before.cpu_ms < seconds * STILL_CPU_MS &&
	       after.turns - before.turns < seconds * STILL_TURNS;
}
