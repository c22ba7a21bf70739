#include "control/http_host.h"

#include "support/unit.h"

static char *const names[] = {"status.example.com", "10.9.8.7", "box"};

static bool is_ours(const char *host, const char *bound)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, bound), 0);
	return http_host_is_ours(host, &a, names, COUNT(names));
}

static void localhost_and_the_address_are_ours(void **state)
{
	static const char *const hosts[] = {"localhost",  "LOCALHOST:9100",
					    "127.0.0.1",  "127.0.0.1:9100",
					    "[::1]",      "[::1]:8080",
					    "127.0.0.53", "127.0.0.1:"};

	(void)state;
	for (size_t i = 0; i < COUNT(hosts); i++)
		if (!is_ours(hosts[i], "127.0.0.1:9100"))
			fail_msg("refused: %s", hosts[i]);
}

static void names_that_were_given_are_ours(void **state)
{
	(void)state;
	assert_true(is_ours("status.example.com", "127.0.0.1:9100"));
	assert_true(is_ours("Status.Example.Com:443", "127.0.0.1:9100"));
	assert_true(is_ours("box", "127.0.0.1:9100"));
	assert_true(is_ours("10.9.8.7:80", "127.0.0.1:9100"));
}

static void all_else_is_foreign(void **state)
{
	static const char *const hosts[] = {"",
					    ":",
					    ":9100",
					    "evil.example",
					    "localhost.evil.example",
					    "evil.example:9100",
					    "127.0.0.1.evil.example",
					    "127.0.0.1:9100@evil.example",
					    "localhost:80:80",
					    "localhost:http",
					    "[127.0.0.1",
					    "[::1",
					    "[::1]x",
					    "[]",
					    "::1",
					    "10.0.0.1",
					    "0.0.0.0",
					    "2130706433",
					    "status.example.com.",
					    "xstatus.example.com",
					    " localhost"};
	char longer[600];

	(void)state;
	for (size_t i = 0; i < COUNT(hosts); i++)
		if (is_ours(hosts[i], "127.0.0.1:9100"))
			fail_msg("taken: %s", hosts[i]);
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_false(is_ours(longer, "127.0.0.1:9100"));
}

static void another_address_is_only_its_own(void **state)
{
	(void)state;
	assert_true(is_ours("10.0.0.1:9100", "10.0.0.1:9100"));
	assert_false(is_ours("10.0.0.2:9100", "10.0.0.1:9100"));
	assert_false(is_ours("127.0.0.1:9100", "10.0.0.1:9100"));
	assert_true(is_ours("[fd00::1]:9100", "[fd00::1]:9100"));
}

/* A name can be pointed elsewhere, an address cannot. */
static void a_wildcard_has_every_address_and_no_name(void **state)
{
	(void)state;
	assert_true(is_ours("192.0.2.7:9100", "0.0.0.0:9100"));
	assert_true(is_ours("[2001:db8::1]", "[::]:9100"));
	assert_true(is_ours("localhost", "0.0.0.0:9100"));
	assert_false(is_ours("evil.example", "0.0.0.0:9100"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(localhost_and_the_address_are_ours),
		cmocka_unit_test(names_that_were_given_are_ours),
		cmocka_unit_test(all_else_is_foreign),
		cmocka_unit_test(another_address_is_only_its_own),
		cmocka_unit_test(a_wildcard_has_every_address_and_no_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
