#include "bytes.h"
#include "matrix.h"
#include "peer.h"
#include "rig.h"
#include "talk.h"

#include <sys/socket.h>
#include <unistd.h>

#include "cm.h"

enum { MANY = 40, SOME = 300000 };

static void expect_done(struct rig *r, uint64_t up, uint64_t down)
{
	struct record what = rig_record(r, 0);

	assert_int_equal(what.reason, CLOSE_DONE);
	assert_int_equal(what.up, up);
	assert_int_equal(what.down, down);
	assert_int_equal(what.error, 0);
}

/* One end says all it has to say and half-closes; the other hears the end and
 * answers so much later. */
static void answer_late(struct rig *r, int asks, int answers, unsigned late_ms)
{
	assert_int_equal(peer_send(asks, 1, 0, 1000), 0);
	shutdown(asks, SHUT_WR);
	assert_int_equal(peer_take(answers, 1, 0, 1000), 0);
	assert_int_equal(peer_end(answers), 0);
	rig_wait_ms(late_ms);
	assert_int_equal(rig_records(r), 0);
	assert_int_equal(peer_send(answers, 2, 0, 1000), 0);
	assert_int_equal(peer_take(asks, 2, 0, 1000), 0);
	close(answers);
	assert_int_equal(peer_end(asks), 0);
	close(asks);
	expect_done(r, 1000, 1000);
}

static void an_answer_a_moment_after_the_half_close_arrives(void **state)
{
	struct rig *r = rig_run(*state);
	int client = rig_connect(r), backend = rig_accept(r);

	answer_late(r, client, backend, 100);
	rig_stop(r);
}

static void an_answer_a_second_after_the_half_close_arrives(void **state)
{
	struct rig *r = rig_run(*state);
	int client = rig_connect(r), backend = rig_accept(r);

	answer_late(r, client, backend, 1000);
	rig_stop(r);
}

static void a_backend_that_ends_first_still_gets_what_comes_later(void **state)
{
	struct rig *r = rig_run(*state);
	int client = rig_connect(r), backend = rig_accept(r);

	answer_late(r, backend, client, 100);
	rig_stop(r);
}

static void the_end_comes_after_all_the_bytes(void **state)
{
	struct rig *r = rig_run(*state);
	int client = rig_connect(r), backend = rig_accept(r);
	uint64_t sent = peer_fill(client, 1);

	shutdown(client, SHUT_WR);
	assert_int_equal(peer_take(backend, 1, 0, sent), 0);
	assert_int_equal(peer_end(backend), 0);
	close(backend);
	assert_int_equal(peer_end(client), 0);
	close(client);
	expect_done(r, sent, 0);
	rig_stop(r);
}

/* The backend closes for good, with the client not having read a byte. */
static void bytes_of_a_backend_that_has_gone_still_arrive(void **state)
{
	struct rig *r = rig_run(*state);
	int client = rig_connect(r), backend = rig_accept(r);
	uint64_t sent = peer_fill(backend, 1);

	shutdown(client, SHUT_WR);
	assert_int_equal(peer_end(backend), 0);
	close(backend);
	assert_int_equal(peer_take(client, 1, 0, sent), 0);
	assert_int_equal(peer_end(client), 0);
	close(client);
	expect_done(r, 0, sent);
	rig_stop(r);
}

static void forty_half_close_echoes_at_once_all_come_back(void **state)
{
	struct rig *r = rig_run(*state);
	uint64_t dice = 40;
	struct talk talks[2 * MANY];

	for (int i = 0; i < MANY; i++) {
		struct talk *client = &talks[2 * i], *backend = client + 1;
		uint64_t seed = 2 * (uint64_t)i;

		/* Both ends talk at once, and each half-closes when it has
		 * said all, long before or after the other. */
		*client = (struct talk){
			.fd = rig_connect(r),
			.send_seed = seed,
			.send_to = bytes_random(&dice) % SOME,
			.receive_seed = seed + 1,
		};
		*backend = (struct talk){
			.fd = rig_accept(r),
			.send_seed = seed + 1,
			.send_to = bytes_random(&dice) % SOME,
			.receive_seed = seed,
		};
	}
	talk_all(talks, 2 * MANY);
	for (int i = 0; i < 2 * MANY; i++) {
		assert_true(talk_is_right(&talks[i], talks[i ^ 1].send_to));
		close(talks[i].fd);
	}
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(rig_record(r, i).reason, CLOSE_DONE);
	rig_stop(r);
}

static void a_client_that_says_nothing_is_an_end_for_the_backend(void **state)
{
	struct rig *r = rig_run(*state);
	int backend;

	close(rig_connect(r));
	backend = rig_accept(r);
	assert_int_equal(peer_end(backend), 0);
	close(backend);
	expect_done(r, 0, 0);
	rig_stop(r);
}

int main(void)
{
	static const struct flow_case cases[] = {
		FLOW_CASE(an_answer_a_moment_after_the_half_close_arrives),
		FLOW_CASE_SIDE_BY_SIDE(
			an_answer_a_second_after_the_half_close_arrives),
		FLOW_CASE(
			a_backend_that_ends_first_still_gets_what_comes_later),
		FLOW_CASE_SIDE_BY_SIDE(the_end_comes_after_all_the_bytes),
		FLOW_CASE_SIDE_BY_SIDE(
			bytes_of_a_backend_that_has_gone_still_arrive),
		FLOW_CASE(forty_half_close_echoes_at_once_all_come_back),
		FLOW_CASE(a_client_that_says_nothing_is_an_end_for_the_backend),
	};

	return FLOW_RUN("half-close", cases);
}
