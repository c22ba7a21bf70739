#include "process/nginx.h"
#include "process/program.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROUNDS = 5 };

static const char taken_over[] = "another lowport has taken over";

/* A place for the status socket that this test alone has. */
static const char *place(void)
{
	return program_file("status.sock");
}

/* Start one more with the same arguments, in the place of the one before, which
 * ends when its connections have. */
#define REPLACE(...)                                                          \
	program_listening(program_start(                                      \
		(const char *const[]){"run", "--replace", __VA_ARGS__, NULL}, \
		NULL))

static void
the_new_one_has_the_listeners_and_the_old_one_its_clients(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *to = backend_where(b), *at;
	struct proc *old, *new;
	int open;

	(void)state;
	old = RUN("--status", place(), "--listen", "127.0.0.1:0", "--to", to);
	at = program_where(old, 0);
	open = peer_dial(at);
	backend_await_clients(b, 1);
	new = REPLACE("--status", place(), "--listen", at, "--to", to);
	proc_line(old, taken_over, 0);
	proc_line(new, "taken over from the lowport at", 0);
	/* For a moment both accept. */
	while (proc_count_lines(new, "closed client=") == 0)
		assert_served(at, b);
	/* Whoever was there stays with the old one, to the end. */
	assert_true(proc_runs(old));
	peer_send(open, "hello", 5);
	peer_end(open);
	assert_string_equal(peer_hear(open), backend_answer(b, "hello", 5));
	proc_end(old, 0);
	assert_served(at, b);
	program_stop(new);
}

static void a_unix_listener_keeps_its_file(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *to = backend_where(b);
	const char *at = scrap("unix:%s", program_file("web.sock"));
	struct proc *old, *new;
	struct stat before, after;

	(void)state;
	old = RUN("--status", place(), "--listen", at, "--to", to);
	assert_int_equal(stat(at + 5, &before), 0);
	new = REPLACE("--status", place(), "--listen", at, "--to", to,
		      "--unix-mode", "0660");
	proc_end(old, 0);
	assert_int_equal(stat(at + 5, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(after.st_mode & 0777, 0660);
	assert_served(at, b);
	program_stop(new);
	assert_int_equal(access(at + 5, F_OK), -1);
}

static void what_is_not_wanted_any_more_is_closed(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *to = backend_where(b), *one, *two;
	struct proc *old, *new;

	(void)state;
	old = RUN("--status", place(), "--listen", "127.0.0.1:0", "--listen",
		  "127.0.0.1:0", "--to", to);
	one = program_where(old, 0);
	two = program_where(old, 1);
	new = REPLACE("--status", place(), "--listen", two, "--to", to);
	proc_end(old, 0);
	assert_served(two, b);
	assert_int_equal(peer_try_dial(one), -1);
	program_stop(new);
}

static void if_nobody_runs_it_starts_as_ever(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	struct proc *p = REPLACE("--status", place(), "--listen", "127.0.0.1:0",
				 "--to", backend_where(b));

	(void)state;
	proc_line(p, "--replace: no other lowport runs", 0);
	assert_served(program_where(p, 0), b);
	program_stop(p);
}

static void one_that_cannot_start_replaces_nobody(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	int held = peer_listen("127.0.0.1:0");
	const char *to = backend_where(b), *at;
	struct proc *old, *new;

	(void)state;
	old = RUN("--status", place(), "--listen", "127.0.0.1:0", "--to", to);
	at = program_where(old, 0);
	new = program_start(
		(const char *const[]){"run", "--replace", "--status", place(),
				      "--listen", at, "--listen",
				      peer_where(held), "--to", to, NULL},
		NULL);
	proc_end(new, 1);
	assert_says(proc_err(new), "another program holds this port");
	assert_served(at, b);
	assert_int_equal(proc_count_lines(old, taken_over), 0);
	program_stop(old);
}

/* Returns where an nginx has a small file. */
static const char *start_web(void)
{
	int listener = peer_listen("127.0.0.1:0");
	FILE *small;

	nginx_need();
	program_need("wrk", "wrk");
	small = nginx_file("small");
	fputs("hello\n", small);
	fclose(small);
	nginx_start(listener);
	return peer_where(listener);
}

static struct proc *start_load(const char *at, bool keep)
{
	return proc_start(
		(const char *const[]){"wrk", "-t1", "-c32", "-d2s", "-H",
				      keep ? "X-Nothing: 1"
					   : "Connection: close",
				      scrap("http://%s/small", at), NULL},
		NULL);
}

static void end_load(struct proc *load)
{
	proc_end(load, 0);
	assert_says(proc_out(load), "requests in ");
	assert_null(strstr(proc_out(load), "Socket errors"));
	assert_null(strstr(proc_out(load), "Non-2xx"));
}

static void replace_under_load(bool keep)
{
	const char *to = start_web(), *at;
	struct proc *p, *load;

	p = RUN("--status", place(), "--listen", "127.0.0.1:0", "--to", to);
	at = program_where(p, 0);
	load = start_load(at, keep);
	for (int i = 0; i < ROUNDS; i++) {
		struct proc *new = REPLACE("--status", place(), "--listen", at,
					   "--to", to);

		proc_line(p, taken_over, 0);
		/* Who keeps its connection keeps the old one. */
		if (!keep)
			proc_end(p, 0);
		p = new;
	}
	end_load(load);
	program_stop(p);
}

/* The listener stays with the one who holds it; the test does, here. */
static void a_service_manager_starts_another_one_under_load(void **state)
{
	int listener = peer_listen("127.0.0.1:0");
	struct proc_options opt = {
		.fds = &listener, .fd_count = 1, .activated = "web"};
	const char *to = start_web();
	struct proc *p, *load;

	(void)state;
	p = RUN_WITH(&opt, "--listen", "systemd", "--to", to);
	load = start_load(peer_where(listener), false);
	for (int i = 0; i < ROUNDS; i++) {
		struct proc *new =
			RUN_WITH(&opt, "--listen", "systemd", "--to", to);

		proc_signal(p, SIGTERM);
		proc_end(p, 0);
		p = new;
	}
	/* And one that ends before the next is there: clients wait. */
	proc_signal(p, SIGTERM);
	proc_end(p, 0);
	p = RUN_WITH(&opt, "--listen", "systemd", "--to", to);
	end_load(load);
	program_stop(p);
}

static void nobody_notices_under_load(void **state)
{
	(void)state;
	replace_under_load(true);
}

static void nobody_notices_who_comes_anew_each_time(void **state)
{
	(void)state;
	replace_under_load(false);
}

#define TEST(name) cmocka_unit_test_teardown(name, program_end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_new_one_has_the_listeners_and_the_old_one_its_clients),
		TEST(a_unix_listener_keeps_its_file),
		TEST(what_is_not_wanted_any_more_is_closed),
		TEST(if_nobody_runs_it_starts_as_ever),
		TEST(one_that_cannot_start_replaces_nobody),
		TEST(nobody_notices_under_load),
		TEST(nobody_notices_who_comes_anew_each_time),
		TEST(a_service_manager_starts_another_one_under_load),
	};

	return cmocka_run_group_tests(tests, program_set_up, program_tear_down);
}
