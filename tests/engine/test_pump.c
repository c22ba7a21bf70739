#include "engine/pump.h"

#include "support/pairs.h"

#include "os/proc.h"

#include <stdlib.h>
#include <sys/ioctl.h>

/* What a row of the list begins with: what the connections are, and how many
 * pipes there are to splice with. */
struct setting {
	enum pair_kind pair;
	size_t pipes;
};

/* A pump between two connections: the test writes to in[0] and reads from
 * out[1]. */
struct rig {
	struct mover_pool pool;
	struct pump pump;
	int in[2], out[2];
	size_t sent, got;
	int error;
	bool able;
};

static int set_up(void **state)
{
	const struct setting *with = *state;
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	*state = r;
	assert_int_equal(mover_pool_init(&r->pool, with->pipes), 0);
	pump_init(&r->pump, &r->pool);
	r->in[0] = r->in[1] = r->out[0] = r->out[1] = -1;
	r->able = pair_open(with->pair, r->in) && pair_open(with->pair, r->out);
	return 0;
}

static int tear_down(void **state)
{
	struct rig *r = *state;

	pump_release(&r->pump);
	mover_pool_free(&r->pool);
	pair_close(r->in);
	pair_close(r->out);
	free(r);
	return 0;
}

static struct rig *rig(void **state)
{
	struct rig *r = *state;

	if (!r->able) {
		print_message("skipped: not on this system\n");
		skip();
	}
	return r;
}

static enum pump_fault run(struct rig *r)
{
	return pump_run(&r->pump, r->in[1], r->out[0], &r->error);
}

static void put(struct rig *r, size_t n)
{
	size_t end = r->sent + n;

	pattern_write(r->in[0], &r->sent, end);
	assert_int_equal(r->sent, end);
	fd_wait(r->in[1], POLLIN);
}

/* The reader has got everything, and then sees the end, or does not. */
static void assert_received(struct rig *r, bool ended)
{
	bool open = true;

	while (r->got < r->sent) {
		fd_wait(r->out[1], POLLIN);
		open = pattern_read(r->out[1], &r->got, SIZE_MAX);
		assert_true(open || r->got == r->sent);
	}
	if (ended && open) {
		fd_wait(r->out[1], POLLIN);
		open = pattern_read(r->out[1], &r->got, SIZE_MAX);
	} else if (!ended) {
		open = pattern_read(r->out[1], &r->got, SIZE_MAX);
	}
	assert_int_equal(open, !ended);
	assert_int_equal(r->got, r->sent);
}

/* Write until the pump holds what the far side does not take. */
static void stall(struct rig *r)
{
	pair_narrow(r->out[0], r->out[1]);
	do {
		pattern_write(r->in[0], &r->sent, SIZE_MAX);
		assert_int_equal(run(r), PUMP_FINE);
	} while (r->pump.wants != PUMP_DST);
	assert_true(r->pump.mover.held > 0);
}

/* Read at the far side and run, until the pump has come to its end. */
static enum pump_fault resume(struct rig *r)
{
	enum pump_fault fault = PUMP_FINE;

	while (!pump_is_over(&r->pump) && fault == PUMP_FINE) {
		fault = run(r);
		pattern_read(r->out[1], &r->got, SIZE_MAX);
	}
	return fault;
}

static void bytes_cross_and_are_counted(void **state)
{
	struct rig *r = rig(state);

	assert_int_equal(r->pump.wants, PUMP_SRC);
	put(r, 1);
	assert_int_equal(run(r), PUMP_FINE);
	put(r, 3000);
	assert_int_equal(run(r), PUMP_FINE);
	assert_int_equal(r->pump.wants, PUMP_SRC);
	assert_int_equal(r->pump.moved, 3001);
	assert_false(pump_is_over(&r->pump));
	assert_received(r, false);
	assert_int_equal(run(r), PUMP_FINE);
	assert_int_equal(r->pump.wants, PUMP_SRC);
}

static void the_end_of_the_stream_is_passed_on(void **state)
{
	struct rig *r = rig(state);

	put(r, 100);
	shutdown(r->in[0], SHUT_WR);
	while (!pump_is_over(&r->pump))
		assert_int_equal(run(r), PUMP_FINE);
	assert_int_equal(r->pump.wants, PUMP_END);
	assert_received(r, true);
}

static void a_stream_without_a_byte_has_an_end_too(void **state)
{
	struct rig *r = rig(state);

	shutdown(r->in[0], SHUT_WR);
	fd_wait(r->in[1], POLLIN);
	assert_int_equal(run(r), PUMP_FINE);
	assert_int_equal(r->pump.wants, PUMP_END);
	assert_received(r, true);
}

