#include "base/utf8.h"

#include "support/unit.h"

static void a_character_has_its_length(void **state)
{
	static const struct {
		const char *text;
		size_t length;
	} rows[] = {
		{"", 1},
		{"a", 1},
		{"\x7f", 1},
		{"\xc2\x80", 2},
		{"\xc3\xa4rger", 2},
		{"\xdf\xbf", 2},
		{"\xe0\xa0\x80", 3},
		{"\xe2\x82\xac", 3},
		{"\xed\x9f\xbf", 3},
		{"\xee\x80\x80", 3},
		{"\xef\xbf\xbf", 3},
		{"\xf0\x90\x80\x80", 4},
		{"\xf4\x8f\xbf\xbf", 4},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(utf8_length(rows[i].text), rows[i].length);
}

static void other_bytes_are_no_character(void **state)
{
	static const char *const rows[] = {
		"\x80", /* in the middle of one */
		"\xbf",
		"\xc3", /* cut off */
		"\xc3"
		"a",
		"\xe2\x82",
		"\xe2\x82"
		"a",
		"\xf0\x90\x80",
		"\xc0\x80", /* overlong */
		"\xc1\xbf",
		"\xe0\x9f\xbf",
		"\xf0\x8f\xbf\xbf",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",     /* surrogates */
		"\xf4\x90\x80\x80", /* beyond the last one */
		"\xf5\x80\x80\x80",
		"\xfe",
		"\xff",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(utf8_length(rows[i]), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_character_has_its_length),
		cmocka_unit_test(other_bytes_are_no_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
