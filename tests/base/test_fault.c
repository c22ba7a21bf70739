#include "base/fault.h"

#include "support/unit.h"

#include <errno.h>

static void it_returns_the_error_it_was_given(void **state)
{
	struct fault why;

	(void)state;
	assert_int_equal(fault_set(&why, -EINVAL, "%s:%d", "web", 80), -EINVAL);
	assert_string_equal(why.text, "web:80");
}

static void a_text_that_is_too_long_is_cut(void **state)
{
	char text[2 * sizeof(struct fault)];
	struct fault why;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	fault_set(&why, 0, "%s", text);
	assert_int_equal(strlen(why.text), sizeof(why.text) - 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_returns_the_error_it_was_given),
		cmocka_unit_test(a_text_that_is_too_long_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
