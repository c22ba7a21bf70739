#include "engine/loops.h"

#include "support/unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { GROUPS = 4 };

/* Groups of one listener and one backend each. */
static struct relay_backend backends[GROUPS];
static struct relay_route routes[GROUPS];
static struct loops loops;

static struct addr at(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text), 0);
	return a;
}

static int set_up(void **state)
{
	(void)state;
	memset(backends, 0, sizeof(backends));
	for (int i = 0; i < GROUPS; i++) {
		backends[i].addr = at("192.0.2.1:9");
		routes[i] = (struct relay_route){.backends = &backends[i],
						 .count = 1};
	}
	return loops_init(&loops);
}

static int tear_down(void **state)
{
	(void)state;
	loops_free(&loops);
	return 0;
}

static void listen_at(int group, const char *text)
{
	struct addr a = at(text);

	assert_int_equal(loops_add(&loops, -1, &a, &routes[group]), 0);
}

static bool leads_back(int group, const char *to)
{
	struct addr a = at(to);

	return loops_lead_back(&loops, &routes[group], &a, 0);
}

static void a_backend_that_is_the_listener_itself_leads_back(void **state)
{
	(void)state;
	listen_at(0, "127.0.0.1:80");
	assert_true(leads_back(0, "127.0.0.1:80"));
	assert_false(leads_back(0, "127.0.0.1:81"));
	assert_false(leads_back(0, "127.0.0.2:80"));
	assert_false(leads_back(0, "[::1]:80"));
}

static void a_wildcard_is_every_address_of_this_machine(void **state)
{
	(void)state;
	listen_at(0, "0.0.0.0:80");
	assert_true(leads_back(0, "127.0.0.1:80"));
	assert_true(leads_back(0, "127.1.2.3:80"));
	assert_false(leads_back(0, "192.0.2.1:80"));
	assert_false(leads_back(0, "127.0.0.1:81"));
	assert_false(leads_back(0, "[::1]:80"));
	listen_at(1, "[::]:81");
	assert_true(leads_back(1, "[::1]:81"));
	assert_false(leads_back(1, "127.0.0.1:81"));
}

static void an_ipv6_wildcard_that_takes_both_is_both(void **state)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6};
	struct addr a = at("[::]:80");
	int off = 0, fd = socket(AF_INET6, SOCK_STREAM, 0);

	(void)state;
	if (fd < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0 ||
	    bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0) {
		print_message("skipped: IPv6 is missing\n");
		skip();
	}
	assert_int_equal(loops_add(&loops, fd, &a, &routes[0]), 0);
	assert_true(leads_back(0, "127.0.0.1:80"));
	close(fd);
}

static void one_address_of_a_wildcard_is_only_that(void **state)
{
	(void)state;
	routes[0].only = at("127.0.0.2:80");
	listen_at(0, "0.0.0.0:80");
	assert_true(leads_back(0, "127.0.0.2:80"));
	assert_false(leads_back(0, "127.0.0.1:80"));
}

static void a_chain_may_be_but_must_not_close(void **state)
{
	(void)state;
	listen_at(0, "127.0.0.1:80");
	listen_at(1, "127.0.0.1:81");
	listen_at(2, "127.0.0.1:82");
	backends[0].addr = at("127.0.0.1:81");
	backends[1].addr = at("127.0.0.1:82");
	assert_false(leads_back(0, "127.0.0.1:81"));
	assert_false(leads_back(1, "127.0.0.1:82"));
	backends[2].addr = at("127.0.0.1:80");
	assert_true(leads_back(0, "127.0.0.1:81"));
	assert_true(leads_back(2, "127.0.0.1:80"));
	/* From outside into a ring: not this group's own. */
	listen_at(3, "127.0.0.1:83");
	assert_false(leads_back(3, "127.0.0.1:80"));
}

static void the_most_exact_listener_has_it(void **state)
{
	(void)state;
	listen_at(0, "0.0.0.0:80");
	listen_at(1, "127.0.0.1:80");
	assert_false(leads_back(0, "127.0.0.1:80"));
	assert_true(leads_back(0, "127.0.0.2:80"));
}

/* What a name leads to is known only when it is used. */
static void names_do_not_close_a_ring_either(void **state)
{
	(void)state;
	listen_at(0, "127.0.0.1:80");
	listen_at(1, "127.0.0.1:81");
	backends[0] = (struct relay_backend){.host = "one.test"};
	backends[1] = (struct relay_backend){.host = "two.test"};
	assert_false(leads_back(0, "127.0.0.1:81"));
	assert_false(leads_back(0, "127.0.0.1:81"));
	assert_true(leads_back(1, "127.0.0.1:80"));
	assert_int_equal(loops.edge_count, 1);
}

static void listen_as(int fd, int group, const char *text)
{
	struct addr a = at(text);

	assert_int_equal(loops_add(&loops, fd, &a, &routes[group]), 0);
}

static const char *port_of_ours(int port)
{
	static char text[ADDR_TEXT];

	snprintf(text, sizeof(text), "127.0.0.1:%d", port);
	return text;
}

