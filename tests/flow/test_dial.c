#include "matrix.h"
#include "peer.h"
#include "rig.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cm.h"

enum { FILLERS = 16, HEALTHY = 20, LOST = 5, SOON_MS = 500 };

/* A backend that neither answers nor refuses: its backlog is full. */
struct black_hole {
	struct addr addr;
	int listener, fillers[FILLERS], count;
};

static void dig(struct black_hole *hole, int family, const char *path)
{
	hole->listener = peer_listen(family, path, 0, &hole->addr);
	assert_true(hole->listener >= 0);
	hole->count = peer_fill_backlog(&hole->addr, hole->fillers, FILLERS);
	assert_true(hole->count < FILLERS);
}

static void close_fillers(struct black_hole *hole)
{
	while (hole->count > 0)
		close(hole->fillers[--hole->count]);
}

static void fill_in(struct black_hole *hole)
{
	close_fillers(hole);
	close(hole->listener);
}

static void expect_reason(const struct record *what, enum close_reason reason)
{
	assert_string_equal(close_reason_name(what->reason),
			    close_reason_name(reason));
}

static void a_backend_that_refuses_looks_refused(void **state)
{
	const struct row *row = *state;
	struct rig *r = rig_new(row);
	int nobody = peer_refuse(row->backend_family, rig_path(r, "nobody"),
				 &r->at.addr);
	struct record what;

	rig_start(r);
	rig_expect_turned_away(r);
	what = rig_record(r, 0);
	expect_reason(&what, CLOSE_UNREACHABLE);
	assert_int_equal(what.error, -ECONNREFUSED);
	assert_true(addr_equal(&what.backend, &r->at.addr));
	close(nobody);
	rig_stop(r);
}

static void echo_once(struct rig *r, uint64_t seed)
{
	int client = rig_connect(r), backend;

	assert_int_equal(peer_send(client, seed, 0, 1000), 0);
	backend = rig_accept(r);
	assert_int_equal(peer_take(backend, seed, 0, 1000), 0);
	assert_int_equal(peer_send(backend, seed, 0, 1000), 0);
	close(backend);
	assert_int_equal(peer_take(client, seed, 0, 1000), 0);
	assert_int_equal(peer_end(client), 0);
	close(client);
}

static void the_next_backend_is_tried_when_one_refuses(void **state)
{
	const struct row *row = *state;
	struct rig *r = rig_new(row);
	struct relay_backend two[2] = {{.host = NULL}, r->at};
	int nobody = peer_refuse(row->backend_family, rig_path(r, "nobody"),
				 &two[0].addr);
	struct record what;

	r->route.backends = two;
	r->route.count = 2;
	rig_start(r);
	echo_once(r, 1);
	what = rig_record(r, 0);
	expect_reason(&what, CLOSE_DONE);
	assert_true(addr_equal(&what.backend, &r->at.addr));
	assert_int_equal(what.error, 0);
	close(nobody);
	rig_stop(r);
}

static void a_backend_that_does_not_answer_is_passed_over(void **state)
{
	const struct row *row = *state;
	struct rig *r = rig_new(row);
	struct relay_backend two[2] = {{.host = NULL}, r->at};
	struct black_hole hole;
	struct record what;

	dig(&hole, row->backend_family, rig_path(r, "hole"));
	two[0].addr = hole.addr;
	r->route.backends = two;
	r->route.count = 2;
	r->route.connect_timeout_ms = 400;
	rig_start(r);
	echo_once(r, 1);
	what = rig_record(r, 0);
	expect_reason(&what, CLOSE_DONE);
	assert_true(what.duration_ms >= 400);
	assert_true(addr_equal(&what.backend, &r->at.addr));
	fill_in(&hole);
	rig_stop(r);
}

/* Of the first so many records. */
static size_t count_reasons(struct rig *r, size_t records,
			    enum close_reason reason)
{
	size_t n = 0;

	for (size_t i = 0; i < records; i++)
		n += rig_record(r, i).reason == reason;
	return n;
}

static void a_backend_that_does_not_answer_delays_nobody_else(void **state)
{
	const struct row *row = *state;
	struct rig *r = rig_new(row);
	struct black_hole hole;
	struct relay_backend nowhere = {.host = NULL};
	struct relay_route lost;
	struct addr front;
	int clients[LOST];

	dig(&hole, row->backend_family, rig_path(r, "hole"));
	nowhere.addr = hole.addr;
	r->route.connect_timeout_ms = 1500;
	lost = r->route;
	lost.backends = &nowhere;
	rig_start(r);
	rig_listen(r, &lost, &front);
	for (int i = 0; i < LOST; i++) {
		clients[i] = peer_connect(&front);
		assert_true(clients[i] >= 0);
	}
	for (uint64_t i = 0; i < HEALTHY; i++) {
		uint64_t began_ms = rig_now_ms();

		echo_once(r, i);
		assert_true(rig_now_ms() - began_ms < SOON_MS);
	}
	for (int i = 0; i < LOST; i++) {
		rig_expect_refused(r, clients[i]);
	}
	assert_int_equal(count_reasons(r, HEALTHY + LOST, CLOSE_DONE), HEALTHY);
	assert_int_equal(
		count_reasons(r, HEALTHY + LOST, CLOSE_CONNECT_TIMEOUT), LOST);
	fill_in(&hole);
	rig_stop(r);
}

