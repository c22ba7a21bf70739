#include "base/ration.h"

#include "support/unit.h"

enum { START_MS = 5000 };

static struct source numbered(uint32_t n)
{
	return (struct source){.net = n, .zone = UINT32_MAX};
}

static bool take(struct ration *r, uint32_t n, uint64_t now_ms)
{
	struct source who = numbered(n);

	return ration_take(r, &who, now_ms);
}

static void a_source_has_one_line_a_second(void **state)
{
	struct ration r = {0};

	(void)state;
	assert_true(take(&r, 1, START_MS));
	assert_false(take(&r, 1, START_MS));
	assert_false(take(&r, 1, START_MS + 999));
	assert_true(take(&r, 2, START_MS + 999));
	assert_true(take(&r, 1, START_MS + 1000));
	assert_false(take(&r, 1, START_MS + 1001));
	assert_int_equal(r.left_out, 3);
}

/* In any second, not only in those of the clock. */
static void all_together_have_so_many(void **state)
{
	struct ration r = {0};
	unsigned said[3] = {0};

	(void)state;
	for (uint32_t ms = 0; ms < 2500; ms++)
		for (uint32_t i = 0; i < 10; i++)
			said[ms / 1000] +=
				take(&r, 100 + 10 * ms + i, START_MS + ms);
	assert_int_equal(said[0], RATION_LINES);
	assert_int_equal(said[1], RATION_LINES);
	assert_int_equal(said[2], RATION_LINES);
	assert_int_equal(r.left_out, 25000 - 3 * RATION_LINES);
}

static void a_line_comes_back_when_it_is_a_second_old(void **state)
{
	struct ration r = {0};

	(void)state;
	for (uint32_t i = 0; i < RATION_LINES; i++)
		assert_true(take(&r, i, START_MS + 50 * i));
	assert_false(take(&r, 99, START_MS + 999));
	assert_true(take(&r, 99, START_MS + 1000));
	assert_false(take(&r, 98, START_MS + 1049));
	assert_true(take(&r, 98, START_MS + 1050));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_source_has_one_line_a_second),
		cmocka_unit_test(all_together_have_so_many),
		cmocka_unit_test(a_line_comes_back_when_it_is_a_second_old),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
