#include "engine/pump.h"

#include "support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * The pump over movers whose system calls are ours: a source gives exactly what
 * is planned, so that each turn and each change of mover can be seen.
 */

enum { SRC = 1001, DST = 1002 };

static struct {
	size_t reads[64]; /* what each read from SRC has for us, then nothing */
	size_t next;
	size_t splice_reads, copy_reads;
	int splice_error; /* a splice from SRC fails so */
	size_t in_pipe;
	size_t dst_room; /* what DST takes, in all */
	bool no_memory;
} plan;

static ssize_t planned_read(size_t most)
{
	size_t n = plan.next < COUNT(plan.reads) ? plan.reads[plan.next] : 0;

	if (n == 0) {
		errno = EAGAIN;
		return -1;
	}
	if (n > most) {
		plan.reads[plan.next] -= most;
		return (ssize_t)most;
	}
	plan.next++;
	return (ssize_t)n;
}

static ssize_t planned_write(size_t n)
{
	if (plan.dst_room == 0) {
		errno = EAGAIN;
		return -1;
	}
	if (n > plan.dst_room)
		n = plan.dst_room;
	plan.dst_room -= n;
	return (ssize_t)n;
}

static ssize_t plan_recv(int fd, void *buf, size_t size, int flags)
{
	ssize_t n;

	(void)flags;
	assert_int_equal(fd, SRC);
	plan.copy_reads++;
	n = planned_read(size);
	if (n > 0)
		memset(buf, 'x', (size_t)n);
	return n;
}

static ssize_t plan_send(int fd, const void *buf, size_t size, int flags)
{
	(void)buf;
	assert_int_equal(fd, DST);
	assert_true(flags & MSG_NOSIGNAL);
	return planned_write(size);
}

static ssize_t plan_splice(int from, off_t *from_at, int to, off_t *to_at,
			   size_t size, unsigned flags)
{
	ssize_t n;

	(void)from_at;
	(void)to_at;
	assert_true(flags & SPLICE_F_NONBLOCK);
	assert_false(flags & SPLICE_F_MORE);
	if (to == DST) {
		n = planned_write(size < plan.in_pipe ? size : plan.in_pipe);
		if (n > 0)
			plan.in_pipe -= (size_t)n;
		return n;
	}
	assert_int_equal(from, SRC);
	plan.splice_reads++;
	if (plan.splice_error) {
		errno = plan.splice_error;
		return -1;
	}
	n = planned_read(size);
	if (n > 0)
		plan.in_pipe += (size_t)n;
	return n;
}

static void *plan_malloc(size_t size)
{
	return plan.no_memory ? NULL : malloc(size);
}

/* In place of the floor's own, which are then not linked. */
#define recv   plan_recv
#define send   plan_send
#define splice plan_splice
#define malloc plan_malloc
#include "os/mover_copy.c"
#include "os/mover_splice.c"
#undef recv
#undef send
#undef splice
#undef malloc

static struct mover_pool pool;
static struct pump pump;
static int error;

enum { FULL = MOVER_SCRATCH, FAIR = 512 << 10 };

static int set_up(void **state)
{
	(void)state;
	memset(&plan, 0, sizeof(plan));
	plan.dst_room = SIZE_MAX;
	assert_int_equal(mover_pool_init(&pool, 1), 0);
	pump_init(&pump, &pool);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	pump_release(&pump);
	mover_pool_free(&pool);
	return 0;
}

/* From now on SRC has these reads; 0 ends them. */
static void source_gives(const size_t *reads)
{
	memset(plan.reads, 0, sizeof(plan.reads));
	plan.next = 0;
	for (size_t i = 0; reads[i] > 0; i++)
		plan.reads[i] = reads[i];
}

static void source_never_ends(void)
{
	memset(plan.reads, 0, sizeof(plan.reads));
	plan.next = 0;
	plan.reads[0] = SIZE_MAX / 2;
}

static enum pump_fault run(void)
{
	return pump_run(&pump, SRC, DST, &error);
}

static void a_source_that_never_ends_gets_one_turn(void **state)
{
	uint64_t before;

	(void)state;
	source_never_ends();
	assert_int_equal(run(), PUMP_FINE);
	assert_int_equal(pump.wants, PUMP_SRC);
	assert_true(pump.moved >= FAIR);
	assert_true(pump.moved <= FAIR + MOVER_PIPE);
	for (int i = 0; i < 10; i++) {
		before = pump.moved;
		assert_int_equal(run(), PUMP_FINE);
		assert_true(pump.moved > before);
		assert_true(pump.moved - before <= FAIR + MOVER_PIPE);
	}
}

static void without_pipes_the_turn_is_as_long(void **state)
{
	(void)state;
	pool.pipes_most = 0;
	source_never_ends();
	assert_int_equal(run(), PUMP_FINE);
	assert_true(pump.moved >= FAIR && pump.moved < FAIR + FULL);
	assert_int_equal(plan.splice_reads, 0);
}

static void it_splices_once_it_proves_to_be_bulk(void **state)
{
	static const size_t reads[] = {FULL, FULL, FULL, FULL, 100000, 0};

	(void)state;
	source_gives(reads);
	assert_int_equal(run(), PUMP_FINE);
	assert_int_equal(plan.copy_reads, 4);
	assert_int_equal(plan.splice_reads, 2);
	assert_int_equal(pump.moved, 4 * FULL + 100000);
	assert_ptr_equal(pump.mover.kind, &mover_splice);
}

