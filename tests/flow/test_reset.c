#include "matrix.h"
#include "os/sock.h"
#include "peer.h"
#include "rig.h"
#include "talk.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cm.h"

enum { MUCH = 4 << 20 };

/*
 * A connection whose ends can reset: each has a byte waiting that it has not
 * read, without which closing a Unix socket would be a polite end.
 */
struct ends {
	int client, backend;
};

static struct ends open_ends(struct rig *r)
{
	struct ends e;

	e.client = rig_connect(r);
	e.backend = rig_accept(r);
	assert_int_equal(peer_send(e.client, 8, 0, 1), 0);
	assert_int_equal(peer_send(e.backend, 9, 0, 1), 0);
	assert_int_equal(peer_readable(e.client), 0);
	assert_int_equal(peer_readable(e.backend), 0);
	return e;
}

/* A reset; on a Unix leg, which has none, the end will do. */
static void expect_reset(int fd, int family)
{
	int how = peer_end(fd);

	if (how == 0 && family == AF_UNIX)
		return;
	assert_int_equal(how, -ECONNRESET);
}

static void expect_reason(struct rig *r, size_t n, enum close_reason reason)
{
	struct record what = rig_record(r, n);

	assert_string_equal(close_reason_name(what.reason),
			    close_reason_name(reason));
	assert_true(what.error < 0);
}

static void a_reset_of_the_client_is_one_for_the_backend(void **state)
{
	const struct row *row = *state;
	struct rig *r = rig_run(row);
	struct ends e = open_ends(r);

	peer_reset(e.client);
	assert_int_equal(peer_take(e.backend, 8, 0, 1), 0);
	expect_reset(e.backend, row->backend_family);
	close(e.backend);
	expect_reason(r, 0, CLOSE_CLIENT_RESET);
	rig_stop(r);
}

static void a_reset_of_the_backend_is_one_for_the_client(void **state)
{
	const struct row *row = *state;
	struct rig *r = rig_run(row);
	struct ends e = open_ends(r);

	peer_reset(e.backend);
	assert_int_equal(peer_take(e.client, 9, 0, 1), 0);
	expect_reset(e.client, row->client_family);
	close(e.client);
	expect_reason(r, 0, CLOSE_BACKEND_RESET);
	rig_stop(r);
}

static void a_reset_after_the_half_close_is_still_a_reset(void **state)
{
	const struct row *row = *state;
	struct rig *r;
	struct ends e;

	if (row->backend_family == AF_UNIX)
		FLOW_SKIP("who has read all cannot reset a Unix socket");
	r = rig_run(row);
	e = open_ends(r);
	shutdown(e.client, SHUT_WR);
	assert_int_equal(peer_take(e.backend, 8, 0, 1), 0);
	assert_int_equal(peer_end(e.backend), 0);
	peer_reset(e.backend);
	assert_int_equal(peer_take(e.client, 9, 0, 1), 0);
	expect_reset(e.client, row->client_family);
	close(e.client);
	expect_reason(r, 0, CLOSE_BACKEND_RESET);
	rig_stop(r);
}

/* Nothing waits for the backend any more when it resets: only passing the
 * client's end on tells that it is not there. */
static void a_reset_after_the_backends_end_is_still_a_reset(void **state)
{
	const struct row *row = *state;
	struct rig *r;
	struct ends e;

	if (row->backend_family == AF_UNIX)
		FLOW_SKIP("a Unix backend that goes just closes");
	r = rig_run(row);
	e = open_ends(r);
	shutdown(e.backend, SHUT_WR);
	assert_int_equal(peer_take(e.client, 9, 0, 1), 0);
	assert_int_equal(peer_end(e.client), 0);
	peer_reset(e.backend);
	shutdown(e.client, SHUT_WR);
	expect_reason(r, 0, CLOSE_BACKEND_RESET);
	close(e.client);
	rig_stop(r);
}

/* Reads while the other end still sends. */
struct reader {
	int fd, result;
	uint64_t seed;
};

static void *read_much(void *data)
{
	struct reader *reader = data;

	reader->result = peer_take(reader->fd, reader->seed, 1, MUCH - 1);
	return NULL;
}

static void all_bytes_before_a_reset_arrive_both_ways(void **state)
{
	const struct row *row = *state;
	struct rig *r = rig_run(row);

	for (size_t up = 0; up < 2; up++) {
		struct ends e = open_ends(r);
		int from = up ? e.client : e.backend;
		int to = up ? e.backend : e.client;
		struct reader reader = {.fd = to, .seed = up ? 8 : 9};
		pthread_t thread;

		assert_int_equal(peer_take(to, reader.seed, 0, 1), 0);
		assert_int_equal(
			pthread_create(&thread, NULL, read_much, &reader), 0);
		assert_int_equal(peer_send(from, reader.seed, 1, MUCH - 1), 0);
		/* A reset takes what is still in our own buffer with it. */
		assert_int_equal(peer_flush(from), 0);
		peer_reset(from);
		pthread_join(thread, NULL);
		assert_int_equal(reader.result, 0);
		expect_reset(to, up ? row->backend_family : row->client_family);
		close(to);
		expect_reason(r, up,
			      up ? CLOSE_CLIENT_RESET : CLOSE_BACKEND_RESET);
	}
	rig_stop(r);
}

