#include "matrix.h"
#include "peer.h"
#include "rig.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cm.h"

enum { LONG_MS = 60000, GRACE_MS = 300, SOON_MS = 5000 };

static void expect_cut(int fd, int family)
{
	int how = peer_end(fd);

	if (how != 0 || family != AF_UNIX)
		assert_int_equal(how, -ECONNRESET);
	close(fd);
}

static void nobody_new_comes_in_and_those_inside_finish(void **state)
{
	struct rig *r = rig_run(*state);
	int client = rig_connect(r), backend = rig_accept(r);

	rig_drain(r, LONG_MS);
	assert_int_equal(peer_connect(&r->front), -ECONNREFUSED);
	assert_int_equal(peer_send(client, 1, 0, 100000), 0);
	shutdown(client, SHUT_WR);
	assert_int_equal(peer_take(backend, 1, 0, 100000), 0);
	assert_int_equal(peer_end(backend), 0);
	assert_int_equal(peer_send(backend, 2, 0, 100000), 0);
	close(backend);
	assert_int_equal(peer_take(client, 2, 0, 100000), 0);
	assert_int_equal(peer_end(client), 0);
	close(client);
	assert_int_equal(rig_drained(r), 1);
	assert_int_equal(rig_records(r), 1);
	assert_int_equal(rig_record(r, 0).reason, CLOSE_DONE);
	rig_stop(r);
}

static void with_nobody_inside_it_is_over_at_once(void **state)
{
	struct rig *r = rig_run(*state);
	uint64_t began_ms = rig_now_ms();

	rig_drain(r, LONG_MS);
	assert_int_equal(rig_drained(r), 1);
	assert_true(rig_now_ms() - began_ms < SOON_MS);
	rig_stop(r);
}

static void those_left_when_the_grace_is_over_are_reset(void **state)
{
	const struct row *row = *state;
	struct rig *r = rig_run(row);
	int client = rig_connect(r), backend = rig_accept(r);
	struct record what;

	rig_drain(r, GRACE_MS);
	assert_int_equal(rig_drained(r), 1);
	expect_cut(client, row->client_family);
	expect_cut(backend, row->backend_family);
	what = rig_record(r, 0);
	assert_int_equal(what.reason, CLOSE_SHUTDOWN);
	assert_true(what.duration_ms >= GRACE_MS);
	rig_stop(r);
}

static void a_second_word_ends_the_grace_at_once(void **state)
{
	const struct row *row = *state;
	struct rig *r = rig_run(row);
	int client = rig_connect(r), backend = rig_accept(r);
	uint64_t began_ms = rig_now_ms();

	rig_drain(r, LONG_MS);
	rig_drain(r, 0);
	assert_int_equal(rig_drained(r), 1);
	assert_true(rig_now_ms() - began_ms < SOON_MS);
	expect_cut(client, row->client_family);
	expect_cut(backend, row->backend_family);
	assert_int_equal(rig_record(r, 0).reason, CLOSE_SHUTDOWN);
	rig_stop(r);
}

static void a_second_word_never_lengthens_the_grace(void **state)
{
	struct rig *r = rig_run(*state);
	int client = rig_connect(r), backend = rig_accept(r);
	uint64_t began_ms = rig_now_ms();

	rig_drain(r, GRACE_MS);
	rig_drain(r, LONG_MS);
	assert_int_equal(rig_drained(r), 1);
	assert_true(rig_now_ms() - began_ms < SOON_MS);
	close(client);
	close(backend);
	rig_stop(r);
}

static void it_is_over_only_once(void **state)
{
	struct rig *r = rig_run(*state);

	rig_drain(r, LONG_MS);
	assert_int_equal(rig_drained(r), 1);
	rig_drain(r, 0);
	rig_wait_ms(20);
	rig_cost(r);
	assert_int_equal(rig_drained(r), 1);
	rig_stop(r);
}

static void one_who_is_still_dialed_is_reset_with_the_others(void **state)
{
	enum { FILLERS = 8 };
	const struct row *row = *state;
	struct rig *r = rig_new(row);
	int fillers[FILLERS], client;
	int listener = peer_listen(row->backend_family, rig_path(r, "hole"), 0,
				   &r->at.addr);
	int count = peer_fill_backlog(&r->at.addr, fillers, FILLERS);

	assert_true(listener >= 0);
	rig_start(r);
	client = rig_connect(r);
	while (rig_stats(r).open == 0)
		;
	rig_drain(r, 0);
	expect_cut(client, row->client_family);
	assert_int_equal(rig_drained(r), 1);
	assert_int_equal(rig_record(r, 0).reason, CLOSE_SHUTDOWN);
	while (count > 0)
		close(fillers[--count]);
	close(listener);
	rig_stop(r);
}

/* In every state that one can be in; the sanitizers look for what is left. */
static void freeing_the_relay_leaves_nothing_behind(void **state)
{
	const struct row *row = *state;
	struct rig *r = rig_run(row);
	int idle = rig_connect(r), idle_backend = rig_accept(r);
	int full = rig_connect(r), full_backend = rig_accept(r);
	int half = rig_connect(r), half_backend = rig_accept(r);
	/* Its name is being looked up, or not even that. */
	struct relay_backend named = {.host = "127.0.0.1"};
	struct relay_route by_name = {.backends = &named, .count = 1};
	struct addr further;
	int fresh;

	rig_listen(r, &by_name, &further);
	peer_fill(full, 1);
	shutdown(half, SHUT_WR);
	assert_int_equal(peer_end(half_backend), 0);
	fresh = peer_connect(&further);
	rig_stop(r);
	expect_cut(idle, row->client_family);
	expect_cut(idle_backend, row->backend_family);
	assert_true(peer_end(fresh) <= 0);
	close(fresh);
	close(half_backend);
	close(full);
	close(full_backend);
	close(half);
}

int main(void)
{
	static const struct flow_case cases[] = {
		FLOW_CASE(nobody_new_comes_in_and_those_inside_finish),
		FLOW_CASE(with_nobody_inside_it_is_over_at_once),
		FLOW_CASE_SIDE_BY_SIDE(
			those_left_when_the_grace_is_over_are_reset),
		FLOW_CASE(a_second_word_ends_the_grace_at_once),
		FLOW_CASE_SIDE_BY_SIDE(a_second_word_never_lengthens_the_grace),
		FLOW_CASE(it_is_over_only_once),
		FLOW_CASE_SIDE_BY_SIDE(
			one_who_is_still_dialed_is_reset_with_the_others),
		FLOW_CASE_SIDE_BY_SIDE(freeing_the_relay_leaves_nothing_behind),
	};

	return FLOW_RUN("drain", cases);
}
