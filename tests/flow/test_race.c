#include "matrix.h"
#include "os/sock.h"
#include "peer.h"
#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cm.h"

enum {
	FILLERS = 16,
	STAGGER_MS = 250,
	SOON_MS = 200,
	LATE_MS = 2000, /* and long before the connect timeout */
	DOWN_MS = 2000,
	TIMEOUT_MS = 400,
	LANES = 4, /* attempts at the same time (engine/race.h) */
	LANES_TIMEOUT_MS = 1200,
	LANES_LATE_MS = 10000,
};

/* Someone at an address that neither answers nor refuses. */
struct black_hole {
	int listener, fillers[FILLERS], count;
};

/* Returns false if another program has that port. */
static bool dig(struct black_hole *hole, const struct addr *at)
{
	struct sockaddr_storage ss;
	socklen_t length = addr_to_sockaddr(at, &ss);
	int on = 1;

	hole->listener = socket(at->family, SOCK_STREAM, 0);
	assert_true(hole->listener >= 0);
	if (at->family == AF_INET6)
		setsockopt(hole->listener, IPPROTO_IPV6, IPV6_V6ONLY, &on,
			   sizeof(on));
	if (bind(hole->listener, (const struct sockaddr *)&ss, length) < 0) {
		assert_int_equal(errno, EADDRINUSE);
		close(hole->listener);
		return false;
	}
	assert_int_equal(listen(hole->listener, 0), 0);
	hole->count = peer_fill_backlog(at, hole->fillers, FILLERS);
	assert_true(hole->count < FILLERS);
	return true;
}

static void fill_in(struct black_hole *hole)
{
	while (hole->count > 0)
		close(hole->fillers[--hole->count]);
	close(hole->listener);
}

static uint64_t echo_once(struct rig *r, int listener, uint64_t seed)
{
	uint64_t began_ms = rig_now_ms();
	int client = rig_connect(r), backend;

	assert_int_equal(peer_send(client, seed, 0, 1000), 0);
	backend = peer_accept(listener);
	assert_true(backend >= 0);
	assert_int_equal(peer_take(backend, seed, 0, 1000), 0);
	began_ms = rig_now_ms() - began_ms;
	close(backend);
	close(client);
	return began_ms;
}

static bool has_two_addresses(const struct row *row)
{
	struct addr bound;
	int fd = peer_listen(AF_INET6, NULL, 1, &bound);

	if (fd >= 0)
		close(fd);
	return fd >= 0 && row->backend_family == AF_INET;
}

/* ::1 at the port of the backend, which listens on 127.0.0.1. */
static struct addr other_address(const struct rig *r)
{
	struct addr a = {.family = AF_INET6, .port = r->at.addr.port};

	a.ip[15] = 1;
	return a;
}

/* A rig whose backend is called localhost, with a black hole at ::1. */
static struct rig *rig_beside(const struct row *row, struct black_hole *hole)
{
	for (;;) {
		struct rig *r = rig_new(row);
		struct addr other = other_address(r);

		r->at.host = "localhost";
		if (dig(hole, &other))
			return r;
		rig_start(r);
		rig_stop(r);
	}
}

static void an_address_that_is_silent_costs_a_moment_and_only_once(void **state)
{
	const struct row *row = *state;
	struct black_hole hole;
	uint64_t ms;
	struct rig *r;

	if (!has_two_addresses(row))
		FLOW_SKIP("an IPv4 backend, and ::1 beside it");
	r = rig_beside(row, &hole);
	rig_start(r);
	ms = echo_once(r, r->backend, 1);
	assert_in_range(ms, STAGGER_MS - 10, LATE_MS);
	/* The winner is remembered, by each worker. */
	for (size_t i = 1; i < r->options.threads; i++)
		echo_once(r, r->backend, i);
	rig_record(r, r->options.threads - 1);
	assert_in_range(echo_once(r, r->backend, 2), 0, SOON_MS);
	fill_in(&hole);
	rig_stop(r);
}

static void who_loses_never_sees_a_connection(void **state)
{
	const struct row *row = *state;
	struct black_hole hole;
	struct rig *r;
	int fd, seen = 0;

	if (!has_two_addresses(row))
		FLOW_SKIP("an IPv4 backend, and ::1 beside it");
	r = rig_beside(row, &hole);
	rig_start(r);
	echo_once(r, r->backend, 1);
	rig_record(r, 0);
	fcntl(hole.listener, F_SETFL, O_NONBLOCK);
	/* Long enough for a SYN that is sent again. */
	for (int ms = 0; ms < 1500; ms += 100) {
		while ((fd = accept(hole.listener, NULL, NULL)) >= 0) {
			seen++;
			close(fd);
		}
		rig_wait_ms(100);
	}
	assert_in_range(seen, 1, hole.count);
	fill_in(&hole);
	rig_stop(r);
}

static void an_address_that_refuses_costs_nothing(void **state)
{
	const struct row *row = *state;
	struct rig *r;

	if (row->backend_family == AF_UNIX)
		FLOW_SKIP("a Unix backend has one address");
	r = rig_new(row);
	r->at.host = "localhost";
	rig_start(r);
	assert_in_range(echo_once(r, r->backend, 1), 0, SOON_MS);
	assert_int_equal(rig_record(r, 0).backend.family, row->backend_family);
	rig_stop(r);
}

