#include "cli/summary.h"

#include "support/unit.h"

static const char *of(uint64_t ms, struct stats stats,
		      const struct summary *last)
{
	static const struct summary none;
	static char buf[SUMMARY_TEXT];
	const struct summary now = {.at_ms = ms, .stats = stats};

	return summary_print(&now, last ? last : &none, 0, buf);
}

static void it_says_how_much_and_how_fast(void **state)
{
	static const struct summary last = {
		.at_ms = 1000,
		.stats = {.accepted = 4, .up = 24, .down = 5 << 20}};
	const char *text = of(11000,
			      (struct stats){.open = 2,
					     .accepted = 9,
					     .waiting = 1,
					     .refused = 3,
					     .turned_away = 4,
					     .up = 1024,
					     .down = 25 << 20},
			      &last);

	(void)state;
	assert_string_equal(text,
			    "running for 11.0s: 2 connections open, 9 in all, "
			    "1 waiting for a backend, 7 refused, 1.0 KiB up, "
			    "25.0 MiB down; a second in the last 10.0s: 0.5 "
			    "connections, 100 B up, 2.0 MiB down");
}

static void times_are_as_exact_as_they_are_short(void **state)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} rows[] = {
		{100, "for 0.1s:"},       {59999, "for 59.9s:"},
		{60000, "for 1m 0s:"},    {3599999, "for 59m 59s:"},
		{3600000, "for 1h 0m:"},  {86399999, "for 23h 59m:"},
		{86400000, "for 1d 0h:"}, {UINT64_C(8640000000), "100d 0h:"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_says(of(rows[i].ms, (struct stats){0}, NULL),
			    rows[i].text);
}

static void nothing_is_divided_by_no_time_and_nothing_goes_back(void **state)
{
	static const struct summary last = {.stats = {.up = 100}};
	const char *text = of(0, (struct stats){0}, &last);

	(void)state;
	assert_null(strstr(text, "a second"));
	text = of(1000, (struct stats){0}, &last);
	assert_says(text, "0.0 connections, 0 B up, 0 B down");
}

static void lines_that_were_lost_are_told(void **state)
{
	static const struct summary none;
	char buf[SUMMARY_TEXT];

	(void)state;
	assert_says(summary_print(&none, &none, 5, buf), "5 log lines lost");
	assert_null(strstr(summary_print(&none, &none, 0, buf), "lost"));
}

static void the_largest_numbers_have_room(void **state)
{
	const struct summary now = {.at_ms = UINT64_MAX,
				    .stats = {.open = UINT64_MAX,
					      .accepted = UINT64_MAX,
					      .waiting = UINT64_MAX,
					      .refused = UINT64_MAX,
					      .up = UINT64_MAX,
					      .down = UINT64_MAX}};
	const struct summary last = {.at_ms = UINT64_MAX - 1};
	char buf[SUMMARY_TEXT + 1];

	(void)state;
	buf[SUMMARY_TEXT] = '!';
	summary_print(&now, &last, UINT64_MAX, buf);
	assert_int_equal(buf[strlen(buf) - 1], 'n');
	assert_int_equal(buf[SUMMARY_TEXT], '!');
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_says_how_much_and_how_fast),
		cmocka_unit_test(times_are_as_exact_as_they_are_short),
		cmocka_unit_test(
			nothing_is_divided_by_no_time_and_nothing_goes_back),
		cmocka_unit_test(lines_that_were_lost_are_told),
		cmocka_unit_test(the_largest_numbers_have_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
