/* With a malloc() that may fail. */
#include <stdbool.h>
#include <stdlib.h>

static bool no_memory;

static void *scarce_malloc(size_t size)
{
	return no_memory ? NULL : malloc(size);
}

#define malloc scarce_malloc
#include "base/timeouts.c" /* NOLINT */
#undef malloc

#include "support/unit.h"

enum { START_MS = 1000, MANY = 500, STEPS = 20000, MOST_MS = 1000 };

static struct timeouts timeouts;
static struct deadline *expired[MANY];
static size_t expired_count;
static uint64_t arm_again_ms;

static void on_expired(struct deadline *d)
{
	expired[expired_count++] = d;
	if (arm_again_ms > 0)
		timeouts_arm(&timeouts, d, arm_again_ms, START_MS + 100);
}

static int set_up(void **state)
{
	(void)state;
	no_memory = false;
	expired_count = 0;
	arm_again_ms = 0;
	timeouts_init(&timeouts, on_expired);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	timeouts_free(&timeouts);
	return 0;
}

static void arm(struct deadline *d, uint64_t after_ms)
{
	timeouts_arm(&timeouts, d, after_ms, START_MS);
}

static void each_expires_after_its_own_length(void **state)
{
	static const uint64_t lengths[] = {300, 100, 200, 100};
	struct deadline d[4];

	(void)state;
	assert_true(timeouts_next(&timeouts) == UINT64_MAX);
	for (size_t i = 0; i < 4; i++) {
		deadline_init(&d[i]);
		arm(&d[i], lengths[i]);
	}
	assert_int_equal(timeouts_next(&timeouts), START_MS + 100);
	timeouts_expire(&timeouts, START_MS + 99);
	assert_int_equal(expired_count, 0);
	timeouts_expire(&timeouts, START_MS + 100);
	assert_int_equal(expired_count, 2);
	assert_ptr_equal(expired[0], &d[1]);
	assert_ptr_equal(expired[1], &d[3]);
	assert_int_equal(timeouts_next(&timeouts), START_MS + 200);
	timeouts_expire(&timeouts, START_MS + 300);
	assert_int_equal(expired_count, 4);
	assert_true(timeouts_next(&timeouts) == UINT64_MAX);
}

static void one_that_is_armed_anew_changes_its_length(void **state)
{
	struct deadline d;

	(void)state;
	deadline_init(&d);
	arm(&d, 100);
	arm(&d, 300);
	timeouts_expire(&timeouts, START_MS + 299);
	assert_int_equal(expired_count, 0);
	arm(&d, 0);
	assert_false(deadline_is_armed(&d));
	timeouts_expire(&timeouts, START_MS + 1000);
	assert_int_equal(expired_count, 0);
}

static void what_expires_may_be_armed_with_another_length(void **state)
{
	struct deadline d[3];

	(void)state;
	arm_again_ms = 50;
	for (size_t i = 0; i < 3; i++) {
		deadline_init(&d[i]);
		arm(&d[i], 80 + 10 * i);
	}
	timeouts_expire(&timeouts, START_MS + 100);
	assert_int_equal(expired_count, 3);
	assert_int_equal(timeouts_next(&timeouts), START_MS + 150);
	arm_again_ms = 0;
	timeouts_expire(&timeouts, START_MS + 150);
	assert_int_equal(expired_count, 6);
}

static void a_queue_that_nobody_uses_serves_another_length(void **state)
{
	struct deadline d, keeps[TIMEOUTS_KEPT];

	(void)state;
	deadline_init(&d);
	for (uint64_t i = 1; i < MANY; i++)
		arm(&d, i);
	assert_int_equal(timeouts.count, TIMEOUTS_KEPT);
	timeouts_expire(&timeouts, START_MS + MANY);
	assert_int_equal(expired_count, 1);
	/* More than are kept, when more are used. */
	for (uint64_t i = 0; i < TIMEOUTS_KEPT; i++) {
		deadline_init(&keeps[i]);
		arm(&keeps[i], MANY + i);
	}
	arm(&d, 1);
	assert_int_equal(timeouts.count, TIMEOUTS_KEPT + 1);
	timeouts_expire(&timeouts, START_MS + 2 * MANY);
	assert_int_equal(expired_count, 2 + TIMEOUTS_KEPT);
	assert_ptr_equal(timeouts.busy.next, &timeouts.busy);
}

static void without_memory_they_are_in_time_all_the_same(void **state)
{
	static const uint64_t lengths[] = {300, 100, 200, 100};
	struct deadline d[4];

	(void)state;
	no_memory = true;
	for (size_t i = 0; i < 4; i++) {
		deadline_init(&d[i]);
		arm(&d[i], lengths[i]);
	}
	assert_int_equal(timeouts.count, 0);
	assert_int_equal(timeouts_next(&timeouts), START_MS + 100);
	arm(&d[1], 250);
	timeouts_expire(&timeouts, START_MS + 300);
	assert_int_equal(expired_count, 4);
	assert_ptr_equal(expired[0], &d[3]);
	assert_ptr_equal(expired[1], &d[2]);
	assert_ptr_equal(expired[2], &d[1]);
	assert_ptr_equal(expired[3], &d[0]);
}

/* Against the plain way: a due time for each. */
static void any_order_of_arming_is_in_time(void **state)
{
	struct deadline d[MANY];
	uint64_t due_ms[MANY] = {0}, now_ms = START_MS;

	(void)state;
	srand(1);
	for (size_t i = 0; i < MANY; i++)
		deadline_init(&d[i]);
	for (int step = 0; step < STEPS; step++) {
		size_t i = (size_t)rand() % MANY, due = 0;
		uint64_t after_ms = (uint64_t)rand() % MOST_MS;

		no_memory = rand() % 4 == 0;
		timeouts_arm(&timeouts, &d[i], after_ms, now_ms);
		due_ms[i] = after_ms > 0 ? now_ms + after_ms : 0;
		now_ms += (uint64_t)rand() % 3;
		expired_count = 0;
		timeouts_expire(&timeouts, now_ms);
		for (i = 0; i < MANY; i++) {
			if (due_ms[i] == 0 || due_ms[i] > now_ms)
				continue;
			assert_false(deadline_is_armed(&d[i]));
			due_ms[i] = 0;
			due++;
		}
		assert_int_equal(expired_count, due);
	}
	for (size_t i = 0; i < MANY; i++)
		deadline_cancel(&d[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(each_expires_after_its_own_length),
		TEST(one_that_is_armed_anew_changes_its_length),
		TEST(what_expires_may_be_armed_with_another_length),
		TEST(a_queue_that_nobody_uses_serves_another_length),
		TEST(without_memory_they_are_in_time_all_the_same),
		TEST(any_order_of_arming_is_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