static void a_read_that_is_not_full_begins_the_count_anew(void **state)
{
	static const size_t three[] = {FULL, FULL, FULL, 10, 0};

	(void)state;
	for (int i = 0; i < 5; i++) {
		source_gives(three);
		assert_int_equal(run(), PUMP_FINE);
	}
	assert_int_equal(plan.splice_reads, 0);
	assert_int_equal(pump.moved, 5 * (3 * FULL + 10));
}

static void a_trickle_goes_back_to_copying(void **state)
{
	static const size_t bulk[] = {FULL, FULL, FULL, FULL, FULL, 0};
	static const size_t trickle[] = {1000, 1000, 1000, 0};
	size_t spliced;

	(void)state;
	source_gives(bulk);
	assert_int_equal(run(), PUMP_FINE);
	assert_true(plan.splice_reads > 0);
	source_gives(trickle);
	spliced = plan.splice_reads;
	for (int i = 0; i < 3; i++)
		assert_int_equal(run(), PUMP_FINE);
	assert_int_equal(plan.splice_reads, spliced + 1);
	assert_ptr_equal(pump.mover.kind, &mover_copy);
	assert_int_equal(pump.moved, 5 * FULL + 3000);
	/* The pipe is there for others. */
	assert_int_equal(pool.pipes, 1);
	assert_false(list_is_empty(&pool.idle));
}

static void a_short_read_is_not_asked_again_in_the_same_turn(void **state)
{
	static const size_t reads[] = {10, 10, 0};

	(void)state;
	source_gives(reads);
	assert_int_equal(run(), PUMP_FINE);
	assert_int_equal(plan.copy_reads, 1);
	assert_int_equal(pump.moved, 10);
	assert_int_equal(pump.wants, PUMP_SRC);
}

static void what_cannot_be_spliced_is_copied_for_good(void **state)
{
	(void)state;
	plan.splice_error = EINVAL;
	source_never_ends();
	for (int i = 0; i < 10; i++)
		assert_int_equal(run(), PUMP_FINE);
	assert_int_equal(plan.splice_reads, 1);
	assert_true(pump.never_splice);
	assert_true(pump.moved >= 10 * (uint64_t)FAIR);
	assert_ptr_equal(pump.mover.kind, &mover_copy);
}

static void a_failing_splice_is_the_sources_fault(void **state)
{
	static const size_t reads[] = {FULL, FULL, FULL, FULL, FULL, 0};

	(void)state;
	plan.splice_error = ECONNRESET;
	source_gives(reads);
	assert_int_equal(run(), PUMP_SRC_FAILED);
	assert_int_equal(error, -ECONNRESET);
	assert_int_equal(run(), PUMP_FINE);
	assert_int_equal(pump.wants, PUMP_CUT);
}

static void bulk_without_a_pipe_is_copied(void **state)
{
	struct mover other;

	(void)state;
	/* The only pipe is with another. */
	mover_init(&other, &pool);
	mover_use(&other, &mover_splice);
	plan.reads[0] = 1;
	assert_int_equal(mover_splice.fill(&other, SRC), 1);
	plan.splice_reads = 0;

	source_never_ends();
	for (int i = 0; i < 3; i++)
		assert_int_equal(run(), PUMP_FINE);
	assert_int_equal(plan.splice_reads, 0);
	assert_false(pump.never_splice);
	mover_release(&other);
	assert_int_equal(run(), PUMP_FINE);
	assert_true(plan.splice_reads > 0);
}

static void no_memory_for_the_rest_is_said(void **state)
{
	static const size_t reads[] = {1000, 0};

	(void)state;
	source_gives(reads);
	plan.dst_room = 400;
	plan.no_memory = true;
	assert_int_equal(run(), PUMP_NO_MEMORY);
	assert_int_equal(error, -ENOMEM);
	assert_int_equal(pump.moved, 0);
}

static void only_the_rest_is_kept_and_is_given_first(void **state)
{
	static const size_t reads[] = {1000, 1000, 0};

	(void)state;
	source_gives(reads);
	plan.dst_room = 400;
	assert_int_equal(run(), PUMP_FINE);
	assert_int_equal(pump.wants, PUMP_DST);
	assert_int_equal(pump.mover.held, 600);
	assert_int_equal(pump.moved, 400);
	assert_int_equal(run(), PUMP_FINE);
	assert_int_equal(pump.wants, PUMP_DST);
	assert_int_equal(plan.copy_reads, 1);
	plan.dst_room = 600;
	assert_int_equal(run(), PUMP_FINE);
	assert_int_equal(pump.mover.held, 1000);
	plan.dst_room = SIZE_MAX;
	assert_int_equal(run(), PUMP_FINE);
	assert_int_equal(pump.moved, 2000);
	assert_int_equal(pump.wants, PUMP_SRC);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ROW(a_source_that_never_ends_gets_one_turn),
		ROW(without_pipes_the_turn_is_as_long),
		ROW(it_splices_once_it_proves_to_be_bulk),
		ROW(a_read_that_is_not_full_begins_the_count_anew),
		ROW(a_trickle_goes_back_to_copying),
		ROW(a_short_read_is_not_asked_again_in_the_same_turn),
		ROW(what_cannot_be_spliced_is_copied_for_good),
		ROW(a_failing_splice_is_the_sources_fault),
		ROW(bulk_without_a_pipe_is_copied),
		ROW(no_memory_for_the_rest_is_said),
		ROW(only_the_rest_is_kept_and_is_given_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
