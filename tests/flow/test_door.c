#include "matrix.h"
#include "peer.h"
#include "rig.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cm.h"

enum {
	MOST = 3,
	TRIES = 40,
	ROUNDS = 20,
	FOUR_A_SECOND = 4,
	TWO_A_MINUTE = 2,
	TICK_MS = 5,
};

/* The networks that the clients of this machine are in, and others. */
#define HOME_4  "127.0.0.0/8"
#define HOME_6  "::1"
#define OTHER_4 "192.0.2.0/24"
#define OTHER_6 "2001:db8::/32"

static struct relay_rule rule(bool allow, const char *net)
{
	struct relay_rule r = {.allow = allow};

	assert_int_equal(cidr_parse(&r.net, net), 0);
	return r;
}

/* Connect and be echoed. Returns the client's end, or -1 if it is reset. */
static int knock_at(const struct addr *where)
{
	int fd = peer_connect(where), err;

	/* A reset is told to whichever call comes first. */
	if (fd == -ECONNRESET)
		return -1;
	assert_true(fd >= 0);
	err = peer_send(fd, 1, 0, 1);
	if (err == 0)
		err = peer_take(fd, 1, 0, 1);
	if (err == 0)
		return fd;
	assert_int_equal(err, -ECONNRESET);
	close(fd);
	return -1;
}

static int knock(const struct rig *r)
{
	return knock_at(&r->front);
}

