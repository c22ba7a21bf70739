#include "matrix.h"
#include "os/sock.h"
#include "peer.h"
#include "rig.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cm.h"

/* STEPS of STEP_MS are more than LIMIT_MS, which one step is far from, whatever
 * else the machine does. */
enum { LIMIT_MS = 1000, STEP_MS = 100, STEPS = 14, LISTENERS = 4 };

static const char *const names[LISTENERS] = {"a", "b", "c", "d"};

struct ends {
	int client, backend;
};

static struct ends open_ends(struct rig *r)
{
	struct ends e = {.client = rig_connect(r), .backend = -1};

	e.backend = rig_accept(r);
	return e;
}

static void expect_cut(int fd, int family)
{
	int how = peer_end(fd);

	if (how != 0 || family != AF_UNIX)
		assert_int_equal(how, -ECONNRESET);
	close(fd);
}

static void expect_reason(struct rig *r, enum close_reason reason)
{
	struct record what = rig_record(r, 0);

	assert_string_equal(close_reason_name(what.reason),
			    close_reason_name(reason));
	assert_true(what.duration_ms >= LIMIT_MS);
}

static void an_idle_connection_is_ended_and_both_sides_told(void **state)
{
	const struct row *row = *state;
	struct rig *r = rig_new(row);
	struct ends e;

	r->route.idle_timeout_ms = LIMIT_MS;
	rig_start(r);
	e = open_ends(r);
	expect_cut(e.client, row->client_family);
	expect_cut(e.backend, row->backend_family);
	expect_reason(r, CLOSE_IDLE);
	rig_stop(r);
}

/* One byte at a time, one way only, for longer than the deadline. */
static void trickle(int from, int to, uint64_t seed)
{
	for (uint64_t i = 0; i < STEPS; i++) {
		rig_wait_ms(STEP_MS);
		assert_int_equal(peer_send(from, seed, i, 1), 0);
		assert_int_equal(peer_take(to, seed, i, 1), 0);
	}
}

static void a_connection_is_not_idle_while_a_byte_moves_either_way(void **state)
{
	struct rig *r = rig_new(*state);
	struct ends e;

	r->route.idle_timeout_ms = LIMIT_MS;
	rig_start(r);
	e = open_ends(r);
	trickle(e.client, e.backend, 1);
	trickle(e.backend, e.client, 2);
	assert_int_equal(rig_records(r), 0);
	assert_true(peer_end(e.client) <= 0);
	expect_reason(r, CLOSE_IDLE);
	close(e.client);
	close(e.backend);
	rig_stop(r);
}

/* Bytes that wait are not bytes that move. */
static void a_stalled_connection_is_idle(void **state)
{
	struct rig *r = rig_new(*state);
	struct ends e;

	r->route.idle_timeout_ms = LIMIT_MS;
	rig_start(r);
	e = open_ends(r);
	assert_true(peer_fill(e.client, 1) > 0);
	expect_reason(r, CLOSE_IDLE);
	close(e.client);
	close(e.backend);
	rig_stop(r);
}

static void a_half_closed_connection_that_falls_silent_is_ended(void **state)
{
	const struct row *row = *state;
	struct rig *r = rig_new(row);
	struct ends e;

	r->route.half_close_timeout_ms = LIMIT_MS;
	rig_start(r);
	e = open_ends(r);
	shutdown(e.client, SHUT_WR);
	assert_int_equal(peer_end(e.backend), 0);
	expect_cut(e.client, row->client_family);
	expect_reason(r, CLOSE_HALF_OPEN);
	close(e.backend);
	rig_stop(r);
}

static void half_closed_by_the_backend_is_half_closed_too(void **state)
{
	const struct row *row = *state;
	struct rig *r = rig_new(row);
	struct ends e;

	r->route.half_close_timeout_ms = LIMIT_MS;
	rig_start(r);
	e = open_ends(r);
	shutdown(e.backend, SHUT_WR);
	assert_int_equal(peer_end(e.client), 0);
	expect_cut(e.backend, row->backend_family);
	expect_reason(r, CLOSE_HALF_OPEN);
	close(e.client);
	rig_stop(r);
}

static void a_half_closed_connection_lives_while_bytes_move(void **state)
{
	struct rig *r = rig_new(*state);
	struct ends e;

	r->route.half_close_timeout_ms = LIMIT_MS;
	rig_start(r);
	e = open_ends(r);
	shutdown(e.client, SHUT_WR);
	assert_int_equal(peer_end(e.backend), 0);
	trickle(e.backend, e.client, 2);
	assert_int_equal(rig_records(r), 0);
	close(e.backend);
	assert_int_equal(peer_end(e.client), 0);
	close(e.client);
	expect_reason(r, CLOSE_DONE);
	rig_stop(r);
}

