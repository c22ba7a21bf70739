#include "process/program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* --listen only:ADDR:PORT, which binds all addresses and serves one. */

static struct backend *web(void)
{
	return backend_start("127.0.0.1:0", "web");
}

static const char *port_of(const char *where)
{
	return strrchr(where, ':') + 1;
}

static void assert_sent_away(const char *where)
{
	assert_string_equal(peer_hear(peer_dial(where)), "reset");
}

/* All of 127.0.0.0/8 is there on Linux, and one address of it on a Mac. */
static void need_more_addresses(void)
{
	if (peer_try_listen("127.0.0.2:0") < 0)
		program_skip("127.0.0.2 on the loopback interface");
}

static void only_the_clients_of_its_address_are_served(void **state)
{
	struct backend *b = web();
	struct proc *p =
		RUN("--listen", "only:127.0.0.1:0", "--to", backend_where(b));
	const char *port = port_of(program_where(p, 0));

	(void)state;
	need_more_addresses();
	assert_served(scrap("127.0.0.1:%s", port), b);
	assert_sent_away(scrap("127.0.0.2:%s", port));
	assert_sent_away(scrap("127.1.2.3:%s", port));
	assert_served(scrap("127.0.0.1:%s", port), b);
	/* The backend has not heard of the others. */
	assert_int_equal(backend_clients(b), 2);
	program_stop(p);
}

static void a_service_may_be_on_an_address_besides_127_0_0_1(void **state)
{
	struct backend *b = web();
	struct proc *p =
		RUN("--listen", "only:127.0.0.2:0", "--to", backend_where(b));
	const char *port = port_of(program_where(p, 0));

	(void)state;
	need_more_addresses();
	assert_sent_away(scrap("127.0.0.1:%s", port));
	assert_served(scrap("127.0.0.2:%s", port), b);
	program_stop(p);
}

static void ipv6_is_filtered_too_and_leaves_ipv4_alone(void **state)
{
	struct backend *b = web();
	struct proc *p;
	const char *port;

	(void)state;
	if (peer_try_listen("[::1]:0") < 0)
		program_skip("IPv6 on the loopback interface");
	p = RUN("--listen", "only:[::1]:0", "--to", backend_where(b));
	port = port_of(program_where(p, 0));
	assert_says(program_where(p, 0), "[::]:");
	assert_served(scrap("[::1]:%s", port), b);
	assert_int_equal(peer_try_dial(scrap("127.0.0.1:%s", port)), -1);
	program_stop(p);
	/* An address that this machine has not: nobody can mean it. */
	p = RUN("--listen", "only:[2001:db8::1]:0", "--to", backend_where(b));
	assert_sent_away(scrap("[::1]:%s", port_of(program_where(p, 0))));
	program_stop(p);
}

static void the_log_says_that_the_port_looks_open_everywhere(void **state)
{
	struct backend *b = web();
	struct proc *p =
		RUN("--listen", "only:127.0.0.1:0", "--to", backend_where(b));
	const char *line = proc_line(p, "listening on ", 0);

	(void)state;
	assert_says(line, "listening on 0.0.0.0:");
	assert_says(line, scrap("for clients of 127.0.0.1:%s only (the port "
				"looks open on every address; others are "
				"reset)",
				port_of(program_where(p, 0))));
	program_stop(p);
}

static void each_listener_of_a_program_has_its_own_address(void **state)
{
	struct backend *b = web(), *other = backend_start("127.0.0.1:0", "two");
	struct proc *p = RUN("--listen", "only:127.0.0.1:0", "--to",
			     backend_where(b), "--listen", "only:127.0.0.2:0",
			     "--to", backend_where(other), "--listen",
			     "127.0.0.1:0", "--to", backend_where(other));
	const char *first = port_of(program_where(p, 0));
	const char *second = port_of(program_where(p, 1));

	(void)state;
	need_more_addresses();
	assert_served(scrap("127.0.0.1:%s", first), b);
	assert_sent_away(scrap("127.0.0.2:%s", first));
	assert_served(scrap("127.0.0.2:%s", second), other);
	assert_sent_away(scrap("127.0.0.1:%s", second));
	assert_served(program_where(p, 2), other);
	program_stop(p);
}

static void those_who_are_sent_away_take_no_place(void **state)
{
	struct backend *b = web();
	struct proc *p = RUN("--listen", "only:127.0.0.1:0", "--to",
			     backend_where(b), "--max-connections", "1");
	const char *port = port_of(program_where(p, 0));
	const char *away = scrap("127.0.0.2:%s", port);

	(void)state;
	need_more_addresses();
	for (int i = 0; i < 20; i++)
		assert_sent_away(away);
	assert_served(scrap("127.0.0.1:%s", port), b);
	program_stop(p);
}

static void only_needs_one_address_and_a_port(void **state)
{
	static const char *const bad[] = {"only", "only:127.0.0.1", "only:*:80",
					  "only:lo:80"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct proc *p = program_start(
			(const char *const[]){"run", "--listen", bad[i], "--to",
					      "80", NULL},
			NULL);

		proc_end(p, 2);
		assert_says(proc_err(p), "one address and a port (try "
					 "only:127.0.0.1:80)");
	}
}

#define TEST(name) cmocka_unit_test_teardown(name, program_end_test)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(only_the_clients_of_its_address_are_served),
		TEST(a_service_may_be_on_an_address_besides_127_0_0_1),
		TEST(ipv6_is_filtered_too_and_leaves_ipv4_alone),
		TEST(the_log_says_that_the_port_looks_open_everywhere),
		TEST(each_listener_of_a_program_has_its_own_address),
		TEST(those_who_are_sent_away_take_no_place),
		TEST(only_needs_one_address_and_a_port),
	};

	return cmocka_run_group_tests(tests, program_set_up, program_tear_down);
}
