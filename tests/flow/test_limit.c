#include "bytes.h"
#include "matrix.h"
#include "peer.h"
#include "rig.h"
#include "talk.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cm.h"

enum { LIMIT = 3, CLIENTS = 40, STILL_MS = 100 };

/* Does nobody come to the backend for a while? */
static bool nobody_comes(const struct rig *r)
{
	struct pollfd p = {.fd = r->backend, .events = POLLIN};

	return poll(&p, 1, STILL_MS) == 0;
}

static void the_last_one_is_admitted_and_the_next_one_waits(void **state)
{
	struct rig *r = rig_new(*state);
	int clients[LIMIT + 1], backends[LIMIT + 1];

	r->options.max_connections = LIMIT;
	rig_start(r);
	for (int i = 0; i < LIMIT; i++) {
		clients[i] = rig_connect(r);
		backends[i] = rig_accept(r);
	}
	clients[LIMIT] = rig_connect(r);
	assert_int_equal(peer_send(clients[LIMIT], 1, 0, 100), 0);
	assert_true(nobody_comes(r));
	assert_int_equal(rig_stats(r).open, LIMIT);
	assert_int_equal(rig_stats(r).accepted, LIMIT);

	close(clients[1]);
	close(backends[1]);
	backends[LIMIT] = rig_accept(r);
	assert_int_equal(peer_take(backends[LIMIT], 1, 0, 100), 0);
	assert_int_equal(rig_stats(r).open, LIMIT);
	for (int i = 0; i <= LIMIT; i++) {
		if (i == 1)
			continue;
		close(clients[i]);
		close(backends[i]);
	}
	rig_record(r, LIMIT);
	assert_int_equal(rig_stats(r).open, 0);
	rig_stop(r);
}

static void the_limit_is_one_for_all_listeners(void **state)
{
	struct rig *r = rig_new(*state);
	int first, second, backend;
	struct addr further;

	r->options.max_connections = 1;
	rig_start(r);
	rig_listen(r, &r->route, &further);
	first = rig_connect(r);
	backend = rig_accept(r);
	second = peer_connect(&further);
	assert_true(second >= 0);
	assert_true(nobody_comes(r));
	close(first);
	close(backend);
	backend = rig_accept(r);
	close(second);
	close(backend);
	assert_int_equal(rig_record(r, 1).reason, CLOSE_DONE);
	rig_stop(r);
}

static void all_who_wait_are_served_in_the_end(void **state)
{
	struct rig *r = rig_new(*state);
	struct talk talks[CLIENTS];
	uint64_t dice = 3;

	r->options.max_connections = LIMIT;
	rig_start(r);
	rig_echo(r);
	for (int i = 0; i < CLIENTS; i++)
		talks[i] = talk_echo(rig_connect(r), (uint64_t)i,
				     bytes_random(&dice) % 100000);
	talk_all(talks, CLIENTS);
	for (int i = 0; i < CLIENTS; i++) {
		assert_true(talk_is_right(&talks[i], talks[i].send_to));
		close(talks[i].fd);
	}
	rig_record(r, CLIENTS - 1);
	assert_true(rig_stats(r).pauses > 0);
	assert_int_equal(rig_stats(r).ended[CLOSE_DONE], CLIENTS);
	/* It is said once, not for each of them. */
	assert_int_equal(rig_warnings(r), 1);
	rig_stop(r);
}

/* Who leaves the backlog unserved must not be counted for ever. */
static void those_who_give_up_waiting_take_no_place(void **state)
{
	const struct row *row = *state;
	struct rig *r = rig_new(row);
	int first, second, backend;

	r->options.max_connections = 1;
	rig_start(r);
	first = rig_connect(r);
	backend = rig_accept(r);
	for (int i = 0; i < 10; i++)
		close(rig_connect(r));
	second = rig_connect(r);
	assert_int_equal(peer_send(second, 4, 0, 10), 0);
	close(first);
	close(backend);
	for (;;) {
		backend = rig_accept(r);
		if (peer_take(backend, 4, 0, 10) == 0)
			break;
		close(backend);
	}
	close(second);
	close(backend);
	rig_record(r, 11);
	assert_int_equal(rig_stats(r).open, 0);
	rig_stop(r);
}

int main(void)
{
	static const struct flow_case cases[] = {
		FLOW_CASE(the_last_one_is_admitted_and_the_next_one_waits),
		FLOW_CASE(the_limit_is_one_for_all_listeners),
		FLOW_CASE(all_who_wait_are_served_in_the_end),
		FLOW_CASE(those_who_give_up_waiting_take_no_place),
	};

	return FLOW_RUN("limit", cases);
}
