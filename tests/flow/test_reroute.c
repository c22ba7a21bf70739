#include "knock.h"
#include "look.h"
#include "matrix.h"
#include "os/sock.h"
#include "peer.h"
#include "rig.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cm.h"

/* Listeners that are given another route while the relay runs. */

enum {
	BYTES = 100000,
	BACKLOG = 16,
	ROUNDS = 40,
	CALLERS = 4,
	LONG_MS = 60000,
	PAUSE_MS = 100,
};

/* A route and all that it points to, in memory that is freed with the last
 * connection. */
struct lease {
	struct relay_route route; /* data: the lease */
	struct relay_backend backend;
	struct relay_tally tally;
	struct relay_door door;
	size_t open;
	bool served; /* by the listener */
};

static size_t leases;

static void let_go(struct lease *l)
{
	if (l->open > 0 || l->served)
		return;
	__atomic_fetch_sub(&leases, 1, __ATOMIC_SEQ_CST);
	free(l);
}

static bool on_arrived(void *data, const struct relay_route *route)
{
	struct lease *l = route->data;

	(void)data;
	if (l)
		l->open++;
	return true;
}

static void on_left(void *data, const struct relay_route *route,
		    const struct record *what)
{
	struct lease *l = route->data;

	(void)data;
	(void)what;
	if (!l)
		return;
	l->open--;
	let_go(l);
}

static struct lease *lease_new(const struct rig *r, const struct addr *to)
{
	struct lease *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	l->route = r->route;
	l->backend = (struct relay_backend){.addr = *to, .tally = &l->tally};
	l->door = (struct relay_door){
		.allow_others = true,
		.per_source = {.connections = BACKLOG, .rate = {1000, 1000}},
	};
	l->route.backends = &l->backend;
	l->route.door = &l->door;
	l->route.data = l;
	__atomic_fetch_add(&leases, 1, __ATOMIC_SEQ_CST);
	return l;
}

static struct rig *rig_of_leases(const struct row *row)
{
	struct rig *r = rig_new(row);

	leases = 0;
	r->options.arrived = on_arrived;
	r->options.left = on_left;
	return r;
}

struct change {
	struct lease *from, *to;
};

static void do_change(struct rig *r, void *data)
{
	struct change *c = data;

	assert_int_equal(
		relay_reroute(rig_relay(r), rig_front_fd(r), &c->to->route), 0);
	c->to->served = true;
	if (!c->from)
		return;
	c->from->served = false;
	let_go(c->from);
}

/* Give the front a lease, and back the one that it had. */
static void change(struct rig *r, struct lease *from, struct lease *to)
{
	struct change c = {from, to};

	rig_call(r, do_change, &c);
}

static void expect_both_ways(int client, int backend)
{
	assert_int_equal(peer_send(client, 1, 0, BYTES), 0);
	assert_int_equal(peer_take(backend, 1, 0, BYTES), 0);
	assert_int_equal(peer_send(backend, 2, 0, BYTES), 0);
	assert_int_equal(peer_take(client, 2, 0, BYTES), 0);
}

static void hang_up(int client, int backend)
{
	close(client);
	assert_int_equal(peer_end(backend), 0);
	close(backend);
}

static int accept_from(int listener)
{
	int fd = peer_accept(listener);

	assert_true(fd >= 0);
	return fd;
}

static void
new_clients_get_the_new_backend_and_old_ones_keep_theirs(void **state)
{
	const struct row *row = *state;
	struct rig *r = rig_run(row);
	struct relay_backend other = {.host = NULL};
	struct relay_route route = r->route;
	int listener = peer_listen(row->backend_family, rig_path(r, "other"),
				   BACKLOG, &other.addr);
	int old = rig_connect(r), old_backend = rig_accept(r), new, new_backend;
	struct record what;

	assert_true(listener >= 0);
	route.backends = &other;
	assert_int_equal(rig_reroute(r, rig_front_fd(r), &route), 0);
	new = rig_connect(r);
	new_backend = accept_from(listener);
	expect_both_ways(old, old_backend);
	expect_both_ways(new, new_backend);
	hang_up(new, new_backend);
	rig_record(r, 0);
	hang_up(old, old_backend);
	what = rig_record(r, 1);
	assert_true(addr_equal(&what.backend, &r->at.addr));
	assert_int_equal(rig_reroute(r, rig_front_fd(r), &r->route), 0);
	new = rig_connect(r);
	new_backend = rig_accept(r);
	hang_up(new, new_backend);
	close(listener);
	rig_stop(r);
}

