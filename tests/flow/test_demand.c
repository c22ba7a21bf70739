#include "bytes.h"
#include "matrix.h"
#include "peer.h"
#include "rig.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cm.h"

enum { CLIENTS = 30, STILL_MS = 100 };

/* What the relay has told of its route's clients. */
static atomic_int arrived, left, never_began, wrong;
static atomic_bool refuse;

static bool on_arrived(void *data, const struct relay_route *route)
{
	const struct rig *r = data;

	wrong += route != &r->route;
	if (refuse)
		return false;
	arrived++;
	return true;
}

static void on_left(void *data, const struct relay_route *route,
		    const struct record *what)
{
	const struct rig *r = data;

	wrong += route != &r->route;
	never_began += !what;
	left++;
}

static struct rig *start(const struct row *row)
{
	struct rig *r = rig_new(row);

	arrived = left = never_began = wrong = 0;
	refuse = false;
	r->options.arrived = on_arrived;
	r->options.left = on_left;
	rig_start(r);
	return r;
}

static void whoever_arrives_leaves_once(void **state)
{
	struct rig *r = start(*state);
	int clients[CLIENTS];

	rig_echo(r);
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = rig_connect(r);
		assert_int_equal(peer_send(clients[i], 1, 0, 10), 0);
		assert_int_equal(peer_take(clients[i], 1, 0, 10), 0);
		assert_int_equal(arrived, i + 1);
		assert_int_equal(left, 0);
	}
	for (int i = 0; i < CLIENTS; i++)
		close(clients[i]);
	rig_record(r, CLIENTS - 1);
	/* It was told by the same turn. */
	rig_stats(r);
	assert_int_equal(left, CLIENTS);
	assert_int_equal(never_began, 0);
	assert_int_equal(wrong, 0);
	rig_stop(r);
}

static void who_is_still_there_at_the_end_leaves_too(void **state)
{
	struct rig *r = start(*state);
	int client = rig_connect(r), backend = rig_accept(r);

	rig_stop(r);
	assert_int_equal(arrived, 1);
	assert_int_equal(left, 1);
	close(client);
	close(backend);
}

static void who_is_not_wanted_is_refused(void **state)
{
	struct rig *r = start(*state);
	int client;

	refuse = true;
	rig_expect_turned_away(r);
	assert_int_equal(rig_stats(r).refused, 1);
	assert_int_equal(rig_stats(r).open, 0);
	refuse = false;
	rig_echo(r);
	client = rig_connect(r);
	assert_int_equal(peer_send(client, 1, 0, 10), 0);
	assert_int_equal(peer_take(client, 1, 0, 10), 0);
	close(client);
	rig_record(r, 0);
	rig_stop(r);
	assert_int_equal(arrived, 1);
	assert_int_equal(left, 1);
}

static bool nobody_comes(const struct rig *r)
{
	struct pollfd p = {.fd = r->backend, .events = POLLIN};

	return poll(&p, 1, STILL_MS) == 0;
}

static void who_is_held_waits_in_the_backlog(void **state)
{
	struct rig *r = start(*state);
	int before = rig_connect(r), served = rig_accept(r);
	int client, backend;

	rig_hold(r, true);
	client = rig_connect(r);
	assert_int_equal(peer_send(client, 2, 0, 100), 0);
	assert_true(nobody_comes(r));
	assert_int_equal(arrived, 1);
	/* One that ends makes room, but not for those. */
	close(before);
	close(served);
	rig_record(r, 0);
	assert_true(nobody_comes(r));
	rig_hold(r, false);
	backend = rig_accept(r);
	assert_int_equal(peer_take(backend, 2, 0, 100), 0);
	close(client);
	close(backend);
	rig_record(r, 1);
	rig_stop(r);
}

static void holding_survives_the_limit_of_connections(void **state)
{
	struct rig *r = rig_new(*state);
	int clients[2], backends[2];

	r->options.max_connections = 1;
	rig_start(r);
	clients[0] = rig_connect(r);
	backends[0] = rig_accept(r);
	clients[1] = rig_connect(r);
	assert_int_equal(peer_send(clients[1], 3, 0, 100), 0);
	assert_true(nobody_comes(r));
	rig_hold(r, true);
	close(clients[0]);
	close(backends[0]);
	rig_record(r, 0);
	assert_true(nobody_comes(r));
	rig_hold(r, false);
	backends[1] = rig_accept(r);
	assert_int_equal(peer_take(backends[1], 3, 0, 100), 0);
	close(clients[1]);
	close(backends[1]);
	rig_record(r, 1);
	rig_stop(r);
}

int main(void)
{
	static const struct flow_case cases[] = {
		FLOW_CASE(whoever_arrives_leaves_once),
		FLOW_CASE(who_is_still_there_at_the_end_leaves_too),
		FLOW_CASE(who_is_not_wanted_is_refused),
		FLOW_CASE(who_is_held_waits_in_the_backlog),
		FLOW_CASE(holding_survives_the_limit_of_connections),
	};

	return FLOW_RUN("demand", cases);
}
