#include "base/words.h"

#include "support/unit.h"

#include <errno.h>
#include <stdlib.h>

static struct fault why;

/* text is split into these words, joined by "|". */
static void assert_words(const char *text, const char *joined)
{
	char got[256] = "";
	char **words;
	int err = words_split(text, &words, &why);

	if (err < 0)
		fail_msg("%s: %s", text, why.text);
	for (char **w = words; *w; w++) {
		assert_true(strlen(got) + strlen(*w) + 2 < sizeof(got));
		strcat(got, *w);
		if (w[1])
			strcat(got, "|");
	}
	words_free(words);
	assert_string_equal(got, joined);
}

static void words_are_split_as_a_shell_would(void **state)
{
	static const struct {
		const char *text, *joined;
	} rows[] = {
		{"npm start", "npm|start"},
		{"  npm\t run \n dev  ", "npm|run|dev"},
		{"a 'b c' d", "a|b c|d"},
		{"a \"b c\" d", "a|b c|d"},
		{"a b\\ c", "a|b c"},
		{"a'b'\"c\"d", "abcd"},
		{"a ''", "a|"},
		{"a \"\" b", "a||b"},
		{"'a\\b'", "a\\b"},
		{"\"a\\\"b\"", "a\"b"},
		{"\"a\\\\b\"", "a\\b"},
		{"\"a\\nb\"", "a\\nb"},
		{"\"\\$a \\`\"", "$a `"},
		{"'\"'", "\""},
		{"\"'\"", "'"},
		{"\\'a", "'a"},
		{"sh -c 'a | b > $C'", "sh|-c|a | b > $C"},
		{"a 5$ $", "a|5$|$"},
		{"--x={port}", "--x={port}"},
		{"\xc3\xa4 b", "\xc3\xa4|b"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_words(rows[i].text, rows[i].joined);
}

static void a_mistake_is_shown_where_it_is(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{"npm 'run dev", "at character 5, the ' is never closed\n"
				 "npm 'run dev\n    ^"},
		{"a \"b", "at character 3, the \" is never closed\na \"b\n  ^"},
		{"\xc3\xa4 'b", "at character 3, the '"},
		{"a\n'b", "at character 3, the ' is never closed"},
		{"a b\\", "at character 4, a \\ with nothing behind it"},
		{"a | b", "at character 3, something that only a shell can do"},
		{"a && b", "--exec \"sh -c '...'\""},
		{"cd x; a", "at character 5, something that only a shell"},
		{"a >log", "at character 3, something that only a shell"},
		{"a -p $PORT", "at character 6, something that only a shell"},
		{"a \"x $PORT\"", "at character 6, something that only a"},
		{"a `b`", "at character 3, something that only a shell"},
		{"a \"`b`\"", "at character 4, something that only a shell"},
		{"a \"b\\", "at character 3, the \" is never closed"},
		{"", "\"\" names no command"},
		{"  ", "names no command (try 'npm start')"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char **words = NULL;

		assert_int_equal(words_split(rows[i].text, &words, &why),
				 -EINVAL);
		assert_null(words);
		assert_says(why.text, rows[i].says);
	}
}

static void braces_are_filled_and_others_stay(void **state)
{
	static const struct words_value values[] = {{"port", "8080"},
						    {"path", NULL},
						    {"address", "::1"},
						    {NULL, NULL}};
	static const struct {
		const char *word, *filled;
	} rows[] = {
		{"{port}", "8080"},
		{"[{address}]:{port}", "[::1]:8080"},
		{"{path}", "{path}"},
		{"{ports} {por} {port {", "{ports} {por} {port {"},
		{"{{port}}", "{8080}"},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *filled = words_fill(rows[i].word, values);

		assert_string_equal(filled, rows[i].filled);
		free(filled);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_split_as_a_shell_would),
		cmocka_unit_test(a_mistake_is_shown_where_it_is),
		cmocka_unit_test(braces_are_filled_and_others_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
