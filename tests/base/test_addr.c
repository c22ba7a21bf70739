#include "base/addr.h"

#include "support/unit.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>

static struct addr parsed(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text), 0);
	return a;
}

static void what_is_printed_can_be_read_again(void **state)
{
	static const char *const texts[] = {
		"127.0.0.1:80",      "0.0.0.0:0", "255.255.255.255:65535",
		"[::1]:80",          "[::]:8080", "[2001:db8::2]:443",
		"[fe80::1%4711]:22",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct addr a = parsed(texts[i]);
		char buf[ADDR_TEXT];

		assert_string_equal(addr_print(&a, buf), texts[i]);
	}
}

static void what_is_no_address_with_a_port_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		":",
		"80",
		":80",
		"127.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:65536",
		"127.0.0.1:-1",
		"127.0.0.1:+80",
		"127.0.0.1: 80",
		"127.0.0.1:80 ",
		" 127.0.0.1:80",
		"127.0.0.1:0x50",
		"127.0.0.1:99999999999999999999",
		"127.0.0.256:80",
		"127.1:80",
		"[127.0.0.1]:80",
		"::1:80",
		"[::1]",
		"[::1]80",
		"[::1:80",
		"::1]:80",
		"[]:80",
		"[:80",
		"[::g]:80",
		"[fe80::1%]:80",
		"[fe80::1%0]:80",
		"[fe80::1%no-such-card]:80",
		"127.0.0.1%1:80",
		"localhost:80",
		"*:80",
		"unix:/tmp/x",
		"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:1",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct addr a = {.port = 4711};

		if (addr_parse(&a, texts[i]) != -EINVAL)
			fail_msg("\"%s\" was taken", texts[i]);
		assert_int_equal(a.port, 4711);
	}
}

static void an_interface_may_be_given_by_its_name(void **state)
{
	char name[IF_NAMESIZE], text[64];
	struct addr a;

	(void)state;
	if (!if_indextoname(1, name))
		skip();
	snprintf(text, sizeof(text), "[fe80::1%%%s]:80", name);
	assert_int_equal(parsed(text).scope, 1);
	snprintf(text, sizeof(text), "[fe80::1%%%s:label]:80", name);
	assert_int_equal(addr_parse(&a, text), -EINVAL);
}

static void an_ip_alone_has_no_port(void **state)
{
	struct addr a;

	(void)state;
	assert_int_equal(addr_parse_ip(&a, "::1"), 0);
	assert_int_equal(a.family, AF_INET6);
	assert_int_equal(a.port, 0);
	assert_int_equal(addr_parse_ip(&a, "10.8.0.2"), 0);
	assert_int_equal(a.family, AF_INET);
	assert_int_equal(addr_parse_ip(&a, "[::1]"), -EINVAL);
	assert_int_equal(addr_parse_ip(&a, "10.8.0.2:80"), -EINVAL);
	assert_int_equal(addr_parse_ip(&a, "10.8.0"), -EINVAL);
	assert_int_equal(addr_parse_ip(&a, ""), -EINVAL);
}

static void ipv4_inside_ipv6_is_ipv4(void **state)
{
	struct addr plain = parsed("192.0.2.7:80");
	struct addr mapped = parsed("[::ffff:192.0.2.7]:80");
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
				   .sin6_port = htons(80)};

	(void)state;
	assert_true(addr_equal(&plain, &mapped));
	memcpy(&in6.sin6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x07",
	       16);
	addr_from_sockaddr(&mapped, (const struct sockaddr *)&in6, sizeof(in6));
	assert_true(addr_equal(&plain, &mapped));
}

static void the_kernels_form_and_ours_say_the_same(void **state)
{
	static const char *const texts[] = {
		"192.0.2.7:50112", "[2001:db8::2]:443", "[fe80::1%3]:22"};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct addr there = parsed(texts[i]), back;
		struct sockaddr_storage ss;
		socklen_t length = addr_to_sockaddr(&there, &ss);

		assert_int_not_equal(length, 0);
		addr_from_sockaddr(&back, (const struct sockaddr *)&ss, length);
		assert_true(addr_equal(&there, &back));
	}
}

static void what_is_too_short_or_foreign_is_no_address(void **state)
{
	struct sockaddr_storage ss = {.ss_family = AF_INET6};
	const struct sockaddr *sa = (const struct sockaddr *)&ss;
	struct addr a;

	(void)state;
	for (socklen_t n = 0; n < sizeof(struct sockaddr_in6); n++) {
		addr_from_sockaddr(&a, sa, n);
		assert_int_equal(a.family, AF_UNSPEC);
	}
	ss.ss_family = AF_INET;
	addr_from_sockaddr(&a, sa, sizeof(struct sockaddr_in) - 1);
	assert_int_equal(a.family, AF_UNSPEC);
	ss.ss_family = AF_MAX;
	addr_from_sockaddr(&a, sa, sizeof(ss));
	assert_int_equal(a.family, AF_UNSPEC);
	assert_int_equal(addr_to_sockaddr(&a, &ss), 0);
}

