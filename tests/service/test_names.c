#include "service/names.h"

#include "support/unit.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>

enum { MOST = 8 };

static struct addr found[MOST];
static struct fault why;

static void assert_found(int index, const char *wanted)
{
	char text[ADDR_TEXT];

	assert_string_equal(addr_print(&found[index], text), wanted);
}

static bool is_found(int count, const char *wanted)
{
	char text[ADDR_TEXT];

	for (int i = 0; i < count; i++)
		if (strcmp(addr_print(&found[i], text), wanted) == 0)
			return true;
	return false;
}

static void an_address_is_itself_whether_it_is_here_or_not(void **state)
{
	static const char *const addresses[] = {
		"127.0.0.1:80",        "203.0.113.9:443", "[::1]:80",
		"[2001:db8::1]:65535", "0.0.0.0:80",      "[::]:80",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(addresses); i++) {
		assert_int_equal(names_resolve(addresses[i], found, MOST, &why),
				 1);
		assert_found(0, addresses[i]);
	}
}

static void a_star_is_both_wildcards(void **state)
{
	(void)state;
	assert_int_equal(names_resolve("*:80", found, MOST, &why), 2);
	assert_found(0, "0.0.0.0:80");
	assert_found(1, "[::]:80");
}

static const char *loopback(void)
{
	struct ifaddrs *list, *i;
	static char name[IF_NAMESIZE];

	assert_int_equal(getifaddrs(&list), 0);
	for (i = list; i; i = i->ifa_next)
		if (i->ifa_flags & IFF_LOOPBACK)
			snprintf(name, sizeof(name), "%s", i->ifa_name);
	freeifaddrs(list);
	return name;
}

static void an_interface_is_its_addresses_with_and_without_if(void **state)
{
	char text[64];
	int count;

	(void)state;
	snprintf(text, sizeof(text), "%s:80", loopback());
	count = names_resolve(text, found, MOST, &why);
	assert_true(is_found(count, "127.0.0.1:80"));
	snprintf(text, sizeof(text), "if:%s:443", loopback());
	assert_int_equal(names_resolve(text, found, MOST, &why), count);
	assert_true(is_found(count, "127.0.0.1:443"));
}

static void a_host_is_its_addresses(void **state)
{
	int count = names_resolve("localhost:80", found, MOST, &why);

	(void)state;
	assert_in_range(count, 1, MOST);
	assert_true(is_found(count, "127.0.0.1:80") ||
		    is_found(count, "[::1]:80"));
}

static void no_more_are_given_than_fit(void **state)
{
	char text[64];

	(void)state;
	snprintf(text, sizeof(text), "%s:80", loopback());
	assert_int_equal(names_resolve(text, found, 1, &why), 1);
	assert_int_equal(names_resolve("localhost:80", found, 1, &why), 1);
}

static void what_is_no_name_is_named(void **state)
{
	static const char *const bad[] = {
		"",
		"80",
		"127.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:0",
		"127.0.0.1:65536",
		"127.0.0.1:http",
		":80",
		"[::1]",
		"[::1]:x",
		"[no]:80",
		"*:0",
		"unix:/tmp/x",
		"systemd",
		"systemd:web",
		"launchd:web",
		"launchd:web@127.0.0.1:80",
		"fd:3",
		"only:127.0.0.1:80",
		"if:no-such-if0:80",
		"name.invalid:80",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_true(names_resolve(bad[i], found, MOST, &why) < 0);
		/* Of a name, without its port. */
		if (strncmp(bad[i], "if:", 3) == 0)
			assert_says(why.text, "no-such-if0");
		else if (strstr(bad[i], ".invalid"))
			assert_says(why.text, "name.invalid");
		else
			assert_says(why.text, bad[i]);
	}
}

static void a_name_that_is_too_long_is_refused(void **state)
{
	char text[512];

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text + 300, ":80", 4);
	assert_int_equal(names_resolve(text, found, MOST, &why), -EINVAL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			an_address_is_itself_whether_it_is_here_or_not),
		cmocka_unit_test(a_star_is_both_wildcards),
		cmocka_unit_test(
			an_interface_is_its_addresses_with_and_without_if),
		cmocka_unit_test(a_host_is_its_addresses),
		cmocka_unit_test(no_more_are_given_than_fit),
		cmocka_unit_test(what_is_no_name_is_named),
		cmocka_unit_test(a_name_that_is_too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