static void a_backend_that_failed_comes_last_for_a_while(void **state)
{
	const struct row *row = *state;
	struct rig *r = rig_new(row);
	struct relay_backend two[2] = {{.host = NULL}, r->at};
	struct black_hole hole;

	if (row->backend_family == AF_UNIX)
		two[0].addr = (struct addr){.family = AF_UNIX,
					    .path = rig_path(r, "hole")};
	else
		close(peer_refuse(row->backend_family, NULL, &two[0].addr));
	assert_true(dig(&hole, &two[0].addr));
	r->route.backends = two;
	r->route.count = 2;
	r->route.connect_timeout_ms = TIMEOUT_MS;
	r->options.threads = 1;
	rig_start(r);
	assert_true(echo_once(r, r->backend, 1) >= TIMEOUT_MS);
	assert_in_range(echo_once(r, r->backend, 2), 0, SOON_MS);
	rig_wait_ms(DOWN_MS);
	assert_true(echo_once(r, r->backend, 3) >= TIMEOUT_MS);
	fill_in(&hole);
	rig_stop(r);
}

static void when_all_have_failed_all_are_tried(void **state)
{
	const struct row *row = *state;
	struct rig *r = rig_new(row);
	struct relay_backend two[2] = {{.host = NULL}, {.host = NULL}};
	int client, first, second;

	first = peer_refuse(row->backend_family, rig_path(r, "first"),
			    &two[0].addr);
	second = peer_refuse(row->backend_family, rig_path(r, "second"),
			     &two[1].addr);
	r->route.backends = two;
	r->route.count = 2;
	rig_start(r);
	client = rig_connect(r);
	assert_int_equal(peer_readable(client), 0);
	close(client);
	assert_int_equal(rig_record(r, 0).reason, CLOSE_UNREACHABLE);
	assert_int_equal(listen(second, 8), 0);
	echo_once(r, second, 1);
	assert_int_equal(listen(first, 8), 0);
	close(second);
	echo_once(r, first, 2);
	close(first);
	rig_stop(r);
}

/* When no more may be tried at a time, the next has its turn when one of them is
 * given up. */
static void behind_many_that_are_silent_one_is_reached(void **state)
{
	const struct row *row = *state;
	struct relay_backend backends[LANES + 1] = {{.host = NULL}};
	struct black_hole holes[LANES];
	struct rig *r;
	uint64_t ms;

	if (row->backend_family != AF_INET || row->client_family != AF_INET)
		FLOW_SKIP("IPv4 at both ends");
	r = rig_new(row);
	for (int i = 0; i < LANES; i++) {
		holes[i].listener = peer_refuse(AF_INET, rig_path(r, "hole"),
						&backends[i].addr);
		assert_int_equal(listen(holes[i].listener, 0), 0);
		holes[i].count = peer_fill_backlog(&backends[i].addr,
						   holes[i].fillers, FILLERS);
	}
	backends[LANES].addr = r->at.addr;
	r->route.backends = backends;
	r->route.count = LANES + 1;
	r->route.connect_timeout_ms = LANES_TIMEOUT_MS;
	rig_start(r);
	ms = echo_once(r, r->backend, 1);
	assert_in_range(ms, LANES_TIMEOUT_MS - 10, LANES_LATE_MS);
	for (int i = 0; i < LANES; i++)
		fill_in(&holes[i]);
	rig_stop(r);
}

/* The address that refuses must not end what the silent one may still become. */
static void one_that_refuses_leaves_the_silent_one_its_time(void **state)
{
	const struct row *row = *state;
	struct black_hole hole;
	struct rig *r;
	struct record what;
	int client;

	if (!has_two_addresses(row))
		FLOW_SKIP("an IPv4 backend, and ::1 beside it");
	r = rig_beside(row, &hole);
	close(r->backend);
	r->backend = -1;
	r->route.connect_timeout_ms = 2 * TIMEOUT_MS;
	rig_start(r);
	client = rig_connect(r);
	assert_int_equal(peer_readable(client), 0);
	close(client);
	what = rig_record(r, 0);
	assert_int_equal(what.reason, CLOSE_CONNECT_TIMEOUT);
	assert_in_range(what.duration_ms, 2 * TIMEOUT_MS - 10, LATE_MS);
	fill_in(&hole);
	rig_stop(r);
}

static void a_backend_that_is_the_listener_itself_is_an_error(void **state)
{
	const struct row *row = *state;
	struct rig *r = rig_new(row);
	struct record what;
	int client;

	r->at.addr = r->front;
	rig_start(r);
	client = rig_connect(r);
	assert_int_equal(peer_readable(client), 0);
	close(client);
	what = rig_record(r, 0);
	assert_int_equal(what.reason, CLOSE_UNREACHABLE);
	assert_int_equal(what.error, -ELOOP);
	assert_true(addr_equal(&what.backend, &r->front));
	assert_int_equal(rig_stats(r).accepted, 1);
	rig_stop(r);
}

int main(void)
{
	static const struct flow_case cases[] = {
		FLOW_CASE(
			an_address_that_is_silent_costs_a_moment_and_only_once),
		FLOW_CASE_SIDE_BY_SIDE(who_loses_never_sees_a_connection),
		FLOW_CASE(an_address_that_refuses_costs_nothing),
		FLOW_CASE_SIDE_BY_SIDE(
			a_backend_that_failed_comes_last_for_a_while),
		FLOW_CASE(when_all_have_failed_all_are_tried),
		FLOW_CASE(behind_many_that_are_silent_one_is_reached),
		FLOW_CASE(one_that_refuses_leaves_the_silent_one_its_time),
		FLOW_CASE(a_backend_that_is_the_listener_itself_is_an_error),
	};

	return FLOW_RUN("race", cases);
}
