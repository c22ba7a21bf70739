#include "control/answer.h"

#include "support/unit.h"

static struct fault why;

static void a_status_of_this_format_is_taken(void **state)
{
	cJSON *o = answer_read_status("{\"format\":1,\"pid\":7,\"name\":\"x\"}",
				      "here", &why);

	(void)state;
	assert_non_null(o);
	assert_int_equal(answer_number(o, "pid"), 7);
	assert_string_equal(answer_string(o, "name"), "x");
	cJSON_Delete(o);
}

static void another_format_is_named_with_both_versions(void **state)
{
	(void)state;
	assert_null(answer_read_status("{\"format\":2,\"version\":\"9.8\"}",
				       "here", &why));
	assert_says(why.text, "here: this is lowport " LOWPORT_VERSION);
	assert_says(why.text, "status of lowport 9.8");
}

static void an_error_is_passed_on(void **state)
{
	(void)state;
	assert_null(answer_read("{\"error\":\"no such thing\"}", "here", &why));
	assert_string_equal(why.text, "here: no such thing");
	assert_null(
		answer_read("{\"error\":\"\\u001b[2J\\n\"}", "he\tre", &why));
	assert_string_equal(why.text, "he\\x09re: \\x1b[2J\\x0a");
}

static void what_is_no_answer_is_said_to_be_none(void **state)
{
	static const char *const rows[] = {"",
					   "HTTP/1.1 400",
					   "[1]",
					   "\"x\"",
					   "{\"half\":",
					   "{\"format\":1,\"x\":\"\x1b\"}",
					   "{\"format\":1,\"x\":\"\x7f\"}",
					   "{\"format\":1,\"x\":\"\x9b\"}",
					   "{\"format\":1,\"x\":\"\xc2\x9b\"}"};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_null(answer_read(rows[i], "here", &why));
		assert_says(why.text, "here: that is no answer of a lowport");
	}
}

static void what_is_not_there_or_of_another_kind_is_nothing(void **state)
{
	cJSON *o = answer_read("{\"text\":\"7\",\"number\":-7,\"huge\":1e300}",
			       "here", &why);

	(void)state;
	assert_int_equal(answer_number(o, "text"), 0);
	assert_int_equal(answer_number(o, "number"), 0);
	assert_int_equal(answer_number(o, "missing"), 0);
	assert_int_equal(answer_number(NULL, "missing"), 0);
	assert_int_equal(answer_number(o, "huge"), UINT64_C(1) << 53);
	assert_string_equal(answer_string(o, "number"), "");
	assert_string_equal(answer_string(NULL, "missing"), "");
	cJSON_Delete(o);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_status_of_this_format_is_taken),
		cmocka_unit_test(another_format_is_named_with_both_versions),
		cmocka_unit_test(an_error_is_passed_on),
		cmocka_unit_test(what_is_no_answer_is_said_to_be_none),
		cmocka_unit_test(
			what_is_not_there_or_of_another_kind_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
