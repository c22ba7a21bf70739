#include "matrix.h"
#include "peer.h"
#include "rig.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cm.h"

enum { LIMIT_MS = 500, STEP_MS = 100, STEPS = 8 };

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
static void trickle(struct rig *r, int from, int to, uint64_t seed)
{
	for (uint64_t i = 0; i < STEPS; i++) {
		rig_wait_ms(STEP_MS);
		assert_int_equal(peer_send(from, seed, i, 1), 0);
		assert_int_equal(peer_take(to, seed, i, 1), 0);
	}
	assert_int_equal(rig_records(r), 0);
}

static void a_connection_is_not_idle_while_a_byte_moves_either_way(void **state)
{
	struct rig *r = rig_new(*state);
	struct ends e;

	r->route.idle_timeout_ms = LIMIT_MS;
	rig_start(r);
	e = open_ends(r);
	trickle(r, e.client, e.backend, 1);
	trickle(r, e.backend, e.client, 2);
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
	trickle(r, e.backend, e.client, 2);
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
	trickle(r, idle.client, idle.backend, 1);
	trickle(r, half.backend, half.client, 2);
	close(idle.client);
	close(idle.backend);
	close(half.client);
	close(half.backend);
	assert_int_equal(rig_record(r, 0).reason, CLOSE_DONE);
	assert_int_equal(rig_record(r, 1).reason, CLOSE_DONE);
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
	};

	return FLOW_RUN("deadline", cases);
}
