#include "service/unit_text.h"

#include "base/words.h"
#include "support/unit.h"

#include <stdlib.h>

/* systemd.syntax(7), and the command lines of systemd.service(5). */

static char text[512];

static const char *put(const char *word, bool is_program)
{
	FILE *to = fmemopen(text, sizeof(text), "w");

	assert_non_null(to);
	unit_put_word(to, word, is_program);
	fclose(to);
	return text;
}

static void a_plain_word_stays_as_it_is(void **state)
{
	static const char *const plain[] = {
		"run",
		"--listen",
		"systemd:web@127.0.0.1:80",
		"systemd:web@[::1]:80",
		"/usr/bin/lowport",
		"--allow=10.0.0.0/8",
		"{port}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(plain); i++)
		assert_string_equal(put(plain[i], false), plain[i]);
}

static void what_systemd_would_read_otherwise_is_quoted(void **state)
{
	(void)state;
	assert_string_equal(put("", false), "\"\"");
	assert_string_equal(put("a b", false), "\"a b\"");
	assert_string_equal(put("a'b", false), "\"a'b\"");
	assert_string_equal(put("a\"b", false), "\"a\\\"b\"");
	assert_string_equal(put("a\\b", false), "\"a\\\\b\"");
	assert_string_equal(put("a\nb\tc", false), "\"a\\x0ab\\x09c\"");
	assert_string_equal(put(";", false), "\";\"");
	assert_string_equal(put("50%", false), "\"50%%\"");
	assert_string_equal(put("$HOME ${X}", false), "\"$$HOME $${X}\"");
	assert_string_equal(put("\xc3\xa9", false), "\"\xc3\xa9\"");
}

/* systemd replaces no variable in the program's own name. */
static void a_dollar_in_the_program_is_one(void **state)
{
	(void)state;
	assert_string_equal(put("/opt/a$b", true), "\"/opt/a$b\"");
	assert_string_equal(put("/opt/a%b", true), "\"/opt/a%%b\"");
}

static void what_is_put_is_read_back(void **state)
{
	static const char *const words[] = {
		"run",  "",          "a b",  "it's",  "\"quoted\"", "\\",
		"100%", "$HOME $$x", "\n\t", "%%$$%", ";",          "\x7f",
	};
	char line[1024] = "", **back;

	(void)state;
	for (size_t i = 0; i < COUNT(words); i++) {
		strcat(line, i > 0 ? " " : "");
		strcat(line, put(words[i], false));
	}
	assert_int_equal(unit_split(line, &back), 0);
	for (size_t i = 0; i < COUNT(words); i++)
		assert_string_equal(back[i], words[i]);
	assert_null(back[COUNT(words)]);
	words_free(back);
}

static void a_line_that_a_person_wrote_is_read(void **state)
{
	char **back;

	(void)state;
	assert_int_equal(
		unit_split("  /bin/a\t'b c'  \"d\\x20e\"f g\\ h ", &back), 0);
	assert_string_equal(back[0], "/bin/a");
	assert_string_equal(back[1], "b c");
	assert_string_equal(back[2], "d ef");
	assert_string_equal(back[3], "g h");
	assert_null(back[4]);
	words_free(back);
	assert_int_equal(unit_split("", &back), 0);
	assert_null(back[0]);
	words_free(back);
}

static void any_blank_ends_a_word(void **state)
{
	char **back;

	(void)state;
	assert_int_equal(unit_split("/bin/a b\r", &back), 0);
	assert_string_equal(back[1], "b");
	assert_null(back[2]);
	words_free(back);
	assert_int_equal(unit_split("\f/bin/a\v\fb", &back), 0);
	assert_string_equal(back[0], "/bin/a");
	assert_string_equal(back[1], "b");
	assert_null(back[2]);
	words_free(back);
}

static void two_dollars_in_the_program_are_two(void **state)
{
	char **back;

	(void)state;
	assert_int_equal(unit_split("\"/bin/$$a\" $$b", &back), 0);
	assert_string_equal(back[0], "/bin/$$a");
	assert_string_equal(back[1], "$b");
	words_free(back);
}

static void values_are_found_by_their_key(void **state)
{
	static const char file[] =
		"[Socket]\n#ListenStream=1\nListenStream=80\n"
		"ListenStreams=2\nListenStream=a \\\n b\n";
	char *value = unit_value(file, "ListenStream", 0);

	(void)state;
	assert_string_equal(value, "80");
	free(value);
	value = unit_value(file, "ListenStream", 1);
	assert_string_equal(value, "a   b");
	free(value);
	assert_null(unit_value(file, "ListenStream", 2));
	assert_null(unit_value(file, "Listen", 0));
	assert_null(unit_value("", "Listen", 0));
}

static void a_description_stays_one_line(void **state)
{
	FILE *to = fmemopen(text, sizeof(text), "w");

	(void)state;
	unit_put_text(to, "a%b\nExecStart=/bin/sh");
	fclose(to);
	assert_string_equal(text, "a%%b ExecStart=/bin/sh");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_word_stays_as_it_is),
		cmocka_unit_test(what_systemd_would_read_otherwise_is_quoted),
		cmocka_unit_test(a_dollar_in_the_program_is_one),
		cmocka_unit_test(what_is_put_is_read_back),
		cmocka_unit_test(a_line_that_a_person_wrote_is_read),
		cmocka_unit_test(any_blank_ends_a_word),
		cmocka_unit_test(two_dollars_in_the_program_are_two),
		cmocka_unit_test(values_are_found_by_their_key),
		cmocka_unit_test(a_description_stays_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