static void the_other_way_stays_open_after_the_end(void **state)
{
	struct rig *r = rig(state);
	char byte = 0;

	shutdown(r->in[0], SHUT_WR);
	fd_wait(r->in[1], POLLIN);
	assert_int_equal(run(r), PUMP_FINE);
	assert_int_equal(send(r->out[1], "x", 1, 0), 1);
	fd_wait(r->out[0], POLLIN);
	assert_int_equal(recv(r->out[0], &byte, 1, 0), 1);
	assert_int_equal(send(r->in[1], "y", 1, 0), 1);
	fd_wait(r->in[0], POLLIN);
	assert_int_equal(recv(r->in[0], &byte, 1, 0), 1);
	assert_int_equal(byte, 'y');
}

static void the_end_comes_only_after_the_held_bytes(void **state)
{
	struct rig *r = rig(state);

	stall(r);
	shutdown(r->in[0], SHUT_WR);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(run(r), PUMP_FINE);
		assert_false(pump_is_over(&r->pump));
	}
	assert_int_equal(resume(r), PUMP_FINE);
	assert_int_equal(r->pump.wants, PUMP_END);
	assert_int_equal(r->pump.moved, r->sent);
	assert_received(r, true);
}

/* Whoever stops reading must not make the pump read on. */
static void a_far_side_that_is_full_stops_the_reading(void **state)
{
	struct rig *r = rig(state);

	stall(r);
	for (int i = 0; i < 100; i++) {
		pattern_write(r->in[0], &r->sent, SIZE_MAX);
		assert_int_equal(run(r), PUMP_FINE);
		assert_true(r->pump.mover.held <= MOVER_PIPE);
	}
	/* What the system holds between two sockets, and no more. */
	assert_true(r->pump.moved < 2 << 20);
}

