#include "look.h"

#include "knock.h"
#include "matrix.h"
#include "os/sock.h"
#include "peer.h"
#include "rig.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cm.h"

/* What can be seen of a relay while it runs. */

enum {
	BYTES = 100000,
	MANY = 50,
	PAUSE_MS = 300,
	TICK_MS = 64,
	SLOW_MS = 10000,
	LONG_MS = 60000,
	BACKLOG = 16,
};

static void hang_up(int client, int backend)
{
	close(client);
	assert_int_equal(peer_end(backend), 0);
	close(backend);
}

static void a_connection_is_seen_as_it_is(void **state)
{
	const struct row *row = *state;
	struct rig *r = rig_run(row);
	struct relay_connection c;
	struct look seen;
	uint64_t id;
	int client, backend;

	look_connections(r, &seen);
	assert_int_equal(seen.count, 0);
	client = rig_connect(r);
	backend = rig_accept(r);
	assert_int_equal(peer_send(client, 1, 0, BYTES), 0);
	assert_int_equal(peer_take(backend, 1, 0, BYTES), 0);
	assert_int_equal(peer_send(backend, 2, 0, 1), 0);
	assert_int_equal(peer_take(client, 2, 0, 1), 0);
	c = look_phase(r, PHASE_RELAYING);
	id = c.id;
	assert_true(id > 0);
	assert_ptr_equal(c.route, &r->route);
	assert_ptr_equal(c.chosen, &r->at);
	assert_true(addr_equal(&c.backend, &r->at.addr));
	assert_true(addr_equal(&c.local, &r->front));
	assert_int_equal(c.client.family, row->client_family);
	assert_int_equal(c.up, BYTES);
	assert_int_equal(c.down, 1);
	shutdown(client, SHUT_WR);
	assert_int_equal(peer_end(backend), 0);
	c = look_phase(r, PHASE_CLIENT_ENDED);
	assert_int_equal(c.id, id);
	hang_up(client, backend);
	rig_record(r, 0);
	look_connections(r, &seen);
	assert_int_equal(seen.count, 0);
	client = rig_connect(r);
	backend = rig_accept(r);
	shutdown(backend, SHUT_WR);
	assert_int_equal(peer_end(client), 0);
	c = look_phase(r, PHASE_BACKEND_ENDED);
	assert_true(c.id > id);
	close(client);
	close(backend);
	rig_stop(r);
}

/* Idle is since the last byte, either way; its clock ticks 64 ms. */
static void how_old_and_how_idle_it_is(void **state)
{
	struct rig *r = rig_run(*state);
	int client = rig_connect(r), backend = rig_accept(r);
	struct relay_connection c;

	rig_wait_ms(PAUSE_MS);
	rig_cost(r);
	c = look_phase(r, PHASE_RELAYING);
	assert_in_range(c.age_ms, PAUSE_MS - TICK_MS, SLOW_MS);
	assert_in_range(c.idle_ms, PAUSE_MS - 2 * TICK_MS, c.age_ms);
	assert_int_equal(peer_send(backend, 1, 0, 1), 0);
	assert_int_equal(peer_take(client, 1, 0, 1), 0);
	c = look_phase(r, PHASE_RELAYING);
	assert_true(c.idle_ms + PAUSE_MS - 2 * TICK_MS <= c.age_ms);
	hang_up(client, backend);
	rig_stop(r);
}

static void who_still_looks_for_a_backend_is_seen_too(void **state)
{
	const struct row *row = *state;
	struct rig *r = rig_new(row);
	struct relay_backend nobody = {.host = NULL};
	struct relay_connection c;
	struct cidr any = {.base.family = (uint16_t)row->client_family};
	struct addr where;
	struct relay_route front = r->route;
	int held = peer_refuse(row->backend_family, rig_path(r, "nobody"),
			       &nobody.addr);
	int client;

	r->route.backends = &nobody;
	r->route.wait_for_backend_ms = LONG_MS;
	front.fronts = &any;
	front.front_count = 1;
	front.unix_fronts = true;
	rig_start(r);
	rig_listen(r, &front, &where);
	client = rig_connect(r);
	c = look_phase(r, PHASE_DIALING);
	assert_int_equal(c.backend.family, AF_UNSPEC);
	assert_null(c.chosen);
	assert_true(look_reset(r, c.id));
	assert_int_equal(rig_record(r, 0).reason, CLOSE_KILLED);
	close(client);
	client = peer_connect(&where);
	assert_true(client >= 0);
	c = look_phase(r, PHASE_HEADER);
	assert_int_equal(c.up + c.down, 0);
	assert_true(look_reset(r, c.id));
	assert_int_equal(rig_record(r, 1).reason, CLOSE_KILLED);
	close(client);
	close(held);
	rig_stop(r);
}

