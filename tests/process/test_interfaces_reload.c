#include "process/network.h"
#include "process/program.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

/* The listeners of an interface, when the configuration changes, another
 * lowport takes over, or somebody asks. */

#define ONE       "10.8.0.1:8000"
#define TWO       "10.8.0.2:8000"
#define OF_WG0    "listen = if:wg0:8000\n"
#define OF_WG1    "listen = if:wg1:8000\n"
#define IN_FORCE  "the new configuration is in force"
#define NO_LONGER "no longer listening on "

static const char *missing; /* what this test needs and has not */
static struct backend *web;
static unsigned reloads;

static int set_up(void **state)
{
	missing = network_set_up();
	return program_set_up(state);
}

static void need_network(void)
{
	int beyond, here;

	if (missing)
		program_skip(missing);
	beyond = network_new();
	here = network_new();
	network_go(here);
	network_cable("wg0", beyond, "w0");
	network_cable("wg1", beyond, "w1");
	IP("link", "set", "wg0", "up");
	IP("link", "set", "wg1", "up");
	IP("address", "add", "10.8.0.1/32", "dev", "wg0");
	IP("address", "add", "10.8.0.2/32", "dev", "wg1");
	web = backend_start("127.0.0.1:0", "web");
	reloads = 0;
}

/* One relay, which listens there. */
static const char *write_config(const char *listen)
{
	const char *path = program_file("lowport.conf");
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fprintf(f, "[lowport]\nstatus = %s\n[relay web]\n%sto = %s\n",
		program_file("status.sock"), listen, backend_where(web));
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0644), 0);
	return path;
}

static struct proc *start(const char *listen)
{
	return program_start((const char *const[]){"run", "-c",
						   write_config(listen), NULL},
			     NULL);
}

static void await_listening(struct proc *p, const char *where)
{
	proc_line(p, scrap("listening on %s -> ", where), 0);
}

static void reload(struct proc *p, const char *listen)
{
	write_config(listen);
	proc_signal(p, SIGHUP);
	proc_line(p, IN_FORCE, reloads++);
}

static void assert_refused(const char *where)
{
	assert_int_equal(peer_try_dial(where), -1);
	assert_int_equal(errno, ECONNREFUSED);
}

static void an_interface_comes_and_goes_with_the_configuration(void **state)
{
	struct proc *p;
	int open;

	(void)state;
	need_network();
	p = start(OF_WG0);
	await_listening(p, ONE);
	open = peer_dial(ONE);
	backend_await_clients(web, 1);
	reload(p, OF_WG1);
	await_listening(p, TWO);
	proc_line(p, NO_LONGER ONE, 0);
	assert_refused(ONE);
	assert_served(TWO, web);
	/* Who was there stays. */
	peer_send(open, "hello", 5);
	peer_end(open);
	assert_string_equal(peer_hear(open), backend_answer(web, "hello", 5));
	reload(p, OF_WG0 OF_WG1);
	assert_served(ONE, web);
	assert_served(TWO, web);
	/* What stayed was never opened anew. */
	assert_int_equal(proc_count_lines(p, "info listening on " TWO), 1);
	/* Nor is anything of what has gone opened again. */
	reload(p, "listen = 127.0.0.1:0\n");
	IP("address", "del", "10.8.0.1/32", "dev", "wg0");
	IP("address", "add", "10.8.0.1/32", "dev", "wg0");
	assert_refused(TWO);
	assert_refused(ONE);
	program_stop(p);
}

static void where_a_reload_fails_the_interface_stays_as_it_was(void **state)
{
	struct proc *p;
	int held;

	(void)state;
	need_network();
	p = start(OF_WG0);
	await_listening(p, ONE);
	held = peer_listen("127.0.0.1:0");
	write_config(scrap(OF_WG1 "listen = %s\n", peer_where(held)));
	proc_signal(p, SIGHUP);
	proc_line(p, "the configuration stays as it was", 0);
	assert_served(ONE, web);
	assert_refused(TWO);
	peer_close(held);
	reload(p, OF_WG0 OF_WG1);
	assert_served(ONE, web);
	assert_served(TWO, web);
	assert_int_equal(proc_count_lines(p, "info listening on " ONE), 1);
	program_stop(p);
}

