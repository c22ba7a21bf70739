#include "echo.h"
#include "matrix.h"
#include "os/sock.h"
#include "peer.h"
#include "rig.h"
#include "talk.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cm.h"

enum {
	LONG_MS = 60000,
	SHORT_MS = 300,
	LATE_MS = 3000, /* at most, on a machine with much to do */
	SOON_MS = 1000,
	PAUSE_MS = 700, /* more than between a question and its end */
	PLACES = 3,
	CLIENTS = 10,
	CROWD = 40,
	BACKLOG = 128,
};

/* A rig whose backend is bound, but does not listen. */
static struct rig *rig_without_backend(const struct row *row, int *nobody)
{
	struct rig *r = rig_new(row);

	*nobody = peer_refuse(row->backend_family, rig_path(r, "nobody"),
			      &r->at.addr);
	assert_true(*nobody >= 0);
	r->route.wait_for_backend_ms = LONG_MS;
	return r;
}

static void await_waiting(struct rig *r, uint64_t count)
{
	for (int ms = 0; rig_stats(r).waiting != count; ms++) {
		assert_true(ms < PEER_PATIENCE_MS);
		rig_wait_ms(1);
	}
}

static void answer(int listener, int client, uint64_t seed)
{
	int backend = peer_accept(listener);

	assert_true(backend >= 0);
	assert_int_equal(peer_take(backend, seed, 0, 1000), 0);
	assert_int_equal(peer_send(backend, seed, 0, 1000), 0);
	close(backend);
	assert_int_equal(peer_take(client, seed, 0, 1000), 0);
	assert_int_equal(peer_end(client), 0);
}

static void a_backend_that_comes_late_is_a_slow_answer(void **state)
{
	const struct row *row = *state;
	uint64_t began_ms;
	int nobody, client;
	struct rig *r = rig_without_backend(row, &nobody);

	rig_start(r);
	client = rig_connect(r);
	assert_int_equal(peer_send(client, 1, 0, 1000), 0);
	await_waiting(r, 1);
	assert_int_equal(rig_records(r), 0);
	assert_int_equal(listen(nobody, BACKLOG), 0);
	began_ms = rig_now_ms();
	answer(nobody, client, 1);
	assert_true(rig_now_ms() - began_ms < SOON_MS);
	close(client);
	assert_int_equal(rig_record(r, 0).reason, CLOSE_DONE);
	assert_int_equal(rig_record(r, 0).error, 0);
	assert_int_equal(rig_stats(r).waiting, 0);
	close(nobody);
	rig_stop(r);
}

static void a_socket_file_that_is_not_there_yet_is_waited_for(void **state)
{
	const struct row *row = *state;
	struct addr bound;
	struct rig *r;
	int client, listener;

	if (row->backend_family != AF_UNIX)
		FLOW_SKIP("only a Unix backend has a file");
	r = rig_new(row);
	r->at.addr.path = rig_path(r, "later");
	r->route.wait_for_backend_ms = LONG_MS;
	rig_start(r);
	client = rig_connect(r);
	assert_int_equal(peer_send(client, 1, 0, 1000), 0);
	await_waiting(r, 1);
	listener = peer_listen(AF_UNIX, r->at.addr.path, BACKLOG, &bound);
	answer(listener, client, 1);
	close(client);
	close(listener);
	rig_stop(r);
}

static void a_backend_that_does_not_come_is_refused_in_time(void **state)
{
	const struct row *row = *state;
	struct record what;
	int nobody;
	struct rig *r = rig_without_backend(row, &nobody);

	r->route.wait_for_backend_ms = SHORT_MS;
	rig_start(r);
	rig_expect_turned_away(r);
	what = rig_record(r, 0);
	assert_int_equal(what.reason, CLOSE_UNREACHABLE);
	assert_int_equal(what.error, -ECONNREFUSED);
	assert_in_range(what.duration_ms, SHORT_MS, LATE_MS);
	assert_int_equal(rig_stats(r).waiting, 0);
	close(nobody);
	rig_stop(r);
}

static void a_client_that_leaves_is_noticed(void **state)
{
	const struct row *row = *state;
	struct record what;
	int nobody, client;
	struct rig *r = rig_without_backend(row, &nobody);

	rig_start(r);
	client = rig_connect(r);
	await_waiting(r, 1);
	close(client);
	what = rig_record(r, 0);
	assert_int_equal(what.reason, CLOSE_CLIENT_RESET);
	assert_in_range(what.duration_ms, 0, LATE_MS);
	assert_int_equal(rig_stats(r).waiting, 0);
	close(nobody);
	rig_stop(r);
}

