#include "base/log.h"

#include "support/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

static void every_level_is_read_by_the_name_it_has(void **state)
{
	(void)state;
	for (int i = 0; i < LEVELS; i++) {
		enum log_level level = LEVELS;

		assert_int_equal(
			log_level_parse(log_level_name((enum log_level)i),
					&level),
			0);
		assert_int_equal(level, i);
	}
}

static void another_word_is_no_level(void **state)
{
	static const char *const words[] = {"",    "Info",   "warning", "info ",
					    "err", "debug1", "inf",     "0"};

	(void)state;
	for (size_t i = 0; i < COUNT(words); i++) {
		enum log_level level = LEVEL_WARN;

		assert_int_equal(log_level_parse(words[i], &level), -EINVAL);
		assert_int_equal(level, LEVEL_WARN);
	}
}

static void a_line_is_time_level_text_and_newline(void **state)
{
	char buf[LOG_TEXT];
	size_t n;

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	n = log_line(buf, UINT64_C(1700000000007), LEVEL_WARN, "out of slots");
	assert_string_equal(buf, "2023-11-14 22:13:20.007 warn out of slots\n");
	assert_int_equal(n, strlen(buf));
	n = log_line(buf, 0, LEVEL_INFO, "");
	assert_string_equal(buf, "info \n");
	assert_int_equal(n, strlen(buf));
}

static void no_text_can_forge_a_line_or_move_the_cursor(void **state)
{
	char buf[LOG_TEXT], all[256];

	(void)state;
	log_line(buf, 0, LEVEL_INFO, "a\nerror b\r\x1b[2Jc\x7f\td");
	assert_string_equal(buf,
			    "info a\n  error b\\x0d\\x1b[2Jc\\x7f\\x09d\n");
	for (size_t i = 0; i < sizeof(all) - 1; i++)
		all[i] = (char)(i + 1);
	all[sizeof(all) - 1] = '\0';
	log_line(buf, 0, LEVEL_INFO, all);
	for (const char *p = buf; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		assert_true(c >= 0x20 || c == '\n');
		assert_int_not_equal(c, 0x7f);
	}
}

/* Escapes are the widest thing that can stand at the end of the room. */
static void a_text_that_is_too_long_is_cut_and_still_ends_its_line(void **state)
{
	static const char fillers[] = {'x', '\x01', '\n'};
	char text[2 * LOG_TEXT], buf[LOG_TEXT + 1];

	(void)state;
	for (size_t i = 0; i < COUNT(fillers); i++) {
		for (size_t plain = 0; plain < 8; plain++) {
			size_t n;

			memset(text, fillers[i], sizeof(text));
			memset(text, 'x', plain);
			text[sizeof(text) - 1] = '\0';
			buf[LOG_TEXT] = '!';
			n = log_line(buf, 1, LEVEL_DEBUG, text);
			assert_true(n < LOG_TEXT);
			assert_int_equal(strlen(buf), n);
			assert_int_equal(buf[n - 1], '\n');
			assert_int_equal(buf[LOG_TEXT], '!');
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_level_is_read_by_the_name_it_has),
		cmocka_unit_test(another_word_is_no_level),
		cmocka_unit_test(a_line_is_time_level_text_and_newline),
		cmocka_unit_test(no_text_can_forge_a_line_or_move_the_cursor),
		cmocka_unit_test(
			a_text_that_is_too_long_is_cut_and_still_ends_its_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
