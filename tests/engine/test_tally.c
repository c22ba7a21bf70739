#include "engine/tally.h"

#include "support/unit.h"

#include <errno.h>
#include <pthread.h>

enum { THREADS = 4, TIMES = 10000 };

static void one_without_a_tally_is_not_counted(void **state)
{
	struct relay_backend b = {.host = "app.test"};
	struct relay_backend_stats s;

	(void)state;
	tally_took(&b);
	tally_failed(&b, -ECONNREFUSED);
	tally_left(&b, 1, 2);
	relay_backend_stats(&b, &s);
	assert_int_equal(s.health, BACKEND_UNTRIED);
	assert_int_equal(s.total, 0);
}

static void it_is_as_the_last_try_found_it(void **state)
{
	struct relay_tally tally = {0};
	struct relay_backend b = {.tally = &tally};
	struct relay_backend_stats s;

	(void)state;
	relay_backend_stats(&b, &s);
	assert_int_equal(s.health, BACKEND_UNTRIED);
	tally_failed(&b, -ECONNREFUSED);
	relay_backend_stats(&b, &s);
	assert_int_equal(s.health, BACKEND_DOWN);
	assert_int_equal(s.error, -ECONNREFUSED);
	tally_took(&b);
	relay_backend_stats(&b, &s);
	assert_int_equal(s.health, BACKEND_UP);
	assert_int_equal(s.error, 0);
	assert_int_equal(s.open, 1);
	tally_left(&b, 3, 5);
	relay_backend_stats(&b, &s);
	assert_int_equal(s.health, BACKEND_UP);
	assert_int_equal(s.failed, 1);
	assert_int_equal(s.total, 1);
	assert_int_equal(s.open, 0);
	assert_int_equal(s.up, 3);
	assert_int_equal(s.down, 5);
}

static void *count(void *data)
{
	for (int i = 0; i < TIMES; i++) {
		tally_took(data);
		tally_failed(data, -ETIMEDOUT);
		tally_left(data, 1, 2);
	}
	return NULL;
}

static void all_threads_count_in_it(void **state)
{
	struct relay_tally tally = {0};
	struct relay_backend b = {.tally = &tally};
	struct relay_backend_stats s;
	pthread_t threads[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count, &b),
				 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	relay_backend_stats(&b, &s);
	assert_int_equal(s.total, THREADS * TIMES);
	assert_int_equal(s.failed, THREADS * TIMES);
	assert_int_equal(s.open, 0);
	assert_int_equal(s.up, THREADS * TIMES);
	assert_int_equal(s.down, 2 * THREADS * TIMES);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_without_a_tally_is_not_counted),
		cmocka_unit_test(it_is_as_the_last_try_found_it),
		cmocka_unit_test(all_threads_count_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