static void a_listener_that_is_not_there_is_enoent(void **state)
{
	struct rig *r = rig_run(*state);
	struct addr where;
	int fd = rig_listen(r, &r->route, &where);

	assert_int_equal(rig_reroute(r, -1, &r->route), -ENOENT);
	assert_int_equal(look_listener(r, fd), LISTENER_OPEN);
	assert_int_equal(rig_unlisten(r, fd), 0);
	assert_int_equal(rig_reroute(r, fd, &r->route), -ENOENT);
	assert_int_equal(look_listener(r, fd), LISTENER_DEAD);
	rig_stop(r);
}

/* AddressSanitizer is the judge. */
static void a_route_may_be_freed_with_its_last_connection(void **state)
{
	struct rig *r = rig_of_leases(*state);
	struct lease *first, *second;
	int old, old_backend, new, new_backend;

	rig_start(r);
	first = lease_new(r, &r->at.addr);
	second = lease_new(r, &r->at.addr);
	change(r, NULL, first);
	old = rig_connect(r);
	old_backend = rig_accept(r);
	change(r, first, second);
	new = rig_connect(r);
	new_backend = rig_accept(r);
	expect_both_ways(old, old_backend);
	hang_up(old, old_backend);
	rig_record(r, 0);
	rig_cost(r);
	assert_int_equal(__atomic_load_n(&leases, __ATOMIC_SEQ_CST), 1);
	expect_both_ways(new, new_backend);
	hang_up(new, new_backend);
	rig_record(r, 1);
	/* Nobody is left who has it, but the listener. */
	old = rig_connect(r);
	hang_up(old, rig_accept(r));
	rig_record(r, 2);
	first = lease_new(r, &r->at.addr);
	change(r, second, first);
	assert_int_equal(__atomic_load_n(&leases, __ATOMIC_SEQ_CST), 1);
	rig_stop(r);
	free(first);
}

struct traffic {
	struct rig *r;
	pthread_t thread;
	bool stop;
	size_t rounds;
};

static void *call_again_and_again(void *data)
{
	struct traffic *t = data;

	do {
		assert_true(knock_is_let_in(t->r));
		t->rounds++;
	} while (!__atomic_load_n(&t->stop, __ATOMIC_SEQ_CST));
	return NULL;
}

static void traffic_does_not_notice(void **state)
{
	struct rig *r = rig_of_leases(*state);
	struct traffic callers[CALLERS];
	struct lease *now, *next;
	int old;

	rig_start(r);
	rig_echo(r);
	now = lease_new(r, &r->at.addr);
	change(r, NULL, now);
	old = knock(r);
	assert_true(old >= 0);
	for (int i = 0; i < CALLERS; i++) {
		callers[i] = (struct traffic){.r = r};
		assert_int_equal(pthread_create(&callers[i].thread, NULL,
						call_again_and_again,
						&callers[i]),
				 0);
	}
	for (int i = 0; i < ROUNDS; i++) {
		next = lease_new(r, &r->at.addr);
		change(r, now, next);
		now = next;
		assert_true(knock_is_let_in(r));
	}
	for (int i = 0; i < CALLERS; i++) {
		__atomic_store_n(&callers[i].stop, true, __ATOMIC_SEQ_CST);
		pthread_join(callers[i].thread, NULL);
		assert_true(callers[i].rounds > 0);
	}
	assert_int_equal(peer_send(old, 1, 1, 1), 0);
	assert_int_equal(peer_take(old, 1, 1, 1), 0);
	assert_int_equal(rig_stats(r).refused, 0);
	close(old);
	while (rig_stats(r).open > 0)
		rig_wait_ms(1);
	assert_int_equal(__atomic_load_n(&leases, __ATOMIC_SEQ_CST), 1);
	rig_stop(r);
	free(now);
}

