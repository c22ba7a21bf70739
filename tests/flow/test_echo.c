#include "bytes.h"
#include "matrix.h"
#include "peer.h"
#include "rig.h"
#include "talk.h"

#include <errno.h>
#include <string.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cm.h"

enum { MANY = 40, SEGMENTS = 20000, EXCHANGES = 50, SOON_MS = 1000 };

static void bytes_come_back_as_they_were_whatever_their_number(void **state)
{
	static const uint64_t sizes[] = {
		0,       1,       100, (64 << 10) - 1, 64 << 10, (64 << 10) + 1,
		1 << 20, 5 << 20,
	};
	struct rig *r = rig_run(*state);

	rig_echo(r);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct talk t = talk_echo(rig_connect(r), i + 1, sizes[i]);
		struct record what;

		talk_all(&t, 1);
		assert_true(talk_is_right(&t, sizes[i]));
		close(t.fd);
		what = rig_record(r, i);
		assert_int_equal(what.reason, CLOSE_DONE);
		assert_int_equal(what.up, sizes[i]);
		assert_int_equal(what.down, sizes[i]);
		assert_int_equal(what.error, 0);
	}
	rig_stop(r);
}

static void echo_many(struct rig *r, uint64_t most)
{
	uint64_t dice = 20, size[MANY];
	struct talk talks[MANY];

	for (int i = 0; i < MANY; i++) {
		size[i] = bytes_random(&dice) % most;
		talks[i] =
			talk_echo(rig_connect(r), 100 + (uint64_t)i, size[i]);
	}
	talk_all(talks, MANY);
	for (int i = 0; i < MANY; i++) {
		assert_true(talk_is_right(&talks[i], size[i]));
		close(talks[i].fd);
	}
	for (int i = 0; i < MANY; i++)
		assert_int_equal(rig_record(r, (size_t)i).reason, CLOSE_DONE);
}

static void many_at_once_do_not_mix(void **state)
{
	struct rig *r = rig_run(*state);

	rig_echo(r);
	echo_many(r, 600 << 10);
	rig_stop(r);
}

static void pipes_that_are_too_few_for_all_are_shared(void **state)
{
	struct rig *r = rig_new(*state);

	if (r->options.max_pipes > 2)
		r->options.max_pipes = 2;
	rig_start(r);
	rig_echo(r);
	echo_many(r, 1 << 20);
	rig_stop(r);
}

/* The backend reads nothing until all are sent, so that they pile up as
 * segments: in the relay's socket, and in a pipe's slots. */
static void twenty_thousand_single_bytes_arrive_in_order(void **state)
{
	struct rig *r = rig_run(*state);
	int client = rig_connect(r), backend = rig_accept(r), on = 1;

	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	for (uint64_t i = 0; i < SEGMENTS; i++) {
		assert_int_equal(peer_send(client, 1, i, 1), 0);
		/* The Unix kind stores each one apart, and not so many. */
		if (i % 100 == 99)
			assert_int_equal(peer_take(backend, 1, i - 99, 100), 0);
	}
	close(client);
	assert_int_equal(peer_end(backend), 0);
	close(backend);
	assert_int_equal(rig_record(r, 0).up, SEGMENTS);
	rig_stop(r);
}

struct bulk {
	struct rig *rig;
	atomic_bool stop;
	atomic_uint_fast64_t done;
	atomic_bool wrong;
};

static void *run_bulk(void *data)
{
	enum { PIECE = 4 << 20 };
	struct bulk *b = data;

	while (!atomic_load(&b->stop)) {
		struct talk t =
			talk_echo(peer_connect(&b->rig->front), 7, PIECE);

		talk_all(&t, 1);
		if (!talk_is_right(&t, PIECE))
			atomic_store(&b->wrong, true);
		close(t.fd);
		atomic_fetch_add(&b->done, PIECE);
	}
	return NULL;
}

static void small_requests_are_answered_beside_a_bulk_stream(void **state)
{
	struct rig *r = rig_run(*state);
	struct bulk b = {.rig = r};
	pthread_t thread;
	int client;

	rig_echo(r);
	client = rig_connect(r);
	assert_int_equal(pthread_create(&thread, NULL, run_bulk, &b), 0);
	for (uint64_t i = 0; i < EXCHANGES || !atomic_load(&b.done); i++) {
		uint64_t began_ms = rig_now_ms();

		assert_int_equal(peer_send(client, 3, 100 * i, 100), 0);
		assert_int_equal(peer_take(client, 3, 100 * i, 100), 0);
		assert_true(rig_now_ms() - began_ms < SOON_MS);
	}
	atomic_store(&b.stop, true);
	pthread_join(thread, NULL);
	assert_false(atomic_load(&b.wrong));
	close(client);
	rig_stop(r);
}

static bool has_urgent_bytes(const struct row *row)
{
	bool has;
	int fds[2];

	if (row->client_family != AF_UNIX)
		return true;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	has = send(fds[0], "!", 1, MSG_OOB) == 1;
	close(fds[0]);
	close(fds[1]);
	return has;
}

