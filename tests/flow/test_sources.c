#include "knock.h"
#include "matrix.h"
#include "peer.h"
#include "rig.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "cm.h"

/* What each source may have. */

enum {
	MOST = 3,
	TRIES = 40,
	ROUNDS = 20,
	FOUR_A_SECOND = 4,
	TWO_A_MINUTE = 2,
	TICK_MS = 5,
};

static void a_source_has_so_many_at_a_time_and_no_more(void **state)
{
	struct relay_door door = {NULL, 0, true, {.connections = MOST}};
	struct rig *r = knock_rig(*state, &door);
	int fds[MOST];
	size_t ended = 0;

	for (int i = 0; i < MOST; i++) {
		fds[i] = knock(r);
		assert_true(fds[i] >= 0);
	}
	/* Each one that ends makes room for one. */
	for (int round = 0; round < ROUNDS; round++) {
		int *one = &fds[round % MOST], extra = knock(r);

		if (!knock_has_address(*state)) {
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
			 knock_has_address(*state) ? ROUNDS : 0);
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

	if (!knock_has_address(*state))
		FLOW_SKIP("clients of a Unix socket are not counted");
	r = knock_rig(*state, &door);
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
	struct rig *r = knock_rig(*state, &door);
	struct addr further;
	int first, second;

	rig_listen(r, &r->route, &further);
	first = knock(r);
	assert_true(first >= 0);
	second = knock_at(&further);
	assert_int_equal(second >= 0, !knock_has_address(*state));
	if (second >= 0)
		close(second);
	close(first);
	rig_record(r, knock_has_address(*state) ? 0 : 1);
	second = knock_at(&further);
	assert_true(second >= 0);
	close(second);
	rig_stop(r);
}

static void another_door_counts_apart(void **state)
{
	struct relay_door door = {NULL, 0, true, {.connections = 1}};
	struct relay_door other = door;
	struct rig *r = knock_rig(*state, &door);
	struct relay_route route = r->route;
	struct addr further;
	int fds[3];

	route.door = &other;
	rig_listen(r, &route, &further);
	fds[0] = knock(r);
	fds[1] = knock_at(&further);
	fds[2] = knock_at(&further);
	assert_true(fds[0] >= 0 && fds[1] >= 0);
	assert_int_equal(fds[2] >= 0, !knock_has_address(*state));
	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	rig_stop(r);
}

static void so_many_new_ones_are_let_in_and_then_no_more(void **state)
{
	struct relay_door door = {
		NULL, 0, true, {.rate = {TWO_A_MINUTE, 60000}}};
	struct rig *r = knock_rig(*state, &door);
	int in = 0;

	/* That the first have gone changes nothing. */
	for (int i = 0; i < MOST + TWO_A_MINUTE; i++)
		in += knock_is_let_in(r);
	assert_int_equal(in, knock_has_address(*state) ? TWO_A_MINUTE
						       : MOST + TWO_A_MINUTE);
	assert_int_equal(rig_stats(r).refused_for[REFUSED_RATE],
			 knock_has_address(*state) ? MOST : 0);
	rig_stop(r);
}

static void in_time_the_next_one_is_let_in(void **state)
{
	struct relay_door door = {
		NULL, 0, true, {.rate = {FOUR_A_SECOND, 1000}}};
	struct rig *r;
	int tries = 0;

	if (!knock_has_address(*state))
		FLOW_SKIP("clients of a Unix socket are not counted");
	r = knock_rig(*state, &door);
	while (knock_is_let_in(r))
		assert_in_range(++tries, 0, 1000);
	rig_wait_ms(1000 / FOUR_A_SECOND + TICK_MS);
	assert_true(knock_is_let_in(r));
	rig_stop(r);
}

/* At the limit of all nobody is accepted, so nobody is refused either. */
static void who_is_refused_takes_no_place(void **state)
{
	struct relay_door door = {NULL, 0, true, {.connections = 1}};
	struct rig *r = rig_new(*state);
	int first;

	if (!knock_has_address(*state)) {
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
		assert_false(knock_is_let_in(r));
	assert_int_equal(rig_stats(r).open, 1);
	assert_int_equal(rig_stats(r).pauses, 0);
	close(first);
	rig_record(r, 0);
	assert_true(knock_is_let_in(r));
	rig_stop(r);
}

static void a_drain_ends_although_clients_were_counted(void **state)
{
	struct relay_door door = {
		NULL, 0, true, {.connections = 2, .rate = {5, 60000}}};
	struct rig *r = knock_rig(*state, &door);
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
		FLOW_CASE(a_source_has_so_many_at_a_time_and_no_more),
		FLOW_CASE(those_who_come_at_once_are_counted_right),
		FLOW_CASE(who_found_no_backend_has_left_too),
		FLOW_CASE(listeners_behind_one_door_count_together),
		FLOW_CASE(another_door_counts_apart),
		FLOW_CASE(so_many_new_ones_are_let_in_and_then_no_more),
		FLOW_CASE_SIDE_BY_SIDE(in_time_the_next_one_is_let_in),
		FLOW_CASE(who_is_refused_takes_no_place),
		FLOW_CASE(a_drain_ends_although_clients_were_counted),
	};

	return FLOW_RUN("sources", cases);
}
