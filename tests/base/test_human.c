#include "base/human.h"

#include "support/unit.h"

static void sizes_have_units_of_1024(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
		{0, "0 B"},
		{1, "1 B"},
		{1023, "1023 B"},
		{1024, "1.0 KiB"},
		{1025, "1.0 KiB"},
		{1229, "1.2 KiB"},
		{10188, "9.9 KiB"},
		{10240, "10 KiB"},
		{10752, "11 KiB"},
		{1048575, "1.0 MiB"},
		{UINT64_C(1288490189), "1.2 GiB"},
		{UINT64_C(1) << 40, "1.0 TiB"},
		{UINT64_MAX, "16 EiB"},
	};
	char buf[HUMAN_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(human_bytes(rows[i].bytes, buf),
				    rows[i].text);
}

static void rates_have_units_of_1000(void **state)
{
	static const struct {
		uint64_t bytes, ms;
		const char *text;
	} rows[] = {
		{0, 1000, "0 B/s"},
		{999, 1000, "999 B/s"},
		{1000, 1000, "1.0 kB/s"},
		{850000, 250, "3.4 MB/s"},
		{3, 3, "1.0 kB/s"},
		{5, 0, "5.0 kB/s"},
		{999600, 1000, "1.0 MB/s"},
		{UINT64_C(26100000000), 10000, "2.6 GB/s"},
		{UINT64_MAX, 1000000, "18 PB/s"},
	};
	char buf[HUMAN_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(human_rate(rows[i].bytes, rows[i].ms, buf),
				    rows[i].text);
}

static void durations_have_their_two_largest_units(void **state)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} rows[] = {
		{0, "0s"},
		{999, "0s"},
		{59999, "59s"},
		{60000, "1m 0s"},
		{200000, "3m 20s"},
		{7500000, "2h 5m"},
		{UINT64_C(183600000), "2d 3h"},
		{UINT64_C(31536000000), "365d 0h"},
	};
	char buf[HUMAN_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(human_duration(rows[i].ms, buf),
				    rows[i].text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_have_units_of_1024),
		cmocka_unit_test(rates_have_units_of_1000),
		cmocka_unit_test(durations_have_their_two_largest_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