enum { BEFORE_URGENT = 6 << 20, AFTER_URGENT = 3 << 20 };

/* Much, so that the relay splices by then, and one urgent byte. */
static void *send_up_to_urgent_byte(void *data)
{
	const int *fd = data;
	bool sent = peer_send(*fd, 5, 0, BEFORE_URGENT) == 0 &&
		    send(*fd, "!", 1, MSG_OOB) == 1;

	return sent ? NULL : data;
}

static void *send_the_rest(void *data)
{
	const int *fd = data;
	bool sent = peer_send(*fd, 5, BEFORE_URGENT, AFTER_URGENT) == 0;

	shutdown(*fd, SHUT_WR);
	return sent ? NULL : data;
}

static void an_urgent_byte_arrives_among_the_others(void **state)
{
	const struct row *row = *state;
	pthread_t thread;
	struct rig *r;
	int client, backend;
	void *failed;
	char byte = 0;

	if (!has_urgent_bytes(row))
		FLOW_SKIP("urgent bytes of Unix sockets (Linux 5.15)");
	r = rig_run(row);
	client = rig_connect(r);
	backend = rig_accept(r);
	pthread_create(&thread, NULL, send_up_to_urgent_byte, &client);
	assert_int_equal(peer_take(backend, 5, 0, BEFORE_URGENT), 0);
	/* It comes while nothing follows it. */
	assert_int_equal(peer_recv(backend, &byte, 1, 0), 1);
	assert_int_equal(byte, '!');
	pthread_join(thread, &failed);
	assert_null(failed);
	pthread_create(&thread, NULL, send_the_rest, &client);
	assert_int_equal(peer_take(backend, 5, BEFORE_URGENT, AFTER_URGENT), 0);
	assert_int_equal(peer_end(backend), 0);
	pthread_join(thread, &failed);
	assert_null(failed);
	close(backend);
	assert_int_equal(peer_end(client), 0);
	close(client);
	assert_int_equal(rig_record(r, 0).reason, CLOSE_DONE);
	rig_stop(r);
}

static void an_urgent_byte_behind_a_few_is_not_left_behind(void **state)
{
	const struct row *row = *state;
	struct rig *r;
	int client, backend;
	char got[4];

	if (!has_urgent_bytes(row))
		FLOW_SKIP("urgent bytes of Unix sockets (Linux 5.15)");
	r = rig_run(row);
	client = rig_connect(r);
	backend = rig_accept(r);
	/* A read stops before it, short though there is more. */
	assert_int_equal(send(client, "abc!", 4, MSG_OOB), 4);
	assert_int_equal(peer_recv(backend, got, 4, MSG_WAITALL), 4);
	assert_memory_equal(got, "abc!", 4);
	close(backend);
	assert_int_equal(peer_end(client), 0);
	close(client);
	assert_int_equal(rig_record(r, 0).reason, CLOSE_DONE);
	rig_stop(r);
}

/* A read stops behind bytes that a descriptor was passed with. */
static void what_follows_a_passed_descriptor_is_not_left_behind(void **state)
{
	const struct row *row = *state;
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)),
			      .cmsg_level = SOL_SOCKET,
			      .cmsg_type = SCM_RIGHTS}};
	struct iovec bytes = {.iov_base = "abc", .iov_len = 3};
	struct msghdr message = {.msg_iov = &bytes,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	struct rig *r;
	int client, backend;
	char got[6];

	if (row->client_family != AF_UNIX)
		FLOW_SKIP("only a Unix socket passes descriptors");
	r = rig_run(row);
	client = rig_connect(r);
	backend = rig_accept(r);
	memcpy(CMSG_DATA(&control.head), &client, sizeof(client));
	if (sendmsg(client, &message, 0) < 0 && errno == EPERM) {
		close(backend);
		close(client);
		rig_stop(r);
		FLOW_SKIP("a system where they cannot be refused (Linux "
			  "before 6.16)");
	}
	assert_int_equal(send(client, "def", 3, 0), 3);
	assert_int_equal(peer_recv(backend, got, 6, MSG_WAITALL), 6);
	assert_memory_equal(got, "abcdef", 6);
	close(backend);
	assert_int_equal(peer_end(client), 0);
	close(client);
	rig_stop(r);
}

int main(void)
{
	static const struct flow_case cases[] = {
		FLOW_CASE(bytes_come_back_as_they_were_whatever_their_number),
		FLOW_CASE(many_at_once_do_not_mix),
		FLOW_CASE(pipes_that_are_too_few_for_all_are_shared),
		FLOW_CASE(twenty_thousand_single_bytes_arrive_in_order),
		FLOW_CASE(small_requests_are_answered_beside_a_bulk_stream),
		FLOW_CASE(an_urgent_byte_arrives_among_the_others),
		FLOW_CASE(an_urgent_byte_behind_a_few_is_not_left_behind),
		FLOW_CASE(what_follows_a_passed_descriptor_is_not_left_behind),
	};

	return FLOW_RUN("echo", cases);
}
