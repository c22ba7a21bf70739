#include "os/mover.h"

#include "support/drop.h"
#include "support/pairs.h"

#include "os/proc.h"

#include <stdlib.h>

/* What a row of the list begins with. */
struct setting {
	const struct mover_kind *kind;
	enum pair_kind pair;
};

/* A mover between two connections: the test writes to in[0] and reads from
 * out[1]. */
struct rig {
	struct mover_pool pool;
	struct mover mover;
	int in[2], out[2];
	size_t sent, got;
	bool able;
};

static int set_up(void **state)
{
	const struct setting *with = *state;
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	*state = r;
	assert_int_equal(mover_pool_init(&r->pool, 2), 0);
	mover_init(&r->mover, &r->pool);
	mover_use(&r->mover, with->kind);
	r->in[0] = r->in[1] = r->out[0] = r->out[1] = -1;
	r->able = pair_open(with->pair, r->in) &&
		  pair_open(with->pair, r->out) &&
		  (with->kind == &mover_copy || mover_pool_has_pipe(&r->pool));
	return 0;
}

static int tear_down(void **state)
{
	struct rig *r = *state;

	mover_release(&r->mover);
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

static ssize_t fill(struct rig *r)
{
	return r->mover.kind->fill(&r->mover, r->in[1]);
}

static ssize_t drain(struct rig *r)
{
	return r->mover.kind->drain(&r->mover, r->out[0], false);
}

static void put(struct rig *r, size_t n)
{
	size_t end = r->sent + n;

	pattern_write(r->in[0], &r->sent, end);
	assert_int_equal(r->sent, end);
	fd_wait(r->in[1], POLLIN);
}

/* Take what is there to be taken. Returns the last answer. */
static ssize_t fill_all(struct rig *r)
{
	ssize_t n;

	do
		n = fill(r);
	while (n > 0 && r->mover.kind == &mover_splice);
	return n;
}

/* Give all that is held, to a reader who reads. */
static void drain_all(struct rig *r)
{
	while (r->mover.held > 0) {
		ssize_t n = drain(r);

		assert_true(n > 0 || n == -EAGAIN);
		assert_true(pattern_read(r->out[1], &r->got, SIZE_MAX));
	}
}

static void read_the_rest(struct rig *r)
{
	while (r->got < r->sent) {
		fd_wait(r->out[1], POLLIN);
		assert_true(pattern_read(r->out[1], &r->got, SIZE_MAX));
	}
	assert_int_equal(r->got, r->sent);
}

static void bytes_come_out_in_the_order_they_went_in(void **state)
{
	struct rig *r = rig(state);
	const size_t all = 3 << 20;

	while (r->got < all) {
		ssize_t n;

		pattern_write(r->in[0], &r->sent, all);
		n = fill(r);
		assert_true(n > 0 || n == -EAGAIN);
		if (n > 0)
			assert_true(r->mover.held >= (size_t)n);
		drain_all(r);
		assert_true(pattern_read(r->out[1], &r->got, SIZE_MAX));
	}
	assert_int_equal(r->got, all);
	assert_int_equal(fill(r), -EAGAIN);
}

static void nothing_to_read_is_eagain_and_nothing_is_held(void **state)
{
	struct rig *r = rig(state);

	assert_int_equal(fill(r), -EAGAIN);
	assert_int_equal(r->mover.held, 0);
	put(r, 1);
	assert_int_equal(fill(r), 1);
	drain_all(r);
	assert_int_equal(fill(r), -EAGAIN);
	assert_int_equal(r->mover.held, 0);
}

static void a_mover_that_holds_nothing_owns_nothing(void **state)
{
	struct rig *r = rig(state);
	size_t pipes = r->pool.pipes;

	assert_null(r->mover.kept);
	put(r, 1000);
	assert_int_equal(fill(r), 1000);
	drain_all(r);
	assert_null(r->mover.at);
	assert_null(r->mover.kept);
	assert_int_equal(r->pool.pipes, pipes);
	assert_int_equal(list_is_empty(&r->pool.idle), pipes == 0);
	assert_int_equal(fill(r), -EAGAIN);
	assert_int_equal(list_is_empty(&r->pool.idle), pipes == 0);
}

static void the_end_of_the_stream_comes_after_its_bytes(void **state)
{
	struct rig *r = rig(state);

	put(r, 5000);
	shutdown(r->in[0], SHUT_WR);
	while (r->got < r->sent) {
		assert_true(fill(r) > 0);
		drain_all(r);
		assert_true(pattern_read(r->out[1], &r->got, SIZE_MAX));
	}
	assert_int_equal(fill(r), 0);
	assert_int_equal(fill(r), 0);
	assert_int_equal(r->mover.held, 0);
}

static void a_far_side_that_is_full_loses_nothing(void **state)
{
	struct rig *r = rig(state);
	const size_t all = 1 << 20;
	size_t times_full = 0;

	pair_narrow(r->out[0], r->out[1]);
	while (r->got < all) {
		ssize_t n = 1;

		pattern_write(r->in[0], &r->sent, all);
		if (r->mover.held == 0)
			n = fill(r);
		assert_true(n > 0 || n == -EAGAIN);
		while (r->mover.held > 0 && (n = drain(r)) > 0)
			;
		if (r->mover.held > 0) {
			assert_int_equal(n, -EAGAIN);
			assert_int_equal(drain(r), -EAGAIN);
			times_full++;
			fd_wait(r->out[1], POLLIN);
		}
		/* A slow reader: less than what is held, at odd places. */
		assert_true(pattern_read(r->out[1], &r->got, 4097));
	}
	assert_int_equal(r->got, all);
	assert_true(times_full > 2);
}

static void
while_bytes_are_held_it_asks_to_drain_and_never_to_wait(void **state)
{
	struct rig *r = rig(state);

	put(r, 10);
	assert_int_equal(fill_all(r),
			 r->mover.kind == &mover_copy ? 10 : -ENOBUFS);
	assert_int_equal(fill(r), -ENOBUFS);
	assert_int_equal(r->mover.held, 10);
	put(r, 10);
	assert_int_equal(fill_all(r), -ENOBUFS);
	drain_all(r);
	while (fill(r) > 0)
		drain_all(r);
	read_the_rest(r);
}

/* Each of these fills one slot of a pipe, however small it is. */
static void many_tiny_segments_all_get_across(void **state)
{
	struct rig *r = rig(state);
	const size_t all = 2000;
	ssize_t n;

	while (r->got < all) {
		for (int i = 0; i < 300 && r->sent < all; i++)
			pattern_write(r->in[0], &r->sent, r->sent + 1);
		n = fill_all(r);
		assert_true(n > 0 || n == -ENOBUFS || n == -EAGAIN);
		if (n == -ENOBUFS)
			assert_true(r->mover.held > 0);
		if (n == -EAGAIN)
			assert_int_equal(r->mover.held, 0);
		drain_all(r);
		assert_true(pattern_read(r->out[1], &r->got, SIZE_MAX));
	}
	assert_int_equal(r->got, all);
}

static void one_connections_bytes_never_come_out_of_another(void **state)
{
	struct rig *r = rig(state);
	static const char secret[] = "secret secret secret";
	struct mover other;
	int in[2];
	ssize_t n;

	assert_true(pair_open(PAIR_UNIX, in));
	mover_init(&other, &r->pool);
	mover_use(&other, r->mover.kind);
	for (int i = 0; i < 4; i++) {
		n = write(in[0], secret, sizeof(secret));
		assert_int_equal(n, sizeof(secret));
		assert_int_equal(other.kind->fill(&other, in[1]), n);
		mover_release(&other);
		assert_int_equal(other.held, 0);

		put(r, 100);
		assert_int_equal(fill(r), 100);
		drain_all(r);
	}
	read_the_rest(r);
	pair_close(in);
}

/* The scratch buffer belongs to whoever fills next. */
static void what_is_held_survives_the_turn_of_others(void **state)
{
	struct rig *r = rig(state);
	static char others[MOVER_SCRATCH];
	struct mover other;
	int in[2];

	assert_true(pair_open(PAIR_UNIX, in));
	mover_init(&other, &r->pool);
	mover_use(&other, r->mover.kind);
	memset(others, 'x', sizeof(others));
	assert_true(write(in[0], others, sizeof(others)) > 0);
	pair_narrow(r->out[0], r->out[1]);
	for (;;) {
		pattern_write(r->in[0], &r->sent, SIZE_MAX);
		if (r->mover.held == 0 && fill(r) <= 0)
			continue;
		if (drain(r) == -EAGAIN)
			break;
	}
	assert_true(other.kind->fill(&other, in[1]) > 0);
	mover_release(&other);
	shutdown(r->in[0], SHUT_WR);
	do {
		drain_all(r);
		fd_wait(r->in[1], POLLIN);
	} while (fill(r) > 0);
	read_the_rest(r);
	pair_close(in);
}

static void a_far_side_that_has_gone_is_an_error(void **state)
{
	struct rig *r = rig(state);

	put(r, 10);
	assert_int_equal(fill(r), 10);
	shutdown(r->out[0], SHUT_WR);
	assert_int_equal(drain(r), -EPIPE);
}

static void data_before_a_reset_is_delivered_then_comes_the_reset(void **state)
{
	struct rig *r = rig(state);
	struct linger at_once = {.l_onoff = 1};
	ssize_t n;

	put(r, 5000);
	setsockopt(r->in[0], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	fd_close(&r->in[0]);
	while ((n = fill(r)) > 0)
		drain_all(r);
	assert_int_equal(n, -ECONNRESET);
	read_the_rest(r);
}

static void a_budget_of_n_pipes_means_n(void **state)
{
	struct rig *r = rig(state);
	struct mover movers[3];
	int in[3][2];
	char byte;

	for (int i = 0; i < 3; i++) {
		ssize_t n;

		mover_init(&movers[i], &r->pool);
		mover_use(&movers[i], &mover_splice);
		assert_true(pair_open(PAIR_UNIX, in[i]));
		assert_int_equal(write(in[i][0], "x", 1), 1);
		assert_int_equal(mover_pool_has_pipe(&r->pool), i < 2);
		n = mover_splice.fill(&movers[i], in[i][1]);
		assert_int_equal(n, i < 2 ? 1 : -EINVAL);
	}
	assert_int_equal(r->pool.pipes, 2);

	assert_int_equal(mover_splice.drain(&movers[0], in[0][1], false), 1);
	assert_int_equal(read(in[0][0], &byte, 1), 1);
	assert_true(mover_pool_has_pipe(&r->pool));
	assert_int_equal(mover_splice.fill(&movers[2], in[2][1]), 1);

	mover_release(&movers[1]);
	assert_int_equal(r->pool.pipes, 1);
	assert_true(mover_pool_has_pipe(&r->pool));
	assert_int_equal(r->pool.pipes, 2);
	for (int i = 0; i < 3; i++) {
		mover_release(&movers[i]);
		pair_close(in[i]);
	}
}

static void without_a_budget_there_is_no_pipe(void **state)
{
	struct mover_pool pool;

	(void)state;
	assert_int_equal(mover_pool_init(&pool, 0), 0);
	assert_false(mover_pool_has_pipe(&pool));
	assert_int_equal(pool.pipes, 0);
	mover_pool_free(&pool);
}

enum { PIPES = 80, RATION = 16384 };

struct crowd {
	struct mover_pool pool;
	struct mover movers[PIPES];
	int in[2], out[2];
};

static const char *carry(struct crowd *c, struct mover *m, char byte)
{
	char got = 0;

	if (m->held == 0 &&
	    (write(c->in[0], &byte, 1) != 1 || m->kind->fill(m, c->in[1]) != 1))
		return "a mover could not be filled";
	if (m->kind->drain(m, c->out[0], false) != 1 ||
	    read(c->out[1], &got, 1) != 1)
		return "a mover could not be drained";
	return got == byte ? NULL : "a byte came out of the wrong mover";
}

/* pipe(7): 64 pipes of 1 MiB are all that an ordinary user has. */
static const char *exhaust_the_ration(void *data)
{
	struct crowd *c = data;
	const char *wrong = NULL;
	size_t n;

	for (n = 0; n < PIPES && mover_pool_has_pipe(&c->pool); n++) {
		char byte = (char)n;

		mover_init(&c->movers[n], &c->pool);
		mover_use(&c->movers[n], &mover_splice);
		if (write(c->in[0], &byte, 1) != 1 ||
		    mover_splice.fill(&c->movers[n], c->in[1]) != 1)
			return "a pipe that was promised was not there";
	}
	/* Other programs of this user have it all. */
	if (n == 0 && getuid() != DROP_USER)
		_exit(DROP_CANNOT);
	/* What is left behind the last large one may do for some smaller. */
	if (n == 0 || n > 64 + 6)
		return "the pool did not stop at the ration";
	if (c->pool.pipes != n)
		return "a pipe that is too small was kept";
	if (mover_splice.fill(&c->movers[n], c->in[1]) != -EINVAL)
		return "a mover without a pipe did not say so";

	mover_use(&c->movers[n], &mover_copy);
	wrong = carry(c, &c->movers[n], 'c');
	for (size_t i = 0; i < n && !wrong; i++)
		wrong = carry(c, &c->movers[i], (char)i);
	/* Those that are idle now serve again. */
	for (size_t i = 0; i < n && !wrong; i++)
		wrong = carry(c, &c->movers[i], 'x');
	mover_pool_free(&c->pool);
	return wrong;
}

static void past_the_ration_of_pipes_nothing_breaks(void **state)
{
	FILE *ration = fopen("/proc/sys/fs/pipe-user-pages-soft", "r");
	struct crowd *c = calloc(1, sizeof(*c));
	long pages = 0;

	(void)state;
	assert_non_null(c);
	if (ration) {
		if (fscanf(ration, "%ld", &pages) != 1)
			pages = 0;
		fclose(ration);
	}
	if (pages != RATION || sysconf(_SC_PAGESIZE) != 4096) {
		print_message("skipped: pipes are rationed otherwise here\n");
		free(c);
		skip();
	}
	proc_raise_descriptor_limit();
	assert_int_equal(mover_pool_init(&c->pool, PIPES), 0);
	for (size_t i = 0; i < PIPES; i++)
		mover_init(&c->movers[i], &c->pool);
	assert_true(pair_open(PAIR_UNIX, c->in));
	assert_true(pair_open(PAIR_UNIX, c->out));
	as_ordinary_user(exhaust_the_ration, c);
	pair_close(c->in);
	pair_close(c->out);
	mover_pool_free(&c->pool);
	free(c);
}

static struct setting copy_unix = {&mover_copy, PAIR_UNIX};
static struct setting copy_tcp = {&mover_copy, PAIR_TCP4};
static struct setting splice_unix = {&mover_splice, PAIR_UNIX};
static struct setting splice_tcp = {&mover_splice, PAIR_TCP6};

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
		BOTH(bytes_come_out_in_the_order_they_went_in),
		BOTH(nothing_to_read_is_eagain_and_nothing_is_held),
		BOTH(a_mover_that_holds_nothing_owns_nothing),
		BOTH(the_end_of_the_stream_comes_after_its_bytes),
		BOTH(a_far_side_that_is_full_loses_nothing),
		BOTH(while_bytes_are_held_it_asks_to_drain_and_never_to_wait),
		BOTH(many_tiny_segments_all_get_across),
		BOTH(one_connections_bytes_never_come_out_of_another),
		BOTH(what_is_held_survives_the_turn_of_others),
		BOTH(a_far_side_that_has_gone_is_an_error),
		TCP(data_before_a_reset_is_delivered_then_comes_the_reset),
		cmocka_unit_test_prestate_setup_teardown(
			a_budget_of_n_pipes_means_n, set_up, tear_down,
			&splice_unix),
		cmocka_unit_test(without_a_budget_there_is_no_pipe),
		cmocka_unit_test(past_the_ration_of_pipes_nothing_breaks),
	};

	proc_ignore_sigpipe();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