/* Reset, and wait until that has arrived. */
static void reset_source(struct rig *r)
{
	struct linger at_once = {.l_onoff = 1};

	setsockopt(r->in[0], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	fd_close(&r->in[0]);
	fd_wait(r->in[1], 0);
}

static void a_reset_is_a_cut_after_what_came_before_it(void **state)
{
	struct rig *r = rig(state);
	enum pump_fault fault;

	put(r, 20000);
	reset_source(r);
	while ((fault = run(r)) == PUMP_FINE)
		pattern_read(r->out[1], &r->got, SIZE_MAX);
	assert_int_equal(fault, PUMP_SRC_FAILED);
	assert_int_equal(r->error, -ECONNRESET);
	assert_int_equal(run(r), PUMP_FINE);
	assert_int_equal(r->pump.wants, PUMP_CUT);
	assert_received(r, false);
}

static void a_reset_does_not_drop_what_is_held(void **state)
{
	struct rig *r = rig(state);
	int unread = 0;

	stall(r);
	reset_source(r);
	assert_int_equal(ioctl(r->in[1], FIONREAD, &unread), 0);
	/* The rest had not left the sender, who took it back. */
	r->sent = (size_t)r->pump.moved + r->pump.mover.held + (size_t)unread;
	assert_int_equal(resume(r), PUMP_SRC_FAILED);
	assert_int_equal(r->error, -ECONNRESET);
	assert_int_equal(resume(r), PUMP_FINE);
	assert_int_equal(r->pump.wants, PUMP_CUT);
	assert_int_equal(r->pump.moved, r->sent);
	assert_received(r, false);
}

static void a_cut_from_outside_ends_it_when_src_is_empty(void **state)
{
	struct rig *r = rig(state);

	put(r, 100);
	pump_cut(&r->pump);
	assert_int_not_equal(r->pump.wants, PUMP_CUT);
	assert_int_equal(resume(r), PUMP_SRC_FAILED);
	assert_int_equal(r->error, -ECONNRESET);
	assert_int_equal(resume(r), PUMP_FINE);
	assert_int_equal(r->pump.wants, PUMP_CUT);
	assert_received(r, false);
}

static void a_cut_makes_of_an_end_no_end(void **state)
{
	struct rig *r = rig(state);

	put(r, 100);
	shutdown(r->in[0], SHUT_WR);
	pump_cut(&r->pump);
	resume(r);
	resume(r);
	assert_int_equal(r->pump.wants, PUMP_CUT);
	assert_received(r, false);
}

static void a_cut_comes_after_an_end_that_was_passed_on(void **state)
{
	struct rig *r = rig(state);

	shutdown(r->in[0], SHUT_WR);
	fd_wait(r->in[1], POLLIN);
	assert_int_equal(run(r), PUMP_FINE);
	assert_int_equal(r->pump.wants, PUMP_END);
	pump_cut(&r->pump);
	assert_int_equal(r->pump.wants, PUMP_CUT);
}

static void a_far_side_that_has_gone_is_its_fault(void **state)
{
	struct rig *r = rig(state);

	put(r, 100);
	shutdown(r->out[0], SHUT_WR);
	assert_int_equal(run(r), PUMP_DST_FAILED);
	assert_int_equal(r->error, -EPIPE);
}

static void held_bytes_can_be_dropped_at_any_time(void **state)
{
	struct rig *r = rig(state);
	size_t pipes;

	stall(r);
	pump_release(&r->pump);
	assert_int_equal(r->pump.mover.held, 0);
	pipes = r->pool.pipes;
	mover_pool_close_pipes(&r->pool);
	assert_int_equal(r->pool.pipes, 0);
	assert_true(pipes <= 1);
}

static void a_long_stream_comes_out_as_it_went_in(void **state)
{
	struct rig *r = rig(state);
	const size_t all = 16 << 20;
	bool spliced = false;

	while (r->got < all) {
		pattern_write(r->in[0], &r->sent, all);
		assert_int_equal(run(r), PUMP_FINE);
		spliced |= r->pump.mover.kind == &mover_splice;
		assert_true(pattern_read(r->out[1], &r->got, SIZE_MAX));
	}
	if (r->pool.pipes_most == 0)
		assert_false(spliced);
	shutdown(r->in[0], SHUT_WR);
	assert_int_equal(resume(r), PUMP_FINE);
	assert_received(r, true);
}

/* Bytes of our own, which the pattern goes on from. */
static void give_prefix(struct rig *r, size_t n)
{
	char prefix[256];

	assert_true(n <= sizeof(prefix));
	for (size_t i = 0; i < n; i++)
		prefix[i] = pattern_at(r->sent + i);
	assert_int_equal(pump_prefix(&r->pump, prefix, n), 0);
	r->sent += n;
}

static void a_prefix_comes_first_and_does_not_count(void **state)
{
	struct rig *r = rig(state);

	give_prefix(r, 50);
	put(r, 3000);
	assert_int_equal(run(r), PUMP_FINE);
	assert_int_equal(r->pump.moved, 3000);
	assert_received(r, false);
	put(r, 10);
	assert_int_equal(run(r), PUMP_FINE);
	assert_int_equal(r->pump.moved, 3010);
	assert_received(r, false);
}

static void a_prefix_waits_for_no_byte_of_the_source(void **state)
{
	struct rig *r = rig(state);

	give_prefix(r, 50);
	assert_int_equal(run(r), PUMP_FINE);
	assert_int_equal(r->pump.wants, PUMP_SRC);
	assert_int_equal(r->pump.moved, 0);
	assert_received(r, false);
}

static void a_prefix_waits_for_room(void **state)
{
	struct rig *r = rig(state);

	pair_narrow(r->out[0], r->out[1]);
	pattern_write(r->out[0], &r->sent, SIZE_MAX);
	give_prefix(r, 200);
	put(r, 3000);
	shutdown(r->in[0], SHUT_WR);
	assert_int_equal(run(r), PUMP_FINE);
	assert_int_equal(r->pump.wants, PUMP_DST);
	assert_int_equal(r->pump.moved, 0);
	assert_int_equal(resume(r), PUMP_FINE);
	assert_int_equal(r->pump.moved, 3000);
	assert_received(r, true);
}

static void a_prefix_that_is_not_sent_can_be_dropped(void **state)
{
	struct rig *r = rig(state);

	give_prefix(r, 50);
	pump_release(&r->pump);
	assert_int_equal(r->pump.mover.held, 0);
}

static struct setting copy_unix = {PAIR_UNIX, 0};
static struct setting copy_tcp = {PAIR_TCP4, 0};
static struct setting splice_unix = {PAIR_UNIX, 2};
static struct setting splice_tcp = {PAIR_TCP6, 2};

#define TCP(test)                                                  \
	UNIT_ROW(test, "copy, TCP", set_up, tear_down, &copy_tcp), \
		UNIT_ROW(test, "splice, TCP", set_up, tear_down, &splice_tcp)
#define BOTH(test)                                                   \
	UNIT_ROW(test, "copy, Unix", set_up, tear_down, &copy_unix), \
		UNIT_ROW(test, "splice, Unix", set_up, tear_down,    \
			 &splice_unix),                              \
		TCP(test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(bytes_cross_and_are_counted),
		BOTH(the_end_of_the_stream_is_passed_on),
		BOTH(a_stream_without_a_byte_has_an_end_too),
		BOTH(the_other_way_stays_open_after_the_end),
		BOTH(the_end_comes_only_after_the_held_bytes),
		BOTH(a_far_side_that_is_full_stops_the_reading),
		TCP(a_reset_is_a_cut_after_what_came_before_it),
		TCP(a_reset_does_not_drop_what_is_held),
		BOTH(a_cut_from_outside_ends_it_when_src_is_empty),
		BOTH(a_cut_makes_of_an_end_no_end),
		BOTH(a_cut_comes_after_an_end_that_was_passed_on),
		BOTH(a_far_side_that_has_gone_is_its_fault),
		BOTH(held_bytes_can_be_dropped_at_any_time),
		BOTH(a_long_stream_comes_out_as_it_went_in),
		BOTH(a_prefix_comes_first_and_does_not_count),
		BOTH(a_prefix_waits_for_no_byte_of_the_source),
		BOTH(a_prefix_waits_for_room),
		BOTH(a_prefix_that_is_not_sent_can_be_dropped),
	};

	proc_ignore_sigpipe();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