/* Everything between the ends is full when the reset comes. */
static void a_reader_that_starts_late_gets_all_before_the_reset(void **state)
{
	const struct row *row = *state;
	struct rig *r = rig_run(row);

	for (size_t up = 0; up < 2; up++) {
		struct ends e = open_ends(r);
		int from = up ? e.client : e.backend;
		int to = up ? e.backend : e.client;
		int from_family = up ? row->client_family : row->backend_family;
		int to_family = up ? row->backend_family : row->client_family;
		uint64_t seed = up ? 8 : 9, sent;

		assert_int_equal(peer_take(to, seed, 0, 1), 0);
		sent = peer_fill(from, 11);
		/* A reset takes what is still in our own buffer with it. */
		if (from_family != AF_UNIX)
			sent -= sock_unsent(from);
		peer_reset(from);
		assert_true(talk_until_cut(to, 11, to_family) >= (int64_t)sent);
		close(to);
		expect_reason(r, up,
			      up ? CLOSE_CLIENT_RESET : CLOSE_BACKEND_RESET);
	}
	rig_stop(r);
}

/* The relay is through with the bytes, which fit into its own socket, but the
 * reader's system has not taken them yet. */
static void a_reset_does_not_overtake_what_is_on_its_way(void **state)
{
	enum { SENT = 256 << 10 };
	const struct row *row = *state;
	int small = 4 << 10;
	struct rig *r;
	struct ends e;

	if (row->backend_family == AF_UNIX)
		FLOW_SKIP("nothing is on its way on a Unix leg");
	r = rig_new(row);
	setsockopt(r->backend, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	rig_start(r);
	e = open_ends(r);
	assert_int_equal(peer_take(e.backend, 8, 0, 1), 0);
	assert_int_equal(peer_send(e.client, 8, 1, SENT), 0);
	assert_int_equal(peer_flush(e.client), 0);
	peer_reset(e.client);
	rig_wait_ms(50);
	assert_int_equal(peer_take(e.backend, 8, 1, SENT), 0);
	expect_reset(e.backend, row->backend_family);
	close(e.backend);
	expect_reason(r, 0, CLOSE_CLIENT_RESET);
	rig_stop(r);
}

/* What the relay still held, in a buffer or a pipe, must go with it. */
static void what_a_cut_connection_held_reaches_nobody_else(void **state)
{
	struct rig *r = rig_run(*state);
	struct ends cut, next;
	uint64_t sent;

	for (int i = 0; i < 4; i++) {
		cut = open_ends(r);
		assert_true(peer_fill(cut.client, 1) > MUCH / 16);
		peer_reset(cut.backend);
		rig_record(r, (size_t)i);
		close(cut.client);
	}
	next.client = rig_connect(r);
	next.backend = rig_accept(r);
	sent = peer_fill(next.client, 2);
	assert_int_equal(peer_take(next.backend, 2, 0, sent), 0);
	close(next.client);
	close(next.backend);
	rig_stop(r);
}

static void a_client_that_resets_while_it_is_dialed_does_no_harm(void **state)
{
	const struct row *row = *state;
	struct rig *r = rig_run(row);
	int backend;

	for (size_t i = 0; i < 20; i++) {
		peer_reset(rig_connect(r));
		backend = rig_accept(r);
		expect_reset(backend, row->client_family == AF_UNIX
					      ? AF_UNIX
					      : row->backend_family);
		close(backend);
		rig_record(r, i);
	}
	rig_stop(r);
}

int main(void)
{
	static const struct flow_case cases[] = {
		FLOW_CASE(a_reset_of_the_client_is_one_for_the_backend),
		FLOW_CASE(a_reset_of_the_backend_is_one_for_the_client),
		FLOW_CASE(a_reset_after_the_half_close_is_still_a_reset),
		FLOW_CASE(a_reset_after_the_backends_end_is_still_a_reset),
		FLOW_CASE(all_bytes_before_a_reset_arrive_both_ways),
		FLOW_CASE_SIDE_BY_SIDE(
			a_reader_that_starts_late_gets_all_before_the_reset),
		FLOW_CASE(a_reset_does_not_overtake_what_is_on_its_way),
		FLOW_CASE_SIDE_BY_SIDE(
			what_a_cut_connection_held_reaches_nobody_else),
		FLOW_CASE(a_client_that_resets_while_it_is_dialed_does_no_harm),
	};

	return FLOW_RUN("reset", cases);
}
