#include "os/netif.h"

#include "support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

static struct addr at(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse_ip(&a, text), 0);
	return a;
}

static bool has(const char *text)
{
	struct addr a = at(text);

	return netif_has(&a);
}

static bool is_permanent(const char *text)
{
	struct addr a = at(text);

	return netif_is_permanent(&a);
}

static void what_this_machine_has_is_told_from_what_it_has_not(void **state)
{
	(void)state;
	assert_true(has("127.0.0.1"));
	assert_true(has("0.0.0.0"));
	/* RFC 5737 and RFC 3849: nobody's. */
	assert_false(has("203.0.113.9"));
	assert_false(has("2001:db8::1"));
}

static void a_port_that_is_taken_or_privileged_does_not_matter(void **state)
{
	struct addr a = at("127.0.0.1");

	(void)state;
	a.port = 1;
	assert_true(netif_has(&a));
}

static void loopback_and_wildcards_are_permanent_and_no_other(void **state)
{
	(void)state;
	assert_true(is_permanent("127.0.0.1"));
	assert_true(is_permanent("::1"));
	assert_true(is_permanent("0.0.0.0"));
	assert_true(is_permanent("::"));
	assert_false(is_permanent("127.0.0.2"));
	assert_false(is_permanent("10.8.0.2"));
	assert_false(is_permanent("::2"));
	assert_false(is_permanent("fe80::1"));
}

static void an_interface_has_what_getifaddrs_says_but_link_local(void **state)
{
	struct addr found[NETIF_ADDRESSES_MAX];
	struct ifaddrs *list, *i;
	int count;

	(void)state;
	assert_int_equal(getifaddrs(&list), 0);
	for (i = list; i; i = i->ifa_next) {
		bool listed = false;
		struct addr a;

		if (!i->ifa_addr)
			continue;
		addr_from_sockaddr(&a, i->ifa_addr,
				   i->ifa_addr->sa_family == AF_INET6
					   ? sizeof(struct sockaddr_in6)
					   : sizeof(struct sockaddr_in));
		if (a.family == AF_UNSPEC)
			continue;
		count = netif_addresses(i->ifa_name, false, found);
		assert_in_range(count, 0, NETIF_ADDRESSES_MAX);
		for (int k = 0; k < count; k++)
			listed = listed || addr_same_ip(&found[k], &a);
		assert_int_equal(listed, a.family == AF_INET ||
						 a.ip[0] != 0xfe ||
						 (a.ip[1] & 0xc0) != 0x80);
	}
	freeifaddrs(list);
}

/* All of them, or all but the link-local ones. */
static void link_local_ones_are_told_with_their_scope_if_wanted(void **state)
{
	struct addr all[NETIF_ADDRESSES_MAX], some[NETIF_ADDRESSES_MAX];
	struct if_nameindex *names = if_nameindex();
	bool any = false;

	(void)state;
	assert_non_null(names);
	for (size_t i = 0; names[i].if_index != 0; i++) {
		int count = netif_addresses(names[i].if_name, true, all);
		int left = netif_addresses(names[i].if_name, false, some);

		for (int k = 0; k < count; k++) {
			if (all[k].family != AF_INET6 || all[k].ip[0] != 0xfe)
				continue;
			any = true;
			left++;
			assert_int_equal(all[k].scope, names[i].if_index);
		}
		assert_int_equal(left, count);
	}
	if_freenameindex(names);
	if (!any)
		skip();
}

static void a_name_is_what_the_system_would_take_as_one(void **state)
{
	static const char *const good[] = {"wg0", "eth0.100", "a",
					   "fifteen-bytes--"};
	static const char *const bad[] = {
		"", ".", "..", "a b", "a/b", "a:b", "a\n", "sixteen-bytes---"};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(netif_is_name(good[i]));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(netif_is_name(bad[i]));
}

static void an_interface_that_is_not_there_is_enodev(void **state)
{
	struct addr found[NETIF_ADDRESSES_MAX];

	(void)state;
	assert_int_equal(netif_addresses("no-such-if0", false, found), -ENODEV);
	assert_int_equal(netif_addresses("", false, found), -ENODEV);
}

static void a_watch_is_silent_until_something_changes(void **state)
{
	int fd = netif_watch();
	struct pollfd p = {.fd = fd, .events = POLLIN};

	(void)state;
	assert_in_range(fd, 0, INT32_MAX);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	/* Nothing to take is no reason to wait. */
	netif_watch_drain(fd);
	assert_int_equal(poll(&p, 1, 0), 0);
	close(fd);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_this_machine_has_is_told_from_what_it_has_not),
		cmocka_unit_test(
			a_port_that_is_taken_or_privileged_does_not_matter),
		cmocka_unit_test(
			loopback_and_wildcards_are_permanent_and_no_other),
		cmocka_unit_test(
			an_interface_has_what_getifaddrs_says_but_link_local),
		cmocka_unit_test(
			link_local_ones_are_told_with_their_scope_if_wanted),
		cmocka_unit_test(a_name_is_what_the_system_would_take_as_one),
		cmocka_unit_test(an_interface_that_is_not_there_is_enodev),
		cmocka_unit_test(a_watch_is_silent_until_something_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
