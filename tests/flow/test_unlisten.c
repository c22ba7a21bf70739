#include "matrix.h"
#include "os/sock.h"
#include "peer.h"
#include "rig.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cm.h"

/* Listeners that come and go while the relay runs. */

enum { BYTES = 100000, ROUNDS = 20, LONG_MS = 60000 };

static void expect_both_ways(int client, int backend)
{
	assert_int_equal(peer_send(client, 1, 0, BYTES), 0);
	shutdown(client, SHUT_WR);
	assert_int_equal(peer_take(backend, 1, 0, BYTES), 0);
	assert_int_equal(peer_end(backend), 0);
	assert_int_equal(peer_send(backend, 2, 0, BYTES), 0);
	close(backend);
	assert_int_equal(peer_take(client, 2, 0, BYTES), 0);
	assert_int_equal(peer_end(client), 0);
	close(client);
}

static int connect_to(const struct addr *where)
{
	int fd = peer_connect(where);

	assert_true(fd >= 0);
	return fd;
}

static int listen_again(struct rig *r, const struct addr *where)
{
	int fd = sock_open(where->family), on = 1;
	struct sockaddr_storage ss;
	socklen_t length = addr_to_sockaddr(where, &ss);

	if (where->family == AF_UNIX)
		unlink(where->path);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(bind(fd, (struct sockaddr *)&ss, length), 0);
	assert_int_equal(listen(fd, ROUNDS), 0);
	assert_int_equal(rig_serve(r, fd, where, &r->route), 0);
	return fd;
}

static void
nobody_comes_in_where_it_listened_and_connections_live_on(void **state)
{
	struct rig *r = rig_run(*state);
	struct addr where;
	int fd = rig_listen(r, &r->route, &where);
	int client = connect_to(&where), backend = rig_accept(r), other;

	assert_int_equal(rig_unlisten(r, fd), 0);
	assert_int_equal(peer_connect(&where), -ECONNREFUSED);
	other = rig_connect(r);
	expect_both_ways(other, rig_accept(r));
	rig_record(r, 0); /* lest the other loop be faster */
	expect_both_ways(client, backend);
	assert_int_equal(rig_record(r, 1).reason, CLOSE_DONE);
	assert_int_equal(rig_record(r, 1).local.port, where.port);
	rig_stop(r);
}

static void an_address_that_comes_back_is_served_again(void **state)
{
	struct rig *r = rig_run(*state);
	int clients[ROUNDS], backends[ROUNDS];
	struct addr where;
	int fd = rig_listen(r, &r->route, &where);

	assert_int_equal(rig_unlisten(r, fd), 0);
	for (int i = 0; i < ROUNDS; i++) {
		fd = listen_again(r, &where);
		clients[i] = connect_to(&where);
		backends[i] = rig_accept(r);
		assert_int_equal(rig_unlisten(r, fd), 0);
	}
	for (int i = 0; i < ROUNDS; i++)
		expect_both_ways(clients[i], backends[i]);
	assert_int_equal(rig_record(r, ROUNDS - 1).reason, CLOSE_DONE);
	rig_stop(r);
}

static void one_that_is_not_there_is_enoent(void **state)
{
	struct rig *r = rig_run(*state);
	struct addr where;
	int fd = rig_listen(r, &r->route, &where);

	assert_int_equal(rig_unlisten(r, -1), -ENOENT);
	assert_int_equal(rig_unlisten(r, 1000000), -ENOENT);
	assert_int_equal(rig_unlisten(r, fd), 0);
	assert_int_equal(rig_unlisten(r, fd), -ENOENT);
	fd = listen_again(r, &where);
	rig_drain(r, LONG_MS);
	assert_int_equal(rig_unlisten(r, fd), -ENOENT);
	assert_int_equal(rig_drained(r), 1);
	rig_stop(r);
}

static void the_last_one_may_go_and_the_relay_stays(void **state)
{
	struct rig *r = rig_run(*state);
	struct addr where;
	int fd, client, backend;

	assert_int_equal(rig_unlisten(r, rig_front_fd(r)), 0);
	assert_int_equal(peer_connect(&r->front), -ECONNREFUSED);
	assert_true(rig_is_still(r, 100));
	fd = rig_listen(r, &r->route, &where);
	client = connect_to(&where);
	backend = rig_accept(r);
	expect_both_ways(client, backend);
	assert_int_equal(rig_unlisten(r, fd), 0);
	rig_stop(r);
}

/* At the limit listeners are paused: the one that has gone must not be woken.
 */
static void a_listener_that_went_at_the_limit_is_not_resumed(void **state)
{
	struct rig *r = rig_new(*state);
	int fd, client, backend, next;
	struct addr where;

	r->options.max_connections = 1;
	rig_start(r);
	fd = rig_listen(r, &r->route, &where);
	client = rig_connect(r);
	backend = rig_accept(r);
	next = rig_connect(r);
	assert_int_equal(rig_unlisten(r, fd), 0);
	expect_both_ways(client, backend);
	expect_both_ways(next, rig_accept(r));
	assert_int_equal(rig_record(r, 1).reason, CLOSE_DONE);
	rig_stop(r);
}

/* Clients come to ::1 or 127.0.0.1, and the owner of the entry changes it. */
static void who_comes_in_elsewhere_is_reset_as_it_is_now(void **state)
{
	const struct row *row = *state;
	struct addr at[2] = {{0}};
	struct relay_entry entry = {.at = at, .count = 0};
	struct rig *r;
	int client;

	if (row->client_family == AF_UNIX)
		FLOW_SKIP("a Unix socket is at no address");
	r = rig_new(row);
	r->route.entry = &entry;
	at[0] = (struct addr){.family = AF_INET, .ip = {10, 9, 8, 7}};
	at[1] = r->front;
	at[1].port = 0;
	rig_start(r);
	for (size_t count = 0; count < 2; count++) {
		entry.count = count;
		rig_cost(r);
		rig_expect_turned_away(r);
	}
	assert_int_equal(rig_stats(r).refused, 2);
	entry.count = 2;
	rig_cost(r);
	client = rig_connect(r);
	expect_both_ways(client, rig_accept(r));
	assert_int_equal(rig_record(r, 0).reason, CLOSE_DONE);
	rig_stop(r);
}

static const struct flow_case cases[] = {
	FLOW_CASE(nobody_comes_in_where_it_listened_and_connections_live_on),
	FLOW_CASE(an_address_that_comes_back_is_served_again),
	FLOW_CASE(one_that_is_not_there_is_enoent),
	FLOW_CASE(the_last_one_may_go_and_the_relay_stays),
	FLOW_CASE(a_listener_that_went_at_the_limit_is_not_resumed),
	FLOW_CASE(who_comes_in_elsewhere_is_reset_as_it_is_now),
};

int main(void)
{
	return FLOW_RUN("unlisten", cases);
}
