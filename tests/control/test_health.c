#include "control/health.h"

#include "support/unit.h"

#include <stdlib.h>

static struct snapshot_listener listeners[3];
static struct snapshot_relay relays[2] = {
	{.name = "web", .listeners = listeners, .listener_count = 2},
	{.name = "git\x1b", .listeners = listeners + 2, .listener_count = 1}};

static void assert_health(const struct snapshot *s, bool wanted,
			  const char *text)
{
	bool fine;
	char *said = health_print(s, &fine);

	assert_non_null(said);
	assert_string_equal(said, text);
	assert_int_equal(fine, wanted);
	free(said);
}

static struct snapshot with(enum relay_listener_state a,
			    enum relay_listener_state b,
			    enum relay_listener_state c)
{
	addr_parse(&listeners[0].addr, "127.0.0.1:80");
	addr_parse(&listeners[1].addr, "[::1]:80");
	addr_parse(&listeners[2].addr, "127.0.0.1:9418");
	listeners[0].state = a;
	listeners[1].state = b;
	listeners[2].state = c;
	return (struct snapshot){.relays = relays, .relay_count = 2};
}

static void it_is_well_while_any_listener_is_alive(void **state)
{
	struct snapshot s = with(LISTENER_OPEN, LISTENER_OPEN, LISTENER_OPEN);

	(void)state;
	assert_health(&s, true, "ok\n");
	s = with(LISTENER_DEAD, LISTENER_DEAD, LISTENER_PAUSED);
	assert_health(&s, true, "ok\n");
	s = with(LISTENER_DEAD, LISTENER_HELD, LISTENER_DEAD);
	assert_health(&s, true, "ok\n");
}

static void it_is_not_while_it_drains(void **state)
{
	struct snapshot s = with(LISTENER_OPEN, LISTENER_OPEN, LISTENER_OPEN);

	(void)state;
	s.draining = true;
	assert_health(&s, false, "draining: no new clients are taken\n");
}

static void dead_listeners_are_named(void **state)
{
	struct snapshot s = with(LISTENER_DEAD, LISTENER_DEAD, LISTENER_DEAD);

	(void)state;
	assert_health(&s, false,
		      "no listener is alive: 127.0.0.1:80 of relay web, "
		      "[::1]:80 of relay web, 127.0.0.1:9418 of relay "
		      "git\\x1b\n");
	s.relay_count = 0;
	assert_health(&s, false, "there is no listener\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_well_while_any_listener_is_alive),
		cmocka_unit_test(it_is_not_while_it_drains),
		cmocka_unit_test(dead_listeners_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