static void a_client_that_leaves_its_question_behind_is_noticed(void **state)
{
	const struct row *row = *state;
	int nobody, client;
	struct rig *r = rig_without_backend(row, &nobody);

	rig_start(r);
	client = rig_connect(r);
	assert_int_equal(peer_send(client, 1, 0, 1000), 0);
	await_waiting(r, 1);
	rig_wait_ms(PAUSE_MS);
	close(client);
	assert_int_equal(rig_record(r, 0).reason, CLOSE_CLIENT_RESET);
	assert_int_equal(rig_stats(r).waiting, 0);
	close(nobody);
	rig_stop(r);
}

static void a_client_that_resets_is_noticed(void **state)
{
	const struct row *row = *state;
	int nobody, client;
	struct rig *r = rig_without_backend(row, &nobody);

	rig_start(r);
	client = rig_connect(r);
	assert_int_equal(peer_send(client, 1, 0, 1000), 0);
	await_waiting(r, 1);
	peer_reset(client);
	assert_int_equal(rig_record(r, 0).reason, CLOSE_CLIENT_RESET);
	close(nobody);
	rig_stop(r);
}

/* As printf | nc does. */
static void a_client_that_has_said_all_it_has_is_still_served(void **state)
{
	const struct row *row = *state;
	int nobody, client;
	struct rig *r = rig_without_backend(row, &nobody);

	rig_start(r);
	client = rig_connect(r);
	assert_int_equal(peer_send(client, 1, 0, 1000), 0);
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	await_waiting(r, 1);
	rig_wait_ms(200);
	assert_int_equal(rig_records(r), 0);
	assert_int_equal(listen(nobody, BACKLOG), 0);
	answer(nobody, client, 1);
	close(client);
	assert_int_equal(rig_record(r, 0).reason, CLOSE_DONE);
	close(nobody);
	rig_stop(r);
}

/* As (sleep 1; printf) | nc does. */
static void one_that_thinks_first_and_says_all_is_served(void **state)
{
	const struct row *row = *state;
	int nobody, client;
	struct rig *r = rig_without_backend(row, &nobody);

	rig_start(r);
	client = rig_connect(r);
	await_waiting(r, 1);
	rig_wait_ms(PAUSE_MS);
	assert_int_equal(peer_send(client, 1, 0, 1000), 0);
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	if (row->client_family != AF_UNIX &&
	    sock_end_after_ms(client) == -ENOTSUP) {
		assert_int_equal(rig_record(r, 0).reason, CLOSE_CLIENT_RESET);
	} else {
		rig_wait_ms(SHORT_MS);
		assert_int_equal(rig_records(r), 0);
		assert_int_equal(listen(nobody, BACKLOG), 0);
		answer(nobody, client, 1);
		assert_int_equal(rig_record(r, 0).reason, CLOSE_DONE);
	}
	close(client);
	close(nobody);
	rig_stop(r);
}

static void at_most_so_many_wait(void **state)
{
	const struct row *row = *state;
	int nobody, clients[CLIENTS], refused = 0;
	struct rig *r = rig_without_backend(row, &nobody);

	r->options.max_waiting = PLACES;
	rig_start(r);
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = rig_connect(r);
	rig_record(r, CLIENTS - PLACES - 1);
	await_waiting(r, PLACES);
	assert_int_equal(rig_records(r), CLIENTS - PLACES);
	assert_int_equal(rig_stats(r).turned_away, CLIENTS - PLACES);
	assert_int_equal(rig_warnings(r), 1);
	for (size_t i = 0; i < CLIENTS - PLACES; i++) {
		struct record what = rig_record(r, i);

		refused += what.reason == CLOSE_UNREACHABLE &&
			   what.error == -ECONNREFUSED &&
			   what.duration_ms < SOON_MS;
	}
	assert_int_equal(refused, CLIENTS - PLACES);
	/* A place that becomes free is there for another. */
	for (int i = 0; i < CLIENTS; i++)
		close(clients[i]);
	await_waiting(r, 0);
	clients[0] = rig_connect(r);
	await_waiting(r, 1);
	close(clients[0]);
	close(nobody);
	rig_stop(r);
}