static void the_others_are_remembered_when_one_goes(void **state)
{
	static const char *const names[GROUPS] = {"a", "b", "c", "d"};

	(void)state;
	for (int i = 0; i < GROUPS; i++) {
		listen_as(10 + i, i, port_of_ours(80 + i));
		backends[i] = (struct relay_backend){.host = names[i]};
	}
	assert_false(leads_back(0, port_of_ours(81)));
	assert_false(leads_back(1, port_of_ours(82)));
	assert_false(leads_back(1, port_of_ours(83)));
	loops_remove(&loops, 13);
	assert_int_equal(loops.edge_count, 2);
	assert_true(leads_back(2, port_of_ours(80)));
}

/* Whoever had it may have freed it, and another may be there now. */
static void a_group_without_a_listener_is_forgotten(void **state)
{
	struct relay_backend *freed = calloc(1, sizeof(*freed));
	struct relay_route *route = calloc(1, sizeof(*route));
	struct addr second = at("127.0.0.1:81");

	(void)state;
	assert_true(freed && route);
	*freed = (struct relay_backend){.host = "two.test"};
	*route = (struct relay_route){.backends = freed, .count = 1};
	listen_as(10, 0, "127.0.0.1:80");
	assert_int_equal(loops_add(&loops, 11, &second, route), 0);
	backends[0] = (struct relay_backend){.host = "one.test"};
	assert_false(leads_back(0, "127.0.0.1:81"));
	assert_int_equal(loops.edge_count, 1);
	loops_remove(&loops, 11);
	assert_int_equal(loops.edge_count, 0);
	assert_int_equal(loops.group_count, 1);
	/* One that came in before goes on, and is not remembered. */
	second = at("127.0.0.1:80");
	assert_false(loops_lead_back(&loops, route, &second, 0));
	assert_int_equal(loops.edge_count, 0);
	free(freed);
	free(route);
	listen_as(12, 1, "127.0.0.1:81");
	assert_false(leads_back(1, "127.0.0.1:80"));
	assert_true(leads_back(0, "127.0.0.1:81"));
	assert_int_equal(loops.group_count, 2);
}

static void a_listener_with_another_route_leads_elsewhere(void **state)
{
	(void)state;
	listen_as(10, 0, "127.0.0.1:80");
	listen_as(11, 1, "127.0.0.1:81");
	backends[2].addr = at("127.0.0.1:80");
	assert_false(leads_back(0, "127.0.0.1:81"));
	assert_int_equal(loops_reroute(&loops, 12, &routes[2]), -ENOENT);
	assert_int_equal(loops_reroute(&loops, 11, &routes[2]), 0);
	assert_true(leads_back(0, "127.0.0.1:81"));
	assert_int_equal(loops_reroute(&loops, 11, &routes[0]), 0);
	assert_int_equal(loops.group_count, 1);
	assert_true(leads_back(0, "127.0.0.1:81"));
	loops_remove(&loops, 10);
	assert_false(leads_back(0, "127.0.0.1:80"));
	assert_int_equal(loops.group_count, 1);
}

static void localhost_leads_back_when_both_its_addresses_do(void **state)
{
	(void)state;
	listen_at(0, "127.0.0.1:80");
	listen_at(1, "127.0.0.1:81");
	backends[1] =
		(struct relay_backend){.host = "localhost", .addr.port = 80};
	assert_false(leads_back(0, "127.0.0.1:81"));
	listen_at(0, "[::1]:80");
	assert_true(leads_back(0, "127.0.0.1:81"));
}

static void
a_socket_file_is_known_by_its_path_and_when_asked_by_itself(void **state)
{
	char dir[] = "/tmp/lowport-loops-XXXXXX", path[64], other[64];
	struct addr own = {.family = AF_UNIX}, alias = {.family = AF_UNIX};
	struct addr where;
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/a", dir);
	snprintf(other, sizeof(other), "%s/b", dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(symlink(path, other), 0);
	own.path = path;
	alias.path = other;
	assert_false(loops_lead_back(&loops, &routes[0], &own, 0));
	assert_int_equal(loops_add(&loops, -1, &own, &routes[0]), 0);
	assert_true(loops_lead_back(&loops, &routes[0], &own, 0));
	assert_true(loops_find(&loops, &routes[0], &alias, 0, &where));
	assert_string_equal(where.path, path);
	unlink(other);
	unlink(path);
	rmdir(dir);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_backend_that_is_the_listener_itself_leads_back),
		TEST(a_wildcard_is_every_address_of_this_machine),
		TEST(an_ipv6_wildcard_that_takes_both_is_both),
		TEST(one_address_of_a_wildcard_is_only_that),
		TEST(a_chain_may_be_but_must_not_close),
		TEST(the_most_exact_listener_has_it),
		TEST(names_do_not_close_a_ring_either),
		TEST(the_others_are_remembered_when_one_goes),
		TEST(a_group_without_a_listener_is_forgotten),
		TEST(a_listener_with_another_route_leads_elsewhere),
		TEST(localhost_leads_back_when_both_its_addresses_do),
		TEST(a_socket_file_is_known_by_its_path_and_when_asked_by_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
