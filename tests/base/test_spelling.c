#include "base/spelling.h"

#include "support/unit.h"

static void
letters_that_are_put_in_left_out_or_changed_are_counted(void **state)
{
	(void)state;
	assert_int_equal(spelling_distance("listen", "listen"), 0);
	assert_int_equal(spelling_distance("listn", "listen"), 1);
	assert_int_equal(spelling_distance("lissten", "listen"), 1);
	assert_int_equal(spelling_distance("lisetn", "listen"), 2);
	assert_int_equal(spelling_distance("", "to"), 2);
	assert_int_equal(spelling_distance("kitten", "sitting"), 3);
}

static void at_most_half_of_a_short_name_may_be_wrong(void **state)
{
	(void)state;
	assert_true(spelling_resembles("t", "to"));
	assert_false(spelling_resembles("x", "to"));
	assert_true(spelling_resembles("stats", "status"));
	assert_false(spelling_resembles("", "to"));
}

static void at_most_three_letters_of_a_long_name_may_be_wrong(void **state)
{
	(void)state;
	assert_true(spelling_resembles("idle-time", "idle-times12"));
	assert_false(spelling_resembles("idle-time", "idle-times123"));
}

static void what_is_longer_than_any_name_resembles_none(void **state)
{
	static const char name[] = "an-option-that-is-longer-than-any";

	(void)state;
	assert_false(spelling_resembles(name, name));
	assert_true(spelling_resembles(name + 1, name + 1));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			letters_that_are_put_in_left_out_or_changed_are_counted),
		cmocka_unit_test(at_most_half_of_a_short_name_may_be_wrong),
		cmocka_unit_test(
			at_most_three_letters_of_a_long_name_may_be_wrong),
		cmocka_unit_test(what_is_longer_than_any_name_resembles_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
