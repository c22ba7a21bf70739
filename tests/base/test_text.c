/* With a realloc() that may fail. */
#include <stdbool.h>
#include <stdlib.h>

static bool no_memory;

static void *scarce_realloc(void *at, size_t size)
{
	return no_memory ? NULL : realloc(at, size);
}

#define realloc scarce_realloc
#include "base/text.c" /* NOLINT */
#undef realloc

#include "support/unit.h"

static void text_grows_as_it_is_written(void **state)
{
	struct text t = {0};
	char *got;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		text_add(&t, "ab");
		text_add_number(&t, 0);
		text_addf(&t, "%d", 7);
	}
	got = text_take(&t);
	assert_int_equal(strlen(got), 4000);
	assert_memory_equal(got + 3996, "ab07", 4);
	free(got);
}

static void numbers_are_whole(void **state)
{
	struct text t = {0};
	char *got;

	(void)state;
	text_add_number(&t, UINT64_MAX);
	got = text_take(&t);
	assert_string_equal(got, "18446744073709551615");
	free(got);
}

static void nothing_is_an_empty_text(void **state)
{
	struct text t = {0};
	char *got = text_take(&t);

	(void)state;
	assert_string_equal(got, "");
	free(got);
}

static void what_a_terminal_would_obey_is_escaped(void **state)
{
	static const char *const rows[][2] = {
		{"plain", "plain"},
		{"a\x1b[2Jb", "a\\x1b[2Jb"},
		{"\r\n\t\x7f", "\\x0d\\x0a\\x09\\x7f"},
		{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
		{"\xc2\x9b"
		 "2J",
		 "\\xc2\\x9b2J"},
		{"\xff\xc3", "\\xff\\xc3"},
		{"\xc0\x8a", "\\xc0\\x8a"},
		{"\xed\xa0\x80", "\\xed\\xa0\\x80"},
		{"\xe2\x82\xac \xf0\x9f\x90\x8c \xc2\xa0",
		 "\xe2\x82\xac \xf0\x9f\x90\x8c \xc2\xa0"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct text t = {0};
		char *got;

		text_add_escaped(&t, rows[i][0]);
		got = text_take(&t);
		assert_string_equal(got, rows[i][1]);
		free(got);
	}
}

static void width_counts_characters(void **state)
{
	(void)state;
	assert_int_equal(text_width(""), 0);
	assert_int_equal(text_width("gr\xc3\xbc\xc3\x9f"), 4);
	assert_int_equal(text_width("\xe2\x96\x88\xff"), 2);
}

static void where_memory_runs_out_there_is_no_text(void **state)
{
	struct text t = {0};
	char *got;

	(void)state;
	text_add(&t, "what was written before");
	no_memory = true;
	for (int i = 0; i < 1000; i++)
		text_addf(&t, "%d", i);
	no_memory = false;
	/* No text with a hole in it. */
	text_add(&t, "what comes behind");
	assert_null(text_take(&t));
	text_add(&t, "anew");
	got = text_take(&t);
	assert_string_equal(got, "anew");
	free(got);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_grows_as_it_is_written),
		cmocka_unit_test(numbers_are_whole),
		cmocka_unit_test(nothing_is_an_empty_text),
		cmocka_unit_test(what_a_terminal_would_obey_is_escaped),
		cmocka_unit_test(width_counts_characters),
		cmocka_unit_test(where_memory_runs_out_there_is_no_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
