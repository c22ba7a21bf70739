#include "os/listen.h"

#include "listen_rig.h"
#include "support/drop.h"

#include "os/platform.h"

static void an_address_that_is_bound_is_served(void **state)
{
	static const char *const texts[] = {"127.0.0.1:0", "[::1]:0"};
	struct rig *r = *state;

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct listener *l;

		want_at(r, texts[i]);
		if (listen_open_bind(&r->want, &r->got, &r->why) < 0)
			continue;
		l = &r->got.at[r->got.count - 1];
		assert_int_not_equal(l->addr.port, 0);
		assert_prepared(l->fd);
		assert_serves(l->fd, &l->addr);
	}
	assert_true(r->got.count > 0);
}

static void both_families_share_one_port(void **state)
{
	struct rig *r = *state;
	struct addr to = {0};

	want_at(r, "0.0.0.0:0");
	r->want.both_families = true;
	opens(r, listen_open_bind);
	if (r->got.count < 2)
		skip();
	assert_int_equal(r->got.count, 2);
	assert_int_equal(r->got.at[0].addr.family, AF_INET);
	assert_int_equal(r->got.at[1].addr.family, AF_INET6);
	assert_int_equal(r->got.at[0].addr.port, r->got.at[1].addr.port);
	assert_int_equal(addr_parse(&to, "127.0.0.1:0"), 0);
	to.port = r->got.at[0].addr.port;
	assert_serves(r->got.at[0].fd, &to);
	assert_int_equal(addr_parse(&to, "[::1]:0"), 0);
	to.port = r->got.at[0].addr.port;
	assert_serves(r->got.at[1].fd, &to);
}

static void of_both_families_either_both_or_none(void **state)
{
	struct rig *r = *state;

	want_at(r, "[::]:0");
	if (listen_open_bind(&r->want, &r->got, &r->why) < 0)
		skip();
	r->want.both_families = true;
	r->want.addr = (struct addr){.family = AF_INET,
				     .port = r->got.at[0].addr.port};
	assert_refused(r, listen_open_bind, -EADDRINUSE, "[::]:");
	r->want.both_families = false;
	opens(r, listen_open_bind);
}

static void a_port_that_is_held_is_said_to_be(void **state)
{
	struct rig *r = *state;
	char text[ADDR_TEXT], port[16];

	want_at(r, "127.0.0.1:0");
	opens(r, listen_open_bind);
	r->want.addr = r->got.at[0].addr;
	assert_refused(r, listen_open_bind, -EADDRINUSE,
		       addr_print(&r->want.addr, text));
	assert_says(r->why.text, "another program");
	snprintf(port, sizeof(port), "%u", r->want.addr.port);
	assert_says(strstr(r->why.text, "See which"), port);
}

static void an_address_of_another_machine_is_said_to_be(void **state)
{
	struct rig *r = *state;

	want_at(r, "192.0.2.1:0");
	assert_refused(r, listen_open_bind, -EADDRNOTAVAIL, "192.0.2.1:0");
	assert_says(r->why.text, platform_show_addresses);
}

static const char *bind_low_port(void *data)
{
	struct rig *r = data;

	if (listen_open_bind(&r->want, &r->got, &r->why) != -EACCES)
		return "a low port was not refused";
	if (r->got.count != 0)
		return "something was added";
	if (!strstr(r->why.text, "127.0.0.1:1:") ||
	    !strstr(r->why.text, platform_low_port_hint))
		return r->why.text;
	return NULL;
}

static void a_low_port_is_refused_with_the_way_to_have_it(void **state)
{
	FILE *first =
		fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "r");
	struct rig *r = *state;
	int port = 0;

	if (first) {
		if (fscanf(first, "%d", &port) != 1)
			port = 0;
		fclose(first);
	}
	if (port < 2) {
		print_message("skipped: every port is for everyone here\n");
		skip();
	}
	want_at(r, "127.0.0.1:1");
	as_ordinary_user(bind_low_port, r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		LISTEN_ROW(an_address_that_is_bound_is_served),
		LISTEN_ROW(both_families_share_one_port),
		LISTEN_ROW(of_both_families_either_both_or_none),
		LISTEN_ROW(a_port_that_is_held_is_said_to_be),
		LISTEN_ROW(an_address_of_another_machine_is_said_to_be),
		LISTEN_ROW(a_low_port_is_refused_with_the_way_to_have_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
