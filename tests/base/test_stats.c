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

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_has_begun_is_open_until_it_has_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
