#include "base/rate.h"

#include "support/unit.h"

#include <errno.h>

enum { START_MS = 12345 };

static void a_rate_is_a_count_and_its_unit(void **state)
{
	static const struct {
		const char *text;
		int err;
		uint64_t count, period_ms;
	} rows[] = {
		{"10/s", 0, 10, 1000},
		{"1/m", 0, 1, 60000},
		{"1000000/s", 0, 1000000, 1000},
		{"0", 0, 0, 0},
		{"1000001/s", -ERANGE, 0, 0},
		{"0/s", -ERANGE, 0, 0},
		{"99999999999999999999/m", -ERANGE, 0, 0},
		{"99999999999999999999999999999999/m", -EINVAL, 0, 0},
		{"10", -EINVAL, 0, 0},
		{"10/", -EINVAL, 0, 0},
		{"10/h", -EINVAL, 0, 0},
		{"10/S", -EINVAL, 0, 0},
		{"10/s ", -EINVAL, 0, 0},
		{" 10/s", -EINVAL, 0, 0},
		{"10 /s", -EINVAL, 0, 0},
		{"10/1s", -EINVAL, 0, 0},
		{"1.5/s", -EINVAL, 0, 0},
		{"-1/s", -EINVAL, 0, 0},
		{"/s", -EINVAL, 0, 0},
		{"/", -EINVAL, 0, 0},
		{"", -EINVAL, 0, 0},
		{"10s", -EINVAL, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct rate r = {7, 7};
		int err = rate_parse(&r, rows[i].text);

		if (err != rows[i].err)
			fail_msg("\"%s\" gave %d", rows[i].text, err);
		assert_int_equal(r.count, err ? 7 : rows[i].count);
		assert_int_equal(r.period_ms, err ? 7 : rows[i].period_ms);
	}
}

static unsigned drain(struct bucket *b, const struct rate *r, uint64_t now_ms)
{
	unsigned n = 0;

	while (bucket_take(b, r, now_ms))
		n++;
	return n;
}

static void a_full_bucket_has_so_many_and_no_more(void **state)
{
	static const struct rate rates[] = {
		{1, 1000}, {3, 1000}, {7, 60000}, {1000000, 1000}, {1, 60000},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rates); i++) {
		struct bucket b = {0};

		assert_int_equal(drain(&b, &rates[i], START_MS),
				 rates[i].count);
		assert_false(bucket_is_full(&b, &rates[i], START_MS));
	}
}

static void a_token_comes_back_to_the_millisecond(void **state)
{
	struct rate r = {4, 1000};
	struct bucket b = {0};

	(void)state;
	drain(&b, &r, START_MS);
	assert_false(bucket_take(&b, &r, START_MS + 249));
	assert_true(bucket_take(&b, &r, START_MS + 250));
	assert_false(bucket_take(&b, &r, START_MS + 250));
	assert_int_equal(drain(&b, &r, START_MS + 750), 2);
}

/* 3/s is one each 333.3 ms: in thirds of a second none is lost. */
static void no_token_is_lost_to_rounding(void **state)
{
	struct rate r = {3, 1000};
	struct bucket b = {0};
	unsigned taken = 0;

	(void)state;
	drain(&b, &r, START_MS);
	for (uint64_t ms = 1; ms <= 100000; ms++)
		taken += drain(&b, &r, START_MS + ms);
	assert_int_equal(taken, 300);
}

static void who_is_refused_loses_nothing(void **state)
{
	struct rate r = {1, 60000};
	struct bucket b = {0};

	(void)state;
	assert_true(bucket_take(&b, &r, START_MS));
	for (uint64_t ms = 0; ms < 60000; ms += 10)
		assert_false(bucket_take(&b, &r, START_MS + ms));
	assert_true(bucket_take(&b, &r, START_MS + 60000));
}

static void a_bucket_does_not_overflow(void **state)
{
	struct rate r = {5, 1000};
	struct bucket b = {0};

	(void)state;
	assert_int_equal(drain(&b, &r, START_MS), 5);
	assert_false(bucket_is_full(&b, &r, START_MS + 999));
	assert_true(bucket_is_full(&b, &r, START_MS + 1000));
	assert_int_equal(drain(&b, &r, START_MS + UINT64_C(1) * 86400000), 5);
}

/* A clock that has run for ten years. */
static void old_clocks_are_no_trouble(void **state)
{
	struct rate r = {RATE_MOST, 60000};
	uint64_t now_ms = UINT64_C(10) * 366 * 86400000;
	struct bucket b = {0};

	(void)state;
	assert_int_equal(drain(&b, &r, now_ms), RATE_MOST);
	assert_true(bucket_take(&b, &r, now_ms + 1));
}

static void without_a_limit_there_is_always_one(void **state)
{
	struct rate r = {0};
	struct bucket b = {0};

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_true(bucket_take(&b, &r, START_MS));
	assert_true(bucket_is_full(&b, &r, START_MS));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rate_is_a_count_and_its_unit),
		cmocka_unit_test(a_full_bucket_has_so_many_and_no_more),
		cmocka_unit_test(a_token_comes_back_to_the_millisecond),
		cmocka_unit_test(no_token_is_lost_to_rounding),
		cmocka_unit_test(who_is_refused_loses_nothing),
		cmocka_unit_test(a_bucket_does_not_overflow),
		cmocka_unit_test(old_clocks_are_no_trouble),
		cmocka_unit_test(without_a_limit_there_is_always_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
