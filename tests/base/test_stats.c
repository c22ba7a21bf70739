#include "base/stats.h"

#include "support/unit.h"

static void what_has_begun_is_open_until_it_has_ended(void **state)
{
	struct record idle = {.up = 3, .down = 5, .reason = CLOSE_IDLE};
	struct record done = {.up = 7, .down = 11, .reason = CLOSE_DONE};
	struct stats s = {0};

	(void)state;
	stats_begin(&s);
	stats_begin(&s);
	stats_begin(&s);
	stats_end(&s, &idle);
	stats_end(&s, &done);
	assert_int_equal(s.open, 1);
	assert_int_equal(s.accepted, 3);
	assert_int_equal(s.up, 10);
	assert_int_equal(s.down, 16);
	for (int i = 0; i < CLOSE_REASONS; i++)
		assert_int_equal(s.ended[i],
				 i == CLOSE_IDLE || i == CLOSE_DONE);
}

static void who_is_refused_is_counted_by_reason(void **state)
{
	struct stats s = {0};

	(void)state;
	for (int i = 0; i < REFUSALS; i++)
		for (int n = 0; n <= i; n++)
			stats_refuse(&s, (enum refusal)i);
	assert_int_equal(s.refused, REFUSALS * (REFUSALS + 1) / 2);
	for (int i = 0; i < REFUSALS; i++) {
		assert_int_equal(s.refused_for[i], i + 1);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(refusal_name((enum refusal)i),
						refusal_name((enum refusal)k));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_has_begun_is_open_until_it_has_ended),
		cmocka_unit_test(who_is_refused_is_counted_by_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