static void the_shorter_of_two_deadlines_ends_a_half_closed_one(void **state)
{
	struct rig *r = rig_new(*state);
	struct ends e;

	r->route.idle_timeout_ms = LIMIT_MS;
	r->route.half_close_timeout_ms = 60 * LIMIT_MS;
	rig_start(r);
	e = open_ends(r);
	shutdown(e.client, SHUT_WR);
	assert_int_equal(peer_end(e.backend), 0);
	expect_reason(r, CLOSE_IDLE);
	close(e.client);
	close(e.backend);
	rig_stop(r);
}

static void a_deadline_of_zero_is_none(void **state)
{
	struct rig *r = rig_new(*state);
	struct ends idle, half;

	r->route.idle_timeout_ms = 0;
	r->route.half_close_timeout_ms = 0;
	rig_start(r);
	idle = open_ends(r);
	half = open_ends(r);
	shutdown(half.client, SHUT_WR);
	assert_int_equal(peer_end(half.backend), 0);
	rig_wait_ms(2 * LIMIT_MS);
	assert_int_equal(rig_records(r), 0);
	trickle(idle.client, idle.backend, 1);
	trickle(half.backend, half.client, 2);
	assert_int_equal(rig_records(r), 0);
	close(idle.client);
	close(idle.backend);
	close(half.client);
	close(half.backend);
	assert_int_equal(rig_record(r, 0).reason, CLOSE_DONE);
	assert_int_equal(rig_record(r, 1).reason, CLOSE_DONE);
	rig_stop(r);
}

/* Each connection has the times of the listener that it came in at. */
static void each_listener_has_its_own_times(void **state)
{
	static const uint64_t idle_ms[LISTENERS] = {LIMIT_MS, 0, 3 * LIMIT_MS,
						    60 * LIMIT_MS};
	struct rig *r = rig_new(*state);
	struct relay_route routes[LISTENERS];
	int clients[LISTENERS], backends[LISTENERS];
	struct addr where[LISTENERS];

	rig_start(r);
	for (int i = 0; i < LISTENERS; i++) {
		int fd = peer_listen(r->row->client_family,
				     rig_path(r, names[i]), 8, &where[i]);

		routes[i] = r->route;
		routes[i].idle_timeout_ms = idle_ms[i];
		routes[i].half_close_timeout_ms = 2 * LIMIT_MS;
		assert_int_equal(sock_prepare(fd), 0);
		assert_int_equal(rig_serve(r, fd, &where[i], &routes[i]), 0);
	}
	for (int i = 0; i < LISTENERS; i++) {
		clients[i] = peer_connect(&where[i]);
		assert_true(clients[i] >= 0);
		backends[i] = rig_accept(r);
	}
	shutdown(clients[3], SHUT_WR);
	expect_reason(r, CLOSE_IDLE);
	assert_true(peer_end(clients[0]) <= 0);
	assert_int_equal(rig_record(r, 1).reason, CLOSE_HALF_OPEN);
	assert_true(rig_record(r, 1).duration_ms >= 2 * LIMIT_MS);
	assert_int_equal(rig_record(r, 2).reason, CLOSE_IDLE);
	assert_true(rig_record(r, 2).duration_ms >= 3 * LIMIT_MS);
	trickle(clients[1], backends[1], 1);
	assert_int_equal(rig_records(r), 3);
	for (int i = 0; i < LISTENERS; i++) {
		close(clients[i]);
		close(backends[i]);
	}
	rig_stop(r);
}

int main(void)
{
	static const struct flow_case cases[] = {
		FLOW_CASE_SIDE_BY_SIDE(
			an_idle_connection_is_ended_and_both_sides_told),
		FLOW_CASE_SIDE_BY_SIDE(
			a_connection_is_not_idle_while_a_byte_moves_either_way),
		FLOW_CASE_SIDE_BY_SIDE(a_stalled_connection_is_idle),
		FLOW_CASE_SIDE_BY_SIDE(
			a_half_closed_connection_that_falls_silent_is_ended),
		FLOW_CASE_SIDE_BY_SIDE(
			half_closed_by_the_backend_is_half_closed_too),
		FLOW_CASE_SIDE_BY_SIDE(
			a_half_closed_connection_lives_while_bytes_move),
		FLOW_CASE_SIDE_BY_SIDE(
			the_shorter_of_two_deadlines_ends_a_half_closed_one),
		FLOW_CASE_SIDE_BY_SIDE(a_deadline_of_zero_is_none),
		FLOW_CASE_SIDE_BY_SIDE(each_listener_has_its_own_times),
	};

	return FLOW_RUN("deadline", cases);
}
