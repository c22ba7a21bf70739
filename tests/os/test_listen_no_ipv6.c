/* On a system without IPv6, which no test can make of this one. */
#include "os/sock.h"

#include <errno.h>
#include <sys/socket.h>

static int open_ipv4(int family)
{
	return family == AF_INET6 ? -EAFNOSUPPORT : sock_open(family);
}

#define sock_open open_ipv4
#include "os/listen_bind.c" /* NOLINT */
#undef sock_open

#include "listen_rig.h"

static void both_families_are_the_one_that_there_is(void **state)
{
	struct rig *r = *state;
	struct addr to = {0};

	want_at(r, "0.0.0.0:0");
	r->want.both_families = true;
	opens(r, listen_open_bind);
	assert_int_equal(r->got.count, 1);
	assert_int_equal(addr_parse(&to, "127.0.0.1:0"), 0);
	to.port = r->got.at[0].addr.port;
	assert_serves(r->got.at[0].fd, &to);
}

static void an_ipv6_address_is_refused(void **state)
{
	struct rig *r = *state;

	want_at(r, "[::1]:0");
	assert_refused(r, listen_open_bind, -EAFNOSUPPORT, "[::1]:0: Address");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LISTEN_ROW(both_families_are_the_one_that_there_is),
		LISTEN_ROW(an_ipv6_address_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
