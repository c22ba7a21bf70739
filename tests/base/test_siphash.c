#include "base/siphash.h"

#include "support/unit.h"

/* The vectors of the reference implementation: key 00 01 .. 0f, and as input
 * the first bytes of 00 01 02 ... */
static void it_is_the_one_of_the_paper(void **state)
{
	static const struct siphash_key key = {
		UINT64_C(0x0706050403020100),
		UINT64_C(0x0f0e0d0c0b0a0908),
	};
	static const uint64_t words[] = {
		UINT64_C(0x0706050403020100),
		UINT64_C(0x0f0e0d0c0b0a0908),
	};

	(void)state;
	assert_true(siphash(&key, words, 0) == UINT64_C(0x726fdb47dd0e0e31));
	assert_true(siphash(&key, words, 1) == UINT64_C(0x93f5f5799a932462));
	assert_true(siphash(&key, words, 2) == UINT64_C(0x3f2acc7f57c29bdb));
}

static void another_key_is_another_hash(void **state)
{
	static const struct siphash_key one = {1, 2}, two = {1, 3},
					three = {0, 2};
	uint64_t word = 42;

	(void)state;
	assert_true(siphash(&one, &word, 1) != siphash(&two, &word, 1));
	assert_true(siphash(&one, &word, 1) != siphash(&three, &word, 1));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_the_one_of_the_paper),
		cmocka_unit_test(another_key_is_another_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
