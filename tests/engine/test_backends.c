#include "engine/backends.h"

#include "engine/origin.h"
#include "support/unit.h"

enum { MANY = 500, SOURCES = 1 << 24 };

static struct relay_backend at_port(uint16_t port)
{
	return (struct relay_backend){
		.addr = {.family = AF_INET, .port = port, .ip = {127, 0, 0, 1}},
	};
}

static struct relay_backend named(const char *host, uint16_t port)
{
	return (struct relay_backend){.addr.port = port, .host = host};
}

static struct relay_backend at_path(const char *path)
{
	return (struct relay_backend){
		.addr = {.family = AF_UNIX, .path = path},
	};
}

static void one_that_failed_is_down_for_a_while(void **state)
{
	struct relay_backend which = at_port(80), other = at_port(81);
	struct backends b;

	(void)state;
	backends_init(&b);
	assert_false(backends_is_down(&b, &which, 100));
	backends_failed(&b, &which, 100);
	assert_true(backends_is_down(&b, &which, 100));
	assert_true(backends_is_down(&b, &which, 2099));
	assert_false(backends_is_down(&b, &which, 2100));
	assert_false(backends_is_down(&b, &other, 100));
	backends_free(&b);
}

static void a_name_that_answers_is_up_at_once_and_its_winner_known(void **state)
{
	struct relay_backend which = named("app.test", 80);
	struct addr at = {.family = AF_INET, .port = 80};
	struct backends b;

	(void)state;
	backends_init(&b);
	assert_null(backends_winner(&b, &which));
	backends_failed(&b, &which, 100);
	assert_null(backends_winner(&b, &which));
	backends_answered(&b, &which, &at);
	assert_false(backends_is_down(&b, &which, 100));
	assert_true(addr_equal(backends_winner(&b, &which), &at));
	backends_free(&b);
}

/* A relay that is configured anew has others at the same place, or the same at
 * another. */
static void it_is_known_by_what_it_says_not_by_where_it_is(void **state)
{
	char path[] = "/run/a", host[] = "a.test";
	struct relay_backend which[3] = {at_port(80), at_path(path),
					 named(host, 80)};
	struct relay_backend again[3] = {at_port(80), at_path("/run/a"),
					 named("a.test", 80)};
	struct addr at = {.family = AF_INET, .port = 80};
	struct backends b;

	(void)state;
	backends_init(&b);
	for (int i = 0; i < 3; i++)
		backends_failed(&b, &which[i], 100);
	path[5] = 'b';
	host[0] = 'b';
	which[0].addr.port = 81;
	for (int i = 0; i < 3; i++) {
		assert_false(backends_is_down(&b, &which[i], 100));
		assert_true(backends_is_down(&b, &again[i], 100));
	}
	backends_answered(&b, &again[2], &at);
	assert_null(backends_winner(&b, &which[2]));
	assert_non_null(backends_winner(&b, &again[2]));
	which[2] = named("a.test", 81);
	assert_null(backends_winner(&b, &which[2]));
	backends_free(&b);
}

static void each_of_many_has_its_own_memory(void **state)
{
	struct relay_backend which;
	struct backends b;

	(void)state;
	backends_init(&b);
	for (uint16_t i = 1; i < MANY; i++) {
		struct addr at = {.family = AF_INET, .port = i};

		which = named("app.test", i);
		backends_answered(&b, &which, &at);
	}
	for (uint16_t i = 1; i < MANY; i++) {
		which = named("app.test", i);
		assert_int_equal(backends_winner(&b, &which)->port, i);
	}
	backends_free(&b);
}

static void the_one_that_nobody_asks_for_makes_room(void **state)
{
	struct relay_backend first = at_port(1), which;
	struct backends b;

	(void)state;
	backends_init(&b);
	for (uint16_t i = 1; i <= BACKENDS_MOST; i++) {
		which = at_port(i);
		backends_failed(&b, &which, 100);
	}
	assert_int_equal(b.count, BACKENDS_MOST);
	assert_true(backends_is_down(&b, &first, 100));
	which = at_port(BACKENDS_MOST + 1);
	backends_failed(&b, &which, 100);
	assert_int_equal(b.count, BACKENDS_MOST);
	assert_true(backends_is_down(&b, &first, 100));
	assert_true(backends_is_down(&b, &which, 100));
	which = at_port(2);
	assert_false(backends_is_down(&b, &which, 100));
	backends_free(&b);
}

static struct addr ip(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse_ip(&a, text), 0);
	return a;
}

static void only_a_loopback_ipv4_backend_has_other_sources(void **state)
{
	struct addr near = ip("127.0.0.1"), near6 = ip("::1"),
		    far = ip("10.0.0.1");

	(void)state;
	assert_true(origin_can_spread(&near));
	assert_false(origin_can_spread(&near6));
	assert_false(origin_can_spread(&far));
}

static void sources_are_spread_for_a_minute(void **state)
{
	struct addr near = ip("127.0.0.1"), far = ip("10.0.0.1");
	struct origin s;

	(void)state;
	origin_init(&s, 1);
	assert_false(origin_is_spread(&s, &near, 0));
	origin_spread(&s, 1000);
	assert_true(origin_is_spread(&s, &near, 60999));
	assert_false(origin_is_spread(&s, &far, 1000));
	assert_false(origin_is_spread(&s, &near, 61000));
}

static void no_source_is_a_network_or_the_one_that_ran_out(void **state)
{
	struct origin s;

	(void)state;
	origin_init(&s, 7);
	for (int i = 0; i < SOURCES; i++) {
		struct addr a = origin_next(&s);
		uint32_t host = (uint32_t)a.ip[1] << 16 |
				(uint32_t)a.ip[2] << 8 | a.ip[3];

		if (a.ip[0] != 127 || host < 2 || host == SOURCES - 1)
			fail_msg("127.%u.%u.%u", a.ip[1], a.ip[2], a.ip[3]);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_failed_is_down_for_a_while),
		cmocka_unit_test(
			a_name_that_answers_is_up_at_once_and_its_winner_known),
		cmocka_unit_test(
			it_is_known_by_what_it_says_not_by_where_it_is),
		cmocka_unit_test(each_of_many_has_its_own_memory),
		cmocka_unit_test(the_one_that_nobody_asks_for_makes_room),
		cmocka_unit_test(
			only_a_loopback_ipv4_backend_has_other_sources),
		cmocka_unit_test(sources_are_spread_for_a_minute),
		cmocka_unit_test(
			no_source_is_a_network_or_the_one_that_ran_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