/* Each door counts for itself, and what it counted goes back to it. */
static void a_new_door_counts_anew(void **state)
{
	struct relay_door doors[2] = {
		{.allow_others = true, .per_source = {.connections = 1}},
		{.allow_others = true, .per_source = {.connections = 1}},
	};
	struct relay_route route;
	struct rig *r;
	int old, new;

	if (!knock_has_address(*state))
		FLOW_SKIP("clients of a Unix socket are not counted");
	r = knock_rig(*state, &doors[0]);
	route = r->route;
	route.door = &doors[1];
	old = knock(r);
	assert_true(old >= 0);
	assert_false(knock_is_let_in(r));
	assert_int_equal(rig_reroute(r, rig_front_fd(r), &route), 0);
	new = knock(r);
	assert_true(new >= 0);
	assert_false(knock_is_let_in(r));
	/* It makes no room in the new one. */
	close(old);
	rig_record(r, 0);
	assert_false(knock_is_let_in(r));
	close(new);
	rig_record(r, 1);
	assert_true(knock_is_let_in(r));
	rig_record(r, 2);
	/* While the old one has a connection, coming back is no way round. */
	new = knock(r);
	assert_true(new >= 0);
	assert_int_equal(rig_reroute(r, rig_front_fd(r), &r->route), 0);
	assert_int_equal(rig_reroute(r, rig_front_fd(r), &route), 0);
	assert_false(knock_is_let_in(r));
	close(new);
	rig_stop(r);
}

static void a_hold_is_of_the_route(void **state)
{
	struct rig *r = rig_run(*state);
	struct relay_route route = r->route;
	struct addr where;
	int fd = rig_listen(r, &r->route, &where), front = rig_front_fd(r);
	int client, backend;

	rig_hold(r, true);
	assert_int_equal(look_listener(r, front), LISTENER_HELD);
	assert_int_equal(look_listener(r, fd), LISTENER_HELD);
	assert_int_equal(rig_reroute(r, fd, &route), 0);
	assert_int_equal(look_listener(r, fd), LISTENER_OPEN);
	client = peer_connect(&where);
	assert_true(client >= 0);
	backend = rig_accept(r);
	hang_up(client, backend);
	/* It comes back to one that is held. */
	assert_int_equal(rig_reroute(r, fd, &r->route), 0);
	assert_int_equal(look_listener(r, fd), LISTENER_HELD);
	client = peer_connect(&where);
	assert_true(client >= 0);
	assert_true(rig_is_still(r, PAUSE_MS));
	assert_int_equal(rig_stats(r).accepted, 1);
	rig_hold(r, false);
	backend = rig_accept(r);
	hang_up(client, backend);
	/* Nobody listens for it any more: that is forgotten. */
	rig_hold(r, true);
	assert_int_equal(rig_reroute(r, fd, &route), 0);
	assert_int_equal(rig_reroute(r, front, &route), 0);
	assert_int_equal(rig_reroute(r, front, &r->route), 0);
	assert_int_equal(look_listener(r, front), LISTENER_OPEN);
	rig_stop(r);
}

/* They wait on by the route that they came in by. */
static void who_waits_for_a_backend_keeps_it(void **state)
{
	const struct row *row = *state;
	struct rig *r = rig_of_leases(row);
	struct lease *first, *second;
	struct addr later;
	int nobody =
		peer_refuse(row->backend_family, rig_path(r, "later"), &later);
	int client, backend;

	r->route.wait_for_backend_ms = LONG_MS;
	rig_start(r);
	first = lease_new(r, &later);
	second = lease_new(r, &r->at.addr);
	change(r, NULL, first);
	client = rig_connect(r);
	look_failed(&first->backend, 1);
	change(r, first, second);
	look_phase(r, PHASE_DIALING);
	assert_int_equal(listen(nobody, BACKLOG), 0);
	backend = accept_from(nobody);
	expect_both_ways(client, backend);
	hang_up(client, backend);
	rig_record(r, 0);
	rig_cost(r);
	assert_int_equal(__atomic_load_n(&leases, __ATOMIC_SEQ_CST), 1);
	close(nobody);
	rig_stop(r);
	free(second);
}

int main(void)
{
	static const struct flow_case cases[] = {
		FLOW_CASE(
			new_clients_get_the_new_backend_and_old_ones_keep_theirs),
		FLOW_CASE(a_listener_that_is_not_there_is_enoent),
		FLOW_CASE(a_route_may_be_freed_with_its_last_connection),
		FLOW_CASE(traffic_does_not_notice),
		FLOW_CASE(a_new_door_counts_anew),
		FLOW_CASE(a_hold_is_of_the_route),
		FLOW_CASE(who_waits_for_a_backend_keeps_it),
	};

	return FLOW_RUN("reroute", cases);
}