/* Both have one port: what is opened comes after what is closed. */
static void an_address_takes_the_place_of_its_interface(void **state)
{
	struct proc *p;
	int open, held;

	(void)state;
	need_network();
	p = start(OF_WG0 OF_WG1);
	await_listening(p, ONE);
	await_listening(p, TWO);
	open = peer_dial(ONE);
	backend_await_clients(web, 1);
	reload(p, "listen = " ONE "\n" OF_WG1);
	proc_line(p, NO_LONGER ONE, 0);
	assert_served(ONE, web);
	assert_served(TWO, web);
	assert_int_equal(proc_count_lines(p, NO_LONGER), 1);
	reload(p, "listen = *:8000\n");
	proc_line(p, NO_LONGER ONE, 1);
	proc_line(p, NO_LONGER TWO, 0);
	assert_served(ONE, web);
	assert_served(TWO, web);
	reload(p, OF_WG0);
	assert_served(ONE, web);
	assert_refused(TWO);
	/* What was closed for it is there again where it comes to nothing. */
	held = peer_listen("127.0.0.1:8000");
	write_config("listen = *:8000\n");
	proc_signal(p, SIGHUP);
	proc_line(p, "the configuration stays as it was", 0);
	assert_served(ONE, web);
	assert_refused(TWO);
	peer_close(held);
	assert_int_equal(proc_count_lines(p, NO_LONGER ONE), 2);
	assert_int_equal(proc_count_lines(p, "info listening on " ONE), 3);
	peer_send(open, "hello", 5);
	peer_end(open);
	assert_string_equal(peer_hear(open), backend_answer(web, "hello", 5));
	program_stop(p);
}

static const char *say(const char *command)
{
	struct proc *p = program_start(
		(const char *const[]){command, "--socket",
				      program_file("status.sock"), NULL},
		NULL);

	proc_end(p, 0);
	return proc_out(p);
}

static void status_shows_what_of_it_is_served_now(void **state)
{
	struct proc *p;

	(void)state;
	need_network();
	p = start(OF_WG0);
	await_listening(p, ONE);
	assert_says(say("status"), ONE);
	assert_says(say("status"), "if:wg0:8000");
	IP("address", "del", "10.8.0.1/32", "dev", "wg0");
	proc_line(p, NO_LONGER ONE, 0);
	assert_null(strstr(say("status"), ONE));
	program_stop(p);
}

static void the_next_lowport_has_it_from_the_one_before(void **state)
{
	struct proc *old, *new;
	int open;

	(void)state;
	need_network();
	old = start(OF_WG0);
	await_listening(old, ONE);
	open = peer_dial(ONE);
	backend_await_clients(web, 1);
	new = program_start((const char *const[]){"run", "--replace", "-c",
						  write_config(OF_WG0), NULL},
			    NULL);
	proc_line(new, "taken over from the lowport at", 0);
	await_listening(new, ONE);
	/* It was handed over: both of them had it for a moment. */
	assert_int_equal(proc_count_lines(new, "another program"), 0);
	while (proc_count_lines(new, "info closed ") == 0)
		assert_served(ONE, web);
	peer_send(open, "hello", 5);
	peer_end(open);
	assert_string_equal(peer_hear(open), backend_answer(web, "hello", 5));
	proc_end(old, 0);
	assert_served(ONE, web);
	/* And it is followed further. */
	IP("address", "del", "10.8.0.1/32", "dev", "wg0");
	proc_line(new, NO_LONGER ONE, 0);
	IP("address", "add", "10.8.0.1/32", "dev", "wg0");
	proc_line(new, "info listening on " ONE, 1);
	assert_served(ONE, web);
	program_stop(new);
}

static int end_test(void **state)
{
	int err = program_end_test(state);

	networks_close();
	return err;
}

#define TEST(name) cmocka_unit_test_teardown(name, end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_interface_comes_and_goes_with_the_configuration),
		TEST(where_a_reload_fails_the_interface_stays_as_it_was),
		TEST(an_address_takes_the_place_of_its_interface),
		TEST(status_shows_what_of_it_is_served_now),
		TEST(the_next_lowport_has_it_from_the_one_before),
	};

	return cmocka_run_group_tests(tests, set_up, program_tear_down);
}