static void a_unix_path_fits_exactly_or_not_at_all(void **state)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	struct addr a = {.family = AF_UNIX};
	struct sockaddr_storage ss;
	struct addr back;
	char buf[ADDR_TEXT];
	socklen_t length;

	(void)state;
	memset(path, 'p', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 2] = '\0';
	a.path = path;
	length = addr_to_sockaddr(&a, &ss);
	assert_int_not_equal(length, 0);
	addr_from_sockaddr(&back, (const struct sockaddr *)&ss, length);
	assert_true(addr_equal(&a, &back));
	addr_print(&a, buf);
	assert_int_equal(strlen(buf), strlen("unix:") + strlen(path));

	path[sizeof(path) - 2] = 'p';
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(addr_to_sockaddr(&a, &ss), 0);
	a.path = "";
	assert_int_equal(addr_to_sockaddr(&a, &ss), 0);
	a.path = NULL;
	assert_int_equal(addr_to_sockaddr(&a, &ss), 0);
}

static void an_unnamed_unix_peer_prints_as_a_dash(void **state)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	char buf[ADDR_TEXT];
	struct addr a;

	(void)state;
	addr_from_sockaddr(&a, (const struct sockaddr *)&un,
			   offsetof(struct sockaddr_un, sun_path));
	assert_int_equal(a.family, AF_UNIX);
	assert_null(a.path);
	assert_string_equal(addr_print(&a, buf), "unix:-");
	a.family = AF_UNSPEC;
	assert_string_equal(addr_print(&a, buf), "-");
}

static void addresses_are_equal_only_in_every_part(void **state)
{
	struct addr a = parsed("[fe80::1%3]:22"), b = a;
	struct addr none = {0}, path = {.family = AF_UNIX, .path = "/a"};
	struct addr copy = path;
	char text[] = "/a";

	(void)state;
	assert_true(addr_equal(&a, &b));
	b.scope = 4;
	assert_false(addr_equal(&a, &b));
	b = a;
	b.port = 23;
	assert_false(addr_equal(&a, &b));
	b = a;
	b.ip[15] = 2;
	assert_false(addr_equal(&a, &b));
	b = parsed("10.0.0.1:22");
	assert_false(addr_equal(&a, &b));
	copy.path = text;
	assert_true(addr_equal(&path, &copy));
	text[1] = 'b';
	assert_false(addr_equal(&path, &copy));
	copy.path = NULL;
	assert_false(addr_equal(&path, &copy));
	assert_true(addr_equal(&none, &none));
}

static void only_the_zero_address_is_a_wildcard(void **state)
{
	struct addr v4 = parsed("0.0.0.0:80"), v6 = parsed("[::]:80");
	struct addr loop4 = parsed("127.0.0.1:0"), loop6 = parsed("[::1]:0");
	struct addr none = {0}, path = {.family = AF_UNIX};

	(void)state;
	assert_true(addr_is_wildcard(&v4));
	assert_true(addr_is_wildcard(&v6));
	assert_false(addr_is_wildcard(&loop4));
	assert_false(addr_is_wildcard(&loop6));
	assert_false(addr_is_wildcard(&none));
	assert_false(addr_is_wildcard(&path));
}

static void loopback_is_all_of_127_and_one_of_ipv6(void **state)
{
	static const struct {
		const char *text;
		bool is;
	} rows[] = {
		{"127.0.0.1", true},  {"127.255.1.2", true},
		{"::1", true},        {"::ffff:127.0.0.1", true},
		{"128.0.0.1", false}, {"0.0.0.0", false},
		{"::", false},        {"::2", false},
		{"7f00::1", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct addr a;

		assert_int_equal(addr_parse_ip(&a, rows[i].text), 0);
		assert_int_equal(addr_is_loopback(&a), rows[i].is);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(loopback_is_all_of_127_and_one_of_ipv6),
		cmocka_unit_test(what_is_printed_can_be_read_again),
		cmocka_unit_test(what_is_no_address_with_a_port_is_refused),
		cmocka_unit_test(an_interface_may_be_given_by_its_name),
		cmocka_unit_test(an_ip_alone_has_no_port),
		cmocka_unit_test(ipv4_inside_ipv6_is_ipv4),
		cmocka_unit_test(the_kernels_form_and_ours_say_the_same),
		cmocka_unit_test(what_is_too_short_or_foreign_is_no_address),
		cmocka_unit_test(a_unix_path_fits_exactly_or_not_at_all),
		cmocka_unit_test(an_unnamed_unix_peer_prints_as_a_dash),
		cmocka_unit_test(addresses_are_equal_only_in_every_part),
		cmocka_unit_test(only_the_zero_address_is_a_wildcard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
