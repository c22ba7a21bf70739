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

static void every_level_has_its_severity(void **state)
{
	(void)state;
	assert_int_equal(log_severity(LEVEL_ERROR), 3);
	assert_int_equal(log_severity(LEVEL_WARN), 4);
	assert_int_equal(log_severity(LEVEL_INFO), 6);
	assert_int_equal(log_severity(LEVEL_DEBUG), 7);
}

static void set_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

static void a_time_is_local_in_each_of_its_forms(void **state)
{
	static const struct {
		const char *zone;
		uint64_t time_ms;
		const char *plain, *rfc3339, *rfc3164;
	} rows[] = {
		{"UTC", UINT64_C(1700000000007), "2023-11-14 22:13:20.007",
		 "2023-11-14T22:13:20.007+00:00", "Nov 14 22:13:20"},
		{"LMT-5:45", UINT64_C(1700000000999), "2023-11-15 03:58:20.999",
		 "2023-11-15T03:58:20.999+05:45", "Nov 15 03:58:20"},
		{"XXX3:30", UINT64_C(1725148800010), "2024-08-31 20:30:00.010",
		 "2024-08-31T20:30:00.010-03:30", "Aug 31 20:30:00"},
		{"UTC", UINT64_C(1725148800000), "2024-09-01 00:00:00.000",
		 "2024-09-01T00:00:00.000+00:00", "Sep  1 00:00:00"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char buf[LOG_TIME];
		uint64_t ms = rows[i].time_ms;

		set_zone(rows[i].zone);
		assert_string_equal(log_time(buf, ms), rows[i].plain);
		assert_string_equal(log_time_rfc3339(buf, ms), rows[i].rfc3339);
		assert_string_equal(log_time_rfc3164(buf, ms), rows[i].rfc3164);
	}
	set_zone("UTC");
}

static void a_line_is_head_level_text_and_newline(void **state)
{
	char buf[LOG_TEXT];
	size_t n;

	(void)state;
	n = log_line(buf, "<4>", LEVEL_WARN, "out of slots", "\n  ");
	assert_string_equal(buf, "<4>warn out of slots\n");
	assert_int_equal(n, strlen(buf));
	n = log_line(buf, "", LEVEL_INFO, "", "\n  ");
	assert_string_equal(buf, "info \n");
	assert_int_equal(n, strlen(buf));
}

static void no_text_can_forge_a_line_or_move_the_cursor(void **state)
{
	char buf[LOG_TEXT], all[256];

	(void)state;
	log_line(buf, "", LEVEL_INFO, "a\nerror b\r\x1b[2Jc\x7f\td", "\n  ");
	assert_string_equal(buf,
			    "info a\n  error b\\x0d\\x1b[2Jc\\x7f\\x09d\n");
	for (size_t i = 0; i < sizeof(all) - 1; i++)
		all[i] = (char)(i + 1);
	all[sizeof(all) - 1] = '\0';
	log_line(buf, "", LEVEL_INFO, all, "\n  ");
	for (const char *p = buf; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		assert_true((c >= 0x20 && c < 0x7f) || c == '\n');
	}
}

static void characters_stay_and_other_bytes_are_shown(void **state)
{
	static const char *const rows[][2] = {
		{"\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x8c",
		 "\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x8c"},
		/* Latin-1, and a character that is cut off. */
		{"\xe4rger", "\\xe4rger"},
		{"\x7frger", "\\x7frger"},
		{"a\xe2\x82", "a\\xe2\\x82"},
		/* CSI in one byte and in two, and the first after those. */
		{"\x9b"
		 "2J\xc2\x9b"
		 "2J\xc2\xa0",
		 "\\x9b2J\\xc2\\x9b2J\xc2\xa0"},
		{"a\nb", "a|b"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char buf[64];

		assert_int_equal(log_escape(buf, sizeof(buf), rows[i][0], "|"),
				 strlen(rows[i][1]));
		assert_string_equal(buf, rows[i][1]);
	}
}

static void a_text_is_cut_at_a_whole_character(void **state)
{
	static const struct {
		size_t size;
		const char *cut;
	} rows[] = {
		{1, ""},
		{2, "a"},
		{3, "a"},
		{4, "a\xc3\xa4"},
		{7, "a\xc3\xa4"},
		{8, "a\xc3\xa4\\x01"},
		{11, "a\xc3\xa4\\x01"},
		{12, "a\xc3\xa4\\x01\xf0\x9f\x90\x8c"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char buf[16];

		memset(buf, '!', sizeof(buf));
		log_escape(buf, rows[i].size,
			   "a\xc3\xa4\x01\xf0\x9f\x90\x8c.....", "\n");
		assert_string_equal(buf, rows[i].cut);
		assert_int_equal(buf[rows[i].size], '!');
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
			n = log_line(buf, "head ", LEVEL_DEBUG, text, "\n  ");
			assert_true(n < LOG_TEXT);
			assert_int_equal(strlen(buf), n);
			assert_int_equal(buf[n - 1], '\n');
			assert_int_equal(buf[LOG_TEXT], '!');
		}
	}
}

static void a_head_that_is_too_long_leaves_room_for_the_text(void **state)
{
	char head[2 * LOG_TEXT], buf[LOG_TEXT];
	size_t n;

	(void)state;
	memset(head, 'h', sizeof(head));
	head[sizeof(head) - 1] = '\0';
	n = log_line(buf, head, LEVEL_INFO, "text", "\n  ");
	assert_int_equal(n, LOG_TEXT / 2 - 1 + strlen("text\n"));
	assert_string_equal(buf + LOG_TEXT / 2 - 2, "htext\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_level_is_read_by_the_name_it_has),
		cmocka_unit_test(another_word_is_no_level),
		cmocka_unit_test(every_level_has_its_severity),
		cmocka_unit_test(a_time_is_local_in_each_of_its_forms),
		cmocka_unit_test(a_line_is_head_level_text_and_newline),
		cmocka_unit_test(no_text_can_forge_a_line_or_move_the_cursor),
		cmocka_unit_test(characters_stay_and_other_bytes_are_shown),
		cmocka_unit_test(a_text_is_cut_at_a_whole_character),
		cmocka_unit_test(
			a_text_that_is_too_long_is_cut_and_still_ends_its_line),
		cmocka_unit_test(
			a_head_that_is_too_long_leaves_room_for_the_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
