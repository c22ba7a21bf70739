#include "base/num.h"

#include "support/unit.h"

#include <errno.h>

enum { UNTOUCHED = 4711 };

struct row {
	const char *text;
	int err;
	uint64_t value; /* where err is 0 */
};

static void hold(const struct row *row, int err, uint64_t value)
{
	if (err != row->err || value != (row->err ? UNTOUCHED : row->value))
		fail_msg("\"%s\" gave %d and %llu", row->text, err,
			 (unsigned long long)value);
}

static void a_number_is_the_whole_string(void **state)
{
	static const struct row rows[] = {
		{"1", 0, 1},
		{"007", 0, 7},
		{"65535", 0, 65535},
		{"0", -ERANGE, 0},
		{"65536", -ERANGE, 0},
		{"18446744073709551616", -ERANGE, 0},
		{"18446744073709551617", -ERANGE, 0},
		{"99999999999999999999999999", -ERANGE, 0},
		{"", -EINVAL, 0},
		{" 1", -EINVAL, 0},
		{"1 ", -EINVAL, 0},
		{"+1", -EINVAL, 0},
		{"-1", -EINVAL, 0},
		{"0x10", -EINVAL, 0},
		{"1e3", -EINVAL, 0},
		{"1.0", -EINVAL, 0},
		{"12a", -EINVAL, 0},
		{"a12", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t value = UNTOUCHED;
		int err = num_parse(rows[i].text, 10, 1, 65535, &value);

		hold(&rows[i], err, value);
	}
}

static void an_octal_number_has_no_eight(void **state)
{
	static const struct row rows[] = {
		{"0600", 0, 0600},    {"777", 0, 0777},     {"0", 0, 0},
		{"1000", -ERANGE, 0}, {"0680", -EINVAL, 0}, {"9", -EINVAL, 0},
		{"u=rw", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t value = UNTOUCHED;
		int err = num_parse(rows[i].text, 8, 0, 0777, &value);

		hold(&rows[i], err, value);
	}
}

static void a_duration_has_a_unit_unless_it_is_zero(void **state)
{
	static const struct row rows[] = {
		{"0", 0, 0},
		{"0s", 0, 0},
		{"1ms", 0, 1},
		{"500ms", 0, 500},
		{"10s", 0, 10000},
		{"5m", 0, 300000},
		{"2h", 0, 7200000},
		{"1d", 0, 86400000},
		{"1000d", 0, UINT64_C(86400000000)},
		{"1001d", -ERANGE, 0},
		{"86400000001ms", -ERANGE, 0},
		{"18446744073709551617s", -ERANGE, 0},
		{"18446744073709551615h", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"10", -EINVAL, 0},
		{"00", -EINVAL, 0},
		{"s", -EINVAL, 0},
		{"10x", -EINVAL, 0},
		{"10S", -EINVAL, 0},
		{"10 s", -EINVAL, 0},
		{"10s ", -EINVAL, 0},
		{"-1s", -EINVAL, 0},
		{"1.5s", -EINVAL, 0},
		{"1h30m", -EINVAL, 0},
		{"10sec", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t ms = UNTOUCHED;
		int err = num_parse_duration(rows[i].text, &ms);

		hold(&rows[i], err, ms);
	}
}

static void a_size_may_have_a_unit_of_1024(void **state)
{
	static const struct row rows[] = {
		{"0", 0, 0},
		{"512", 0, 512},
		{"64k", 0, 64 << 10},
		{"1m", 0, 1 << 20},
		{"2g", 0, UINT64_C(2) << 30},
		{"1048576g", 0, UINT64_C(1) << 50},
		{"1048577g", -ERANGE, 0},
		{"18446744073709551617", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"k", -EINVAL, 0},
		{"64K", -EINVAL, 0},
		{"64kb", -EINVAL, 0},
		{"64 k", -EINVAL, 0},
		{"-64k", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t bytes = UNTOUCHED;
		int err = num_parse_size(rows[i].text, &bytes);

		hold(&rows[i], err, bytes);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_is_the_whole_string),
		cmocka_unit_test(an_octal_number_has_no_eight),
		cmocka_unit_test(a_duration_has_a_unit_unless_it_is_zero),
		cmocka_unit_test(a_size_may_have_a_unit_of_1024),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
