#include "engine/targets.h"

#include "support/unit.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>

enum { MOST = 40 };

/* What a resolver would say. */
struct found {
	struct addrinfo list[MOST];
	struct sockaddr_storage at[MOST];
};

static const struct addrinfo *found(struct found *f, const char *const ips[],
				    size_t count)
{
	memset(f, 0, sizeof(*f));
	for (size_t i = 0; i < count; i++) {
		struct addr a;

		assert_int_equal(addr_parse_ip(&a, ips[i]), 0);
		f->list[i].ai_addrlen = addr_to_sockaddr(&a, &f->at[i]);
		f->list[i].ai_addr = (struct sockaddr *)&f->at[i];
		f->list[i].ai_next = i + 1 < count ? &f->list[i + 1] : NULL;
	}
	return count > 0 ? f->list : NULL;
}

static void assert_order(const struct targets *t, const char *const ips[],
			 size_t count)
{
	assert_int_equal(t->count, count);
	for (size_t i = 0; i < count; i++) {
		struct addr a;

		assert_int_equal(addr_parse_ip(&a, ips[i]), 0);
		assert_true(addr_same_ip(&t->at[i], &a));
		assert_int_equal(t->at[i].port, 80);
	}
}

static void families_take_turns_from_the_first_one_on(void **state)
{
	static const char *const rows[][2][6] = {
		{{"::1", "::2", "::3", "10.0.0.1", "10.0.0.2"},
		 {"::1", "10.0.0.1", "::2", "10.0.0.2", "::3"}},
		{{"10.0.0.1", "10.0.0.2", "::1"},
		 {"10.0.0.1", "::1", "10.0.0.2"}},
		{{"10.0.0.1", "10.0.0.2"}, {"10.0.0.1", "10.0.0.2"}},
		{{"::1", "10.0.0.1", "::2"}, {"::1", "10.0.0.1", "::2"}},
		{{"::1"}, {"::1"}},
		{{NULL}, {NULL}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct targets t = {0};
		struct found f;
		size_t n = 0;

		while (rows[i][0][n])
			n++;
		assert_int_equal(
			targets_found(&t, found(&f, rows[i][0], n), 80), 0);
		assert_order(&t, rows[i][1], n);
		targets_free(&t);
	}
}

static void an_address_that_comes_twice_is_tried_once(void **state)
{
	static const char *const twice[] = {"10.0.0.1", "10.0.0.1", "::1",
					    "::ffff:10.0.0.1", "::1"};
	static const char *const once[] = {"10.0.0.1", "::1"};
	struct targets t = {0};
	struct found f;

	(void)state;
	assert_int_equal(targets_found(&t, found(&f, twice, COUNT(twice)), 80),
			 0);
	assert_order(&t, once, COUNT(once));
	targets_free(&t);
}

static void a_wildcard_is_no_address_to_connect_to(void **state)
{
	static const char *const ips[] = {"0.0.0.0", "::", "10.0.0.1",
					  "::ffff:0.0.0.0"};
	static const char *const left[] = {"10.0.0.1"};
	struct targets t = {0};
	struct found f;

	(void)state;
	assert_int_equal(targets_found(&t, found(&f, ips, COUNT(ips)), 80), 0);
	assert_order(&t, left, COUNT(left));
	assert_int_equal(targets_found(&t, found(&f, ips, 2), 80), 0);
	assert_int_equal(t.count, 0);
	targets_free(&t);
}

static void of_very_many_addresses_some_are_enough(void **state)
{
	static char texts[MOST][16];
	const char *many[MOST];
	struct targets t = {0};
	struct found f;

	(void)state;
	for (int i = 0; i < MOST; i++) {
		snprintf(texts[i], sizeof(texts[i]), "10.0.0.%d", i);
		many[i] = texts[i];
	}
	assert_int_equal(targets_found(&t, found(&f, many, MOST), 80), 0);
	assert_order(&t, many, 32);
	targets_free(&t);
}

static void the_one_that_answered_last_comes_first(void **state)
{
	static const char *const ips[] = {"::1", "10.0.0.1", "::2"};
	static const char *const order[] = {"::2", "::1", "10.0.0.1"};
	struct targets t = {0};
	struct addr winner, stranger;
	struct found f;

	(void)state;
	assert_int_equal(addr_parse(&winner, "[::2]:80"), 0);
	assert_int_equal(addr_parse(&stranger, "[::3]:80"), 0);
	targets_found(&t, found(&f, ips, COUNT(ips)), 80);
	targets_prefer(&t, &stranger);
	assert_order(&t, ips, COUNT(ips));
	targets_prefer(&t, &winner);
	assert_order(&t, order, COUNT(order));
	targets_prefer(&t, &winner);
	assert_order(&t, order, COUNT(order));
	targets_free(&t);
}

static void localhost_is_both_loopback_addresses(void **state)
{
	static const char *const both[] = {"::1", "127.0.0.1"};
	struct targets t = {0};

	(void)state;
	assert_false(targets_localhost(&t, "local.test", 80));
	assert_true(targets_localhost(&t, "localhost", 80));
	assert_order(&t, both, COUNT(both));
	targets_free(&t);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(families_take_turns_from_the_first_one_on),
		cmocka_unit_test(an_address_that_comes_twice_is_tried_once),
		cmocka_unit_test(a_wildcard_is_no_address_to_connect_to),
		cmocka_unit_test(of_very_many_addresses_some_are_enough),
		cmocka_unit_test(the_one_that_answered_last_comes_first),
		cmocka_unit_test(localhost_is_both_loopback_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
