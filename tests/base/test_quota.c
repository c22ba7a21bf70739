#include "base/quota.h"

#include "support/unit.h"

static void n_means_n(void **state)
{
	struct quota q = {.limit = 3};

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_false(quota_is_full(&q));
		assert_true(quota_take(&q));
	}
	assert_true(quota_is_full(&q));
	assert_false(quota_take(&q));
	assert_int_equal(q.used, 3);
}

static void what_is_given_back_can_be_taken_again(void **state)
{
	struct quota q = {.limit = 1};

	(void)state;
	assert_true(quota_take(&q));
	quota_give(&q);
	assert_false(quota_is_full(&q));
	assert_true(quota_take(&q));
	assert_false(quota_take(&q));
}

static void a_limit_of_zero_admits_nothing(void **state)
{
	struct quota q = {0};

	(void)state;
	assert_true(quota_is_full(&q));
	assert_false(quota_take(&q));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(n_means_n),
		cmocka_unit_test(what_is_given_back_can_be_taken_again),
		cmocka_unit_test(a_limit_of_zero_admits_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