static void all_are_told_of_and_each_has_an_id_of_its_own(void **state)
{
	struct rig *r = rig_run(*state);
	int clients[MANY], backends[MANY];
	struct look seen;

	for (int i = 0; i < MANY; i++) {
		clients[i] = rig_connect(r);
		backends[i] = rig_accept(r);
	}
	look_connections(r, &seen);
	assert_int_equal(seen.count, MANY);
	assert_true(seen.at[0].id > 0);
	for (size_t i = 1; i < seen.count; i++)
		assert_true(seen.at[i - 1].id < seen.at[i].id);
	for (int i = 0; i < MANY; i++)
		hang_up(clients[i], backends[i]);
	rig_record(r, MANY - 1);
	rig_stop(r);
}

static void one_that_is_reset_is_gone_and_the_others_are_not(void **state)
{
	const struct row *row = *state;
	struct rig *r = rig_run(row);
	int clients[3], backends[3], how;
	struct look seen;
	uint64_t id;

	for (int i = 0; i < 3; i++) {
		clients[i] = rig_connect(r);
		backends[i] = rig_accept(r);
		assert_int_equal(peer_send(clients[i], 1, 0, 1), 0);
		assert_int_equal(peer_take(backends[i], 1, 0, 1), 0);
	}
	look_connections(r, &seen);
	assert_int_equal(seen.count, 3);
	id = seen.at[1].id;
	assert_false(look_reset(r, 0));
	assert_false(look_reset(r, seen.at[2].id + 1));
	assert_true(look_reset(r, id));
	how = peer_end(clients[1]);
	assert_true(how == -ECONNRESET ||
		    (how == 0 && row->client_family == AF_UNIX));
	assert_int_equal(rig_record(r, 0).reason, CLOSE_KILLED);
	assert_false(look_reset(r, id));
	look_connections(r, &seen);
	assert_int_equal(seen.count, 2);
	for (int i = 0; i < 3; i += 2) {
		assert_int_equal(peer_send(clients[i], 1, 1, BYTES), 0);
		assert_int_equal(peer_take(backends[i], 1, 1, BYTES), 0);
	}
	for (int i = 0; i < 3; i++) {
		close(clients[i]);
		close(backends[i]);
	}
	rig_record(r, 2);
	rig_stop(r);
}

static size_t listed, dones;

static void on_each(void *data, const struct relay_connection *c)
{
	(void)data;
	assert_true(c->id > 0);
	listed++;
}

static void on_done(void *data, int err);

/* There is nothing to be listed in relay_free(), but an answer. */
static void on_reset(void *data, bool found)
{
	assert_false(found);
	dones++;
	assert_int_equal(
		relay_connections(rig_relay(data), on_each, on_done, NULL), 0);
}

static void on_done(void *data, int err)
{
	(void)data;
	assert_int_equal(err, 0);
	dones++;
}

static void do_ask(struct rig *r, void *data)
{
	(void)data;
	assert_int_equal(
		relay_connections(rig_relay(r), on_each, on_done, NULL), 0);
	assert_int_equal(relay_reset(rig_relay(r), 1000, on_reset, r), 0);
	assert_int_equal(
		relay_connections(rig_relay(r), on_each, on_done, NULL), 0);
	relay_free(rig_relay(r));
	/* With threads, from within that. */
	assert_int_equal(dones, 4);
}

static void what_was_asked_is_answered_before_the_relay_is_gone(void **state)
{
	struct rig *r = rig_run(*state);
	int clients[MANY], backends[MANY];

	listed = 0;
	dones = 0;
	for (int i = 0; i < MANY; i++) {
		clients[i] = rig_connect(r);
		backends[i] = rig_accept(r);
	}
	rig_stop_by(r, do_ask);
	assert_true(listed >= 2 * (size_t)MANY);
	for (int i = 0; i < MANY; i++) {
		close(clients[i]);
		close(backends[i]);
	}
}

static void how_a_listener_is(void **state)
{
	struct rig *r = rig_new(*state);
	int fd, client, backend;

	r->options.max_connections = 1;
	rig_start(r);
	fd = rig_front_fd(r);
	assert_int_equal(look_listener(r, fd), LISTENER_OPEN);
	assert_int_equal(look_listener(r, -1), LISTENER_DEAD);
	rig_hold(r, true);
	assert_int_equal(look_listener(r, fd), LISTENER_HELD);
	rig_hold(r, false);
	client = rig_connect(r);
	backend = rig_accept(r);
	close(rig_connect(r));
	while (look_listener(r, fd) != LISTENER_PAUSED)
		rig_wait_ms(1);
	hang_up(client, backend);
	close(rig_accept(r));
	while (look_listener(r, fd) != LISTENER_OPEN)
		rig_wait_ms(1);
	rig_drain(r, 0);
	assert_int_equal(look_listener(r, fd), LISTENER_DEAD);
	rig_drained(r);
	rig_stop(r);
}