static void all_that_wait_are_served_when_it_comes(void **state)
{
	const struct row *row = *state;
	struct talk talks[CROWD];
	int nobody;
	struct rig *r = rig_without_backend(row, &nobody);
	struct echo *echo;
	uint64_t began_ms;

	rig_start(r);
	for (uint64_t i = 0; i < CROWD; i++)
		talks[i] = talk_echo(rig_connect(r), i, 1000);
	await_waiting(r, CROWD);
	assert_int_equal(listen(nobody, BACKLOG), 0);
	began_ms = rig_now_ms();
	echo = echo_start(nobody);
	talk_all(talks, CROWD);
	/* Not one after the other, at half a second each. */
	assert_true(rig_now_ms() - began_ms < LATE_MS);
	for (int i = 0; i < CROWD; i++) {
		assert_true(talk_is_right(&talks[i], 1000));
		close(talks[i].fd);
	}
	rig_record(r, CROWD - 1);
	assert_int_equal(rig_stats(r).waiting, 0);
	echo_stop(echo);
	close(nobody);
	rig_stop(r);
}

static void any_backend_of_several_may_be_the_one_that_comes(void **state)
{
	const struct row *row = *state;
	struct relay_backend two[2] = {{.host = NULL}};
	struct record what;
	int nobody, other, client;
	struct rig *r = rig_without_backend(row, &nobody);

	two[0] = r->at;
	other = peer_refuse(row->backend_family, rig_path(r, "other"),
			    &two[1].addr);
	r->route.backends = two;
	r->route.count = 2;
	rig_start(r);
	client = rig_connect(r);
	assert_int_equal(peer_send(client, 1, 0, 1000), 0);
	await_waiting(r, 1);
	assert_int_equal(listen(other, BACKLOG), 0);
	answer(other, client, 1);
	close(client);
	what = rig_record(r, 0);
	assert_true(addr_equal(&what.backend, &two[1].addr));
	close(other);
	close(nobody);
	rig_stop(r);
}

static void an_end_does_not_wait_for_those_who_wait(void **state)
{
	const struct row *row = *state;
	int nobody, client;
	struct rig *r = rig_without_backend(row, &nobody);

	rig_start(r);
	client = rig_connect(r);
	await_waiting(r, 1);
	rig_drain(r, 0);
	assert_int_equal(rig_drained(r), 1);
	assert_int_equal(rig_record(r, 0).reason, CLOSE_SHUTDOWN);
	rig_expect_refused(r, client);
	close(nobody);
	rig_stop(r);
}

static void waiting_costs_little(void **state)
{
	const struct row *row = *state;
	int nobody, clients[CROWD];
	struct rig_cost before, after;
	struct rig *r = rig_without_backend(row, &nobody);

	rig_start(r);
	for (int i = 0; i < CROWD; i++) {
		clients[i] = rig_connect(r);
		assert_int_equal(peer_send(clients[i], 1, 0, 1000), 0);
	}
	await_waiting(r, CROWD);
	before = rig_cost(r);
	rig_wait_ms(1000);
	after = rig_cost(r);
	/* A tick each 20 ms for all of them, and the attempts. */
	assert_in_range(after.turns - before.turns, 0, 300);
	for (int i = 0; i < CROWD; i++)
		close(clients[i]);
	close(nobody);
	rig_stop(r);
}

int main(void)
{
	static const struct flow_case cases[] = {
		FLOW_CASE(a_backend_that_comes_late_is_a_slow_answer),
		FLOW_CASE(a_socket_file_that_is_not_there_yet_is_waited_for),
		FLOW_CASE_SIDE_BY_SIDE(
			a_backend_that_does_not_come_is_refused_in_time),
		FLOW_CASE(a_client_that_leaves_is_noticed),
		FLOW_CASE_SIDE_BY_SIDE(
			a_client_that_leaves_its_question_behind_is_noticed),
		FLOW_CASE(a_client_that_resets_is_noticed),
		FLOW_CASE_SIDE_BY_SIDE(
			a_client_that_has_said_all_it_has_is_still_served),
		FLOW_CASE(one_that_thinks_first_and_says_all_is_served),
		FLOW_CASE(at_most_so_many_wait),
		FLOW_CASE(all_that_wait_are_served_when_it_comes),
		FLOW_CASE(any_backend_of_several_may_be_the_one_that_comes),
		FLOW_CASE(an_end_does_not_wait_for_those_who_wait),
		FLOW_CASE_SIDE_BY_SIDE(waiting_costs_little),
	};

	return FLOW_RUN("wait", cases);
}