static bool is_let_in(const struct rig *r)
{
	int fd = knock(r);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* A rig with that door in front of an echo. */
static struct rig *rig_behind(const struct row *row,
			      const struct relay_door *door)
{
	struct rig *r = rig_new(row);

	r->route.door = door;
	rig_start(r);
	rig_echo(r);
	return r;
}

static bool has_address(const struct row *row)
{
	return row->client_family != AF_UNIX;
}

static void who_is_denied_is_reset_and_counted(void **state)
{
	struct relay_rule rules[] = {rule(false, OTHER_4), rule(false, HOME_4),
				     rule(false, HOME_6)};
	struct relay_door door = {rules, 3, true, {0}};
	struct rig *r = rig_behind(*state, &door);
	struct stats s;

	for (int i = 0; i < MOST; i++)
		assert_int_equal(is_let_in(r), !has_address(*state));
	s = rig_stats(r);
	assert_int_equal(s.refused, has_address(*state) ? MOST : 0);
	assert_int_equal(s.refused_for[REFUSED_DENIED], s.refused);
	assert_int_equal(s.accepted, has_address(*state) ? 0 : MOST);
	rig_stop(r);
}

static void whom_no_rule_fits_is_let_in_if_others_are(void **state)
{
	struct relay_rule rules[] = {rule(false, OTHER_4),
				     rule(false, OTHER_6)};
	struct relay_door door = {rules, 2, true, {0}};
	struct rig *r = rig_behind(*state, &door);

	assert_true(is_let_in(r));
	rig_stop(r);
}

static void whom_no_rule_fits_is_refused_if_others_are(void **state)
{
	struct relay_rule rules[] = {rule(true, OTHER_4), rule(true, OTHER_6)};
	struct relay_door door = {rules, 2, false, {0}};
	struct rig *r = rig_behind(*state, &door);

	assert_int_equal(is_let_in(r), !has_address(*state));
	rig_stop(r);
}

static void the_first_rule_that_fits_decides(void **state)
{
	struct relay_rule in[] = {rule(true, "127.0.0.1"), rule(true, HOME_6),
				  rule(false, HOME_4), rule(false, "::/0")};
	struct relay_rule out[] = {rule(false, "127.0.0.1"),
				   rule(false, HOME_6), rule(true, HOME_4),
				   rule(true, "::/0")};
	struct relay_door first = {in, 4, false, {0}};
	struct relay_door second = {out, 4, true, {0}};
	struct rig *r = rig_behind(*state, &first);

	assert_true(is_let_in(r));
	rig_stop(r);
	r = rig_behind(*state, &second);
	assert_int_equal(is_let_in(r), !has_address(*state));
	rig_stop(r);
}

static void a_family_is_in_no_network_of_the_other(void **state)
{
	const struct row *row = *state;
	struct relay_rule rules[] = {rule(
		false, row->client_family == AF_INET ? "::/0" : "0.0.0.0/0")};
	struct relay_door door = {rules, 1, true, {0}};
	struct rig *r = rig_behind(row, &door);

	assert_true(is_let_in(r));
	rig_stop(r);
}

static void a_source_has_so_many_at_a_time_and_no_more(void **state)
{
	struct relay_door door = {NULL, 0, true, {.connections = MOST}};
	struct rig *r = rig_behind(*state, &door);
	int fds[MOST];
	size_t ended = 0;

	for (int i = 0; i < MOST; i++) {
		fds[i] = knock(r);
		assert_true(fds[i] >= 0);
	}
	/* Each one that ends makes room for one. */
	for (int round = 0; round < ROUNDS; round++) {
		int *one = &fds[round % MOST], extra = knock(r);

		if (!has_address(*state)) {
			close(extra);
			rig_record(r, ended++);
		} else {
			assert_int_equal(extra, -1);
		}
		close(*one);
		rig_record(r, ended++);
		*one = knock(r);
		assert_true(*one >= 0);
	}
	assert_int_equal(rig_stats(r).refused_for[REFUSED_PER_SOURCE],
			 has_address(*state) ? ROUNDS : 0);
	assert_int_equal(rig_stats(r).open, MOST);
	for (int i = 0; i < MOST; i++)
		close(fds[i]);
	rig_record(r, ended + MOST - 1);
	rig_stop(r);
}

static void *knock_once(void *data)
{
	const struct rig *r = data;
	intptr_t fd = knock(r);

	return (void *)fd;
}

static void those_who_come_at_once_are_counted_right(void **state)
{
	struct relay_door door = {NULL, 0, true, {.connections = MOST}};
	struct rig *r;
	size_t ended = 0;

	if (!has_address(*state))
		FLOW_SKIP("clients of a Unix socket are not counted");
	r = rig_behind(*state, &door);
	for (int round = 0; round < 3; round++) {
		pthread_t threads[TRIES];
		int fds[TRIES], in = 0;

		for (int i = 0; i < TRIES; i++)
			assert_int_equal(pthread_create(&threads[i], NULL,
							knock_once, r),
					 0);
		for (int i = 0; i < TRIES; i++) {
			void *fd;

			pthread_join(threads[i], &fd);
			if ((intptr_t)fd >= 0)
				fds[in++] = (int)(intptr_t)fd;
		}
		assert_int_equal(in, MOST);
		for (int i = 0; i < MOST; i++)
			close(fds[i]);
		ended += MOST;
		rig_record(r, ended - 1);
	}
	assert_int_equal(rig_stats(r).refused, 3 * (TRIES - MOST));
	rig_stop(r);
}

static void who_found_no_backend_has_left_too(void **state)
{
	const struct row *row = *state;
	struct relay_door door = {NULL, 0, true, {.connections = 1}};
	struct rig *r = rig_new(row);
	int nobody = peer_refuse(row->backend_family, rig_path(r, "nobody"),
				 &r->at.addr);

	r->route.door = &door;
	rig_start(r);
	for (size_t i = 0; i < ROUNDS; i++) {
		int fd = peer_connect(&r->front);

		assert_int_equal(rig_record(r, i).reason, CLOSE_UNREACHABLE);
		if (fd >= 0)
			close(fd);
	}
	assert_int_equal(rig_stats(r).refused, 0);
	rig_stop(r);
	close(nobody);
}

static void listeners_behind_one_door_count_together(void **state)
{
	struct relay_door door = {NULL, 0, true, {.connections = 1}};
	struct rig *r = rig_behind(*state, &door);
	struct addr further;
	int first, second;

	rig_listen(r, &r->route, &further);
	first = knock(r);
	assert_true(first >= 0);
	second = knock_at(&further);
	assert_int_equal(second >= 0, !has_address(*state));
	if (second >= 0)
		close(second);
	close(first);
	rig_record(r, has_address(*state) ? 0 : 1);
	second = knock_at(&further);
	assert_true(second >= 0);
	close(second);
	rig_stop(r);
}

static void another_door_counts_apart(void **state)
{
	struct relay_door door = {NULL, 0, true, {.connections = 1}};
	struct relay_door other = door;
	struct rig *r = rig_behind(*state, &door);
	struct relay_route route = r->route;
	struct addr further;
	int fds[3];

	route.door = &other;
	rig_listen(r, &route, &further);
	fds[0] = knock(r);
	fds[1] = knock_at(&further);
	fds[2] = knock_at(&further);
	assert_true(fds[0] >= 0 && fds[1] >= 0);
	assert_int_equal(fds[2] >= 0, !has_address(*state));
	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	rig_stop(r);
}

static void so_many_new_ones_are_let_in_and_then_no_more(void **state)
{
	struct relay_door door = {
		NULL, 0, true, {.rate = {TWO_A_MINUTE, 60000}}};
	struct rig *r = rig_behind(*state, &door);
	int in = 0;

	/* That the first have gone changes nothing. */
	for (int i = 0; i < MOST + TWO_A_MINUTE; i++)
		in += is_let_in(r);
	assert_int_equal(in, has_address(*state) ? TWO_A_MINUTE
						 : MOST + TWO_A_MINUTE);
	assert_int_equal(rig_stats(r).refused_for[REFUSED_RATE],
			 has_address(*state) ? MOST : 0);
	rig_stop(r);
}

static void in_time_the_next_one_is_let_in(void **state)
{
	struct relay_door door = {
		NULL, 0, true, {.rate = {FOUR_A_SECOND, 1000}}};
	struct rig *r;
	int tries = 0;

	if (!has_address(*state))
		FLOW_SKIP("clients of a Unix socket are not counted");
	r = rig_behind(*state, &door);
	while (is_let_in(r))
		assert_in_range(++tries, 0, 1000);
	rig_wait_ms(1000 / FOUR_A_SECOND + TICK_MS);
	assert_true(is_let_in(r));
	rig_stop(r);
}

/* What the relay says, by kind. */
static struct {
	pthread_mutex_t lock;
	unsigned refused, more;
	unsigned long left_out;
	char line[256];
} said = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void on_notice(void *data, enum log_level level, const char *text)
{
	unsigned long count;

	(void)data;
	(void)level;
	pthread_mutex_lock(&said.lock);
	if (strncmp(text, "refused client=", 15) == 0) {
		said.refused++;
		snprintf(said.line, sizeof(said.line), "%s", text);
	} else if (sscanf(text, "refused %lu more,", &count) == 1) {
		said.more++;
		said.left_out += count;
	}
	pthread_mutex_unlock(&said.lock);
}

/* With a line of their own and without. */
static unsigned long refusals_said(void)
{
	unsigned long count;

	pthread_mutex_lock(&said.lock);
	count = said.refused + said.left_out;
	pthread_mutex_unlock(&said.lock);
	return count;
}

static struct rig *rig_that_refuses(const struct row *row,
				    const struct relay_door *door)
{
	struct rig *r = rig_new(row);

	said.refused = said.more = 0;
	said.left_out = 0;
	r->options.notice = on_notice;
	r->route.door = door;
	rig_start(r);
	return r;
}

static void refusals_are_said_once_a_second_and_none_is_lost(void **state)
{
	struct relay_door door = {NULL, 0, false, {0}};
	struct rig *r;
	uint64_t begun_ms;
	char text[ADDR_TEXT];
	struct addr front;

	if (!has_address(*state))
		FLOW_SKIP("clients of a Unix socket are not refused");
	r = rig_that_refuses(*state, &door);
	front = r->front;
	begun_ms = rig_now_ms();
	for (int i = 0; i < TRIES; i++)
		assert_false(is_let_in(r));
	/* The rest is said by itself. */
	while (refusals_said() < TRIES) {
		assert_in_range(rig_now_ms() - begun_ms, 0, PEER_PATIENCE_MS);
		rig_wait_ms(TICK_MS);
	}
	rig_stop(r);
	assert_int_equal(refusals_said(), TRIES);
	assert_in_range(said.refused, 1, 1 + (rig_now_ms() - begun_ms) / 1000);
	assert_in_range(said.more, 1, 1 + (rig_now_ms() - begun_ms) / 1000);
	assert_non_null(strstr(said.line, " why=denied"));
	assert_non_null(strstr(said.line, addr_print(&front, text)));
}

static void what_is_left_out_is_said_before_the_end(void **state)
{
	struct relay_door door = {NULL, 0, false, {0}};
	struct rig *r;

	if (!has_address(*state))
		FLOW_SKIP("clients of a Unix socket are not refused");
	r = rig_that_refuses(*state, &door);
	for (int i = 0; i < MOST; i++)
		assert_false(is_let_in(r));
	rig_drain(r, 0);
	assert_int_equal(refusals_said(), MOST);
	rig_stop(r);
}

/* At the limit of all nobody is accepted, so nobody is refused either. */
static void who_is_refused_takes_no_place(void **state)
{
	struct relay_door door = {NULL, 0, true, {.connections = 1}};
	struct rig *r = rig_new(*state);
	int first;

	if (!has_address(*state)) {
		rig_stop(r);
		FLOW_SKIP("clients of a Unix socket are not refused");
	}
	r->options.max_connections = 2;
	r->route.door = &door;
	rig_start(r);
	rig_echo(r);
	first = knock(r);
	assert_true(first >= 0);
	for (int i = 0; i < TRIES; i++)
		assert_false(is_let_in(r));
	assert_int_equal(rig_stats(r).open, 1);
	assert_int_equal(rig_stats(r).pauses, 0);
	close(first);
	rig_record(r, 0);
	assert_true(is_let_in(r));
	rig_stop(r);
}

static void a_drain_ends_although_clients_were_counted(void **state)
{
	struct relay_door door = {
		NULL, 0, true, {.connections = 2, .rate = {5, 60000}}};
	struct rig *r = rig_behind(*state, &door);
	int first = knock(r), second = knock(r);

	assert_true(first >= 0 && second >= 0);
	rig_drain(r, 0);
	assert_int_equal(rig_drained(r), 1);
	assert_int_equal(rig_stats(r).open, 0);
	close(first);
	close(second);
	rig_stop(r);
}

int main(void)
{
	static const struct flow_case cases[] = {
		FLOW_CASE(who_is_denied_is_reset_and_counted),
		FLOW_CASE(whom_no_rule_fits_is_let_in_if_others_are),
		FLOW_CASE(whom_no_rule_fits_is_refused_if_others_are),
		FLOW_CASE(the_first_rule_that_fits_decides),
		FLOW_CASE(a_family_is_in_no_network_of_the_other),
		FLOW_CASE(a_source_has_so_many_at_a_time_and_no_more),
		FLOW_CASE(those_who_come_at_once_are_counted_right),
		FLOW_CASE(who_found_no_backend_has_left_too),
		FLOW_CASE(listeners_behind_one_door_count_together),
		FLOW_CASE(another_door_counts_apart),
		FLOW_CASE(so_many_new_ones_are_let_in_and_then_no_more),
		FLOW_CASE_SIDE_BY_SIDE(in_time_the_next_one_is_let_in),
		FLOW_CASE_SIDE_BY_SIDE(
			refusals_are_said_once_a_second_and_none_is_lost),
		FLOW_CASE(what_is_left_out_is_said_before_the_end),
		FLOW_CASE(who_is_refused_takes_no_place),
		FLOW_CASE(a_drain_ends_although_clients_were_counted),
	};

	return FLOW_RUN("door", cases);
}