static void a_full_backlog_is_waited_for_and_then_served(void **state)
{
	const struct row *row = *state;
	struct rig *r = rig_new(row);
	struct black_hole hole;
	int client, backend;

	dig(&hole, row->backend_family, rig_path(r, "hole"));
	r->at.addr = hole.addr;
	rig_start(r);
	client = rig_connect(r);
	assert_int_equal(peer_send(client, 3, 0, 1), 0);
	rig_wait_ms(200);
	assert_int_equal(rig_records(r), 0);
	/* Those that filled it come first, and say nothing. */
	close_fillers(&hole);
	do {
		backend = peer_accept(hole.listener);
		assert_true(backend >= 0);
		if (peer_take(backend, 3, 0, 1) == 0)
			break;
		close(backend);
	} while (true);
	close(backend);
	assert_int_equal(peer_end(client), 0);
	close(client);
	assert_int_equal(rig_record(r, 0).reason, CLOSE_DONE);
	fill_in(&hole);
	rig_stop(r);
}

static void localhost_reaches_a_backend_on_either_address(void **state)
{
	const struct row *row = *state;
	struct rig *r;
	struct record what;

	if (row->backend_family == AF_UNIX)
		FLOW_SKIP("a Unix backend has no name");
	r = rig_new(row);
	r->at.host = "localhost";
	rig_start(r);
	echo_once(r, 1);
	what = rig_record(r, 0);
	expect_reason(&what, CLOSE_DONE);
	assert_int_equal(what.backend.family, row->backend_family);
	assert_int_equal(what.backend.port, r->at.addr.port);
	rig_stop(r);
}

static void a_name_is_looked_up_for_each_connection(void **state)
{
	const struct row *row = *state;
	struct rig *r;

	if (row->backend_family == AF_UNIX)
		FLOW_SKIP("a Unix backend has no name");
	r = rig_new(row);
	/* The resolver gets these too, and needs no network for them. */
	r->at.host = row->backend_family == AF_INET ? "127.0.0.1" : "::1";
	rig_start(r);
	for (size_t i = 0; i < 3; i++) {
		echo_once(r, i);
		assert_int_equal(rig_record(r, i).reason, CLOSE_DONE);
	}
	rig_stop(r);
}

static void a_name_that_does_not_exist_looks_refused(void **state)
{
	const struct row *row = *state;
	struct rig *r = rig_new(row);
	char too_long[300]; /* no resolver needs to ask anyone about it */
	struct record what;

	memset(too_long, 'a', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	r->at.host = too_long;
	rig_start(r);
	rig_expect_turned_away(r);
	what = rig_record(r, 0);
	expect_reason(&what, CLOSE_UNREACHABLE);
	assert_true(what.error < 0);
	assert_int_equal(what.backend.family, AF_UNSPEC);
	rig_stop(r);
}

static void the_next_backend_is_tried_when_a_name_does_not_exist(void **state)
{
	struct rig *r = rig_new(*state);
	char too_long[300];
	struct relay_backend two[2] = {{.host = too_long}, r->at};

	memset(too_long, 'a', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	r->route.backends = two;
	r->route.count = 2;
	rig_start(r);
	echo_once(r, 1);
	assert_int_equal(rig_record(r, 0).reason, CLOSE_DONE);
	rig_stop(r);
}

int main(void)
{
	static const struct flow_case cases[] = {
		FLOW_CASE(a_backend_that_refuses_looks_refused),
		FLOW_CASE(the_next_backend_is_tried_when_one_refuses),
		FLOW_CASE_SIDE_BY_SIDE(
			a_backend_that_does_not_answer_is_passed_over),
		FLOW_CASE_SIDE_BY_SIDE(
			a_backend_that_does_not_answer_delays_nobody_else),
		FLOW_CASE_SIDE_BY_SIDE(
			a_full_backlog_is_waited_for_and_then_served),
		FLOW_CASE(localhost_reaches_a_backend_on_either_address),
		FLOW_CASE(a_name_is_looked_up_for_each_connection),
		FLOW_CASE(a_name_that_does_not_exist_looks_refused),
		FLOW_CASE(the_next_backend_is_tried_when_a_name_does_not_exist),
	};

	return FLOW_RUN("dial", cases);
}