/* It is out of order whoever did that, and we are not asked. */
static void a_listener_that_died_is_dead(void **state)
{
	struct rig *r = rig_new(*state);
	int fd;

	if (r->row->client_family == AF_UNIX) {
		rig_clear_up();
		FLOW_SKIP("a Unix listener stays one");
	}
	r->options.listener_check_ms = PAUSE_MS;
	rig_start(r);
	fd = rig_front_fd(r);
	shutdown(fd, SHUT_RD);
	while (look_listener(r, fd) != LISTENER_DEAD)
		rig_wait_ms(1);
	rig_stop(r);
}

static void each_backend_is_counted_for_itself(void **state)
{
	const struct row *row = *state;
	struct relay_tally tallies[2] = {{0}};
	struct relay_backend two[2] = {{.tally = &tallies[0]}};
	struct rig *r = rig_new(row);
	struct relay_backend_stats s;
	int client, backend, refuses;

	refuses = peer_refuse(row->backend_family, rig_path(r, "refuses"),
			      &two[0].addr);
	two[1] = r->at;
	two[1].tally = &tallies[1];
	r->route.backends = two;
	r->route.count = 2;
	r->options.threads = 1;
	rig_start(r);
	client = rig_connect(r);
	backend = rig_accept(r);
	assert_int_equal(peer_send(client, 1, 0, BYTES), 0);
	assert_int_equal(peer_take(backend, 1, 0, BYTES), 0);
	relay_backend_stats(&two[0], &s);
	assert_int_equal(s.health, BACKEND_DOWN);
	assert_int_equal(s.failed, 1);
	assert_int_equal(s.total, 0);
	assert_true(s.error == -ECONNREFUSED || s.error == -ENOENT);
	relay_backend_stats(&two[1], &s);
	assert_int_equal(s.health, BACKEND_UP);
	assert_int_equal(s.failed, 0);
	assert_int_equal(s.total, 1);
	assert_int_equal(s.open, 1);
	assert_int_equal(s.up, 0);
	assert_ptr_equal(look_phase(r, PHASE_RELAYING).chosen, &two[1]);
	hang_up(client, backend);
	s = look_ended(&two[1], 1);
	assert_int_equal(s.open, 0);
	assert_int_equal(s.up, BYTES);
	assert_int_equal(s.down, 0);
	rig_record(r, 0);
	/* The second one goes too, and then the first one comes. */
	close(r->backend);
	r->backend = -1;
	rig_expect_turned_away(r);
	relay_backend_stats(&two[0], &s);
	assert_int_equal(s.failed, 2);
	relay_backend_stats(&two[1], &s);
	assert_int_equal(s.failed, 1);
	assert_int_equal(s.health, BACKEND_DOWN);
	assert_int_equal(listen(refuses, BACKLOG), 0);
	client = rig_connect(r);
	backend = peer_accept(refuses);
	assert_true(backend >= 0);
	assert_int_equal(peer_send(client, 1, 0, 1), 0);
	assert_int_equal(peer_take(backend, 1, 0, 1), 0);
	relay_backend_stats(&two[0], &s);
	assert_int_equal(s.health, BACKEND_UP);
	assert_int_equal(s.total, 1);
	assert_int_equal(s.error, 0);
	hang_up(client, backend);
	look_ended(&two[0], 1);
	close(refuses);
	rig_stop(r);
}

int main(void)
{
	static const struct flow_case cases[] = {
		FLOW_CASE(a_connection_is_seen_as_it_is),
		FLOW_CASE_SIDE_BY_SIDE(how_old_and_how_idle_it_is),
		FLOW_CASE(who_still_looks_for_a_backend_is_seen_too),
		FLOW_CASE(all_are_told_of_and_each_has_an_id_of_its_own),
		FLOW_CASE(one_that_is_reset_is_gone_and_the_others_are_not),
		FLOW_CASE(what_was_asked_is_answered_before_the_relay_is_gone),
		FLOW_CASE(how_a_listener_is),
		FLOW_CASE_SIDE_BY_SIDE(a_listener_that_died_is_dead),
		FLOW_CASE(each_backend_is_counted_for_itself),
	};

	return FLOW_RUN("look", cases);
}
