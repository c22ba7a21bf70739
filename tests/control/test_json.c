#include "control/json.h"

#include "support/unit.h"

#include <stdlib.h>

static void assert_json(struct json *j, const char *wanted)
{
	char *got = text_take(&j->text);

	assert_string_equal(got, wanted);
	free(got);
}

static void commas_stand_between(void **state)
{
	struct json j = {.first = true};

	(void)state;
	json_begin(&j, NULL, '{');
	json_begin(&j, "none", '[');
	json_end(&j, ']');
	json_begin(&j, "some", '[');
	json_number(&j, NULL, 1);
	json_bool(&j, NULL, true);
	json_string(&j, NULL, NULL);
	json_begin(&j, NULL, '{');
	json_end(&j, '}');
	json_end(&j, ']');
	json_string(&j, "last", "");
	json_end(&j, '}');
	assert_json(&j,
		    "{\"none\":[],\"some\":[1,true,null,{}],\"last\":\"\"}");
}

static void any_bytes_are_a_string(void **state)
{
	static const char *const rows[][2] = {
		{"plain", "\"plain\""},
		{"a\"b\\c", "\"a\\\"b\\\\c\""},
		{"\xc2\x80\xc2\x9f\xc2\xa0", "\"\\u0080\\u009f\xc2\xa0\""},
		{"\n\x01\x7f", "\"\\u000a\\u0001\\u007f\""},
		{"\xc3\xbc", "\"\xc3\xbc\""},
		{"\xff!\xc3", "\"\\ufffd!\\ufffd\""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct json j = {.first = true};

		json_string(&j, NULL, rows[i][0]);
		assert_json(&j, rows[i][1]);
	}
}

static void numbers_are_not_rounded(void **state)
{
	struct json j = {.first = true};

	(void)state;
	json_number(&j, NULL, UINT64_MAX);
	assert_json(&j, "18446744073709551615");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(commas_stand_between),
		cmocka_unit_test(any_bytes_are_a_string),
		cmocka_unit_test(numbers_are_not_rounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
