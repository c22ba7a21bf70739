#include "process/program.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { HALF = 4 << 20 };

static const struct {
	const char *name;
	int number;
} stops[] = {{"SIGTERM", SIGTERM}, {"SIGINT", SIGINT}};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void drain_under_a_transfer(int number, const char *name)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	struct proc *p =
		RUN("--listen", "127.0.0.1:0", "--to", backend_where(b));
	const char *where = program_where(p, 0);
	char *bytes = test_malloc(2 * HALF);
	int fd = peer_dial(where);

	peer_fill(bytes, 2 * HALF, 0);
	peer_send(fd, bytes, HALF);
	proc_signal(p, number);
	assert_says(proc_line(p, scrap("%s: ", name), 0),
		    "accepting no more, 1 connections may finish");
	assert_int_equal(peer_try_dial(where), -1);
	assert_int_equal(errno, ECONNREFUSED);
	peer_send(fd, bytes + HALF, HALF);
	peer_end(fd);
	assert_string_equal(peer_hear(fd), backend_answer(b, bytes, 2 * HALF));
	proc_end(p, 0);
	assert_says(proc_err(p), " why=done");
	test_free(bytes);
}

static void an_open_transfer_finishes_after_a_stop(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++)
		drain_under_a_transfer(stops[i].number, stops[i].name);
}

static void an_idle_program_ends_at_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct proc *p = RUN("--listen", "127.0.0.1:0", "--to", "8080");

		proc_signal(p, stops[i].number);
		proc_end(p, 0);
	}
}

static void what_is_left_when_the_grace_ends_is_reset(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	struct proc *p = RUN("--listen", "127.0.0.1:0", "--to",
			     backend_where(b), "--drain-timeout", "300ms");
	int fd = peer_dial(program_where(p, 0));
	int64_t asked_ms, took_ms;

	(void)state;
	peer_send(fd, "hello", 5);
	backend_await_bytes(b, 5);
	asked_ms = now_ms();
	proc_signal(p, SIGTERM);
	assert_string_equal(peer_hear(fd), "reset");
	proc_end(p, 0);
	took_ms = now_ms() - asked_ms;
	assert_in_range(took_ms, 300, 5000);
	assert_says(proc_err(p), " up=5 down=0 ");
	assert_says(proc_err(p), " why=shutdown");
}

static void a_second_signal_ends_at_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct backend *b = backend_start("127.0.0.1:0", "web");
		struct proc *p = RUN("--listen", "127.0.0.1:0", "--to",
				     backend_where(b));
		int fd = peer_dial(program_where(p, 0));
		int64_t asked_ms = now_ms();

		backend_await_clients(b, 1);
		proc_signal(p, stops[i].number);
		proc_line(p, "accepting no more", 0);
		assert_true(peer_is_silent(fd, 50));
		/* Not necessarily the same one. */
		proc_signal(p, stops[!i].number);
		assert_string_equal(peer_hear(fd), "reset");
		proc_end(p, 0);
		/* The default grace is 30 s. */
		assert_in_range(now_ms() - asked_ms, 0, 15000);
		assert_says(proc_err(p), "ending at once, 1 connections are "
					 "reset");
	}
}

static void without_a_grace_the_first_signal_ends_at_once(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	struct proc *p = RUN("--listen", "127.0.0.1:0", "--to",
			     backend_where(b), "--drain-timeout", "0");
	int fd = peer_dial(program_where(p, 0));

	(void)state;
	backend_await_clients(b, 1);
	proc_signal(p, SIGTERM);
	assert_string_equal(peer_hear(fd), "reset");
	proc_end(p, 0);
}

static void a_log_without_a_reader_does_not_kill(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	int fd = peer_listen("127.0.0.1:0"), log[2];
	struct proc_options opt = {.fds = &fd, .fd_count = 1};
	struct proc *p;

	(void)state;
	assert_int_equal(pipe(log), 0);
	opt.err = log[1];
	p = program_start((const char *const[]){"run", "--listen", "fd:3",
						"--to", backend_where(b), NULL},
			  &opt);
	close(log[1]);
	close(log[0]);
	for (int i = 0; i < 20; i++)
		assert_served(peer_where(fd), b);
	assert_true(proc_runs(p));
	program_stop(p);
}

static void a_log_that_nobody_reads_stops_nobody(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	int fd = peer_listen("127.0.0.1:0"), log[2];
	struct proc_options opt = {.fds = &fd, .fd_count = 1};
	struct proc *p;

	(void)state;
	assert_int_equal(pipe(log), 0);
	opt.err = log[1];
	p = program_start((const char *const[]){"run", "--listen", "fd:3",
						"--to", backend_where(b), NULL},
			  &opt);
	close(log[1]);
	/* Far more lines than the pipe holds. */
	for (int i = 0; i < 1500; i++)
		assert_served(peer_where(fd), b);
	program_stop(p);
	close(log[0]);
}

/* The end of a terminal that a program gets; *master is the one that nobody
 * reads. It is the ordinary user's, as one is who has logged in. */
static int open_terminal(int *master)
{
	int fd;

	*master = posix_openpt(O_RDWR | O_NOCTTY);
	if (*master < 0 || grantpt(*master) < 0 || unlockpt(*master) < 0)
		program_skip("a pseudo terminal");
	fd = open(ptsname(*master), O_RDWR | O_NOCTTY);
	assert_true(fd >= 0);
	if (geteuid() == 0)
		assert_int_equal(fchown(fd, proc_user(), (gid_t)-1), 0);
	return fd;
}

static void a_terminal_that_nobody_reads_stops_nobody(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	int master, fd = peer_listen("127.0.0.1:0");
	struct proc_options opt = {.fds = &fd, .fd_count = 1};
	struct proc *p;

	(void)state;
	opt.err = open_terminal(&master);
	p = program_start((const char *const[]){"run", "--listen", "fd:3",
						"--to", backend_where(b), NULL},
			  &opt);
	close(opt.err);
	/* Far more lines than the terminal holds. */
	for (int i = 0; i < 1000; i++)
		assert_served(peer_where(fd), b);
	program_stop(p);
	close(master);
}

/* Nothing that it opens may get their numbers: it would be logged into. */
static void standard_descriptors_that_are_closed_harm_nobody(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	int listener = peer_listen("127.0.0.1:0"), clients[3];
	const char *where = peer_where(listener);
	const char *script = scrap("exec %s run --listen fd:3 --to %s "
				   "0<&- 1>&- 2>&-",
				   program_path(), backend_where(b));
	struct proc_options opt = {
		.fds = &listener, .fd_count = 1, .drop = geteuid() == 0};
	struct proc *p = proc_start(
		(const char *const[]){"sh", "-c", script, NULL}, &opt);

	(void)state;
	for (int i = 0; i < 3; i++)
		clients[i] = peer_dial(where);
	backend_await_clients(b, 3);
	/* One that ends is logged while the others are there. */
	assert_served(where, b);
	proc_signal(p, SIGTERM);
	for (int i = 0; i < 3; i++) {
		peer_send(clients[i], "hello", 5);
		peer_end(clients[i]);
		assert_string_equal(peer_hear(clients[i]),
				    backend_answer(b, "hello", 5));
	}
	proc_end(p, 0);
}

static void a_client_that_vanishes_does_not_kill(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	struct proc *p =
		RUN("--listen", "127.0.0.1:0", "--to", backend_where(b));
	const char *where = program_where(p, 0);

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		int fd = peer_dial(where);

		peer_send(fd, "hello", 5);
		peer_end(fd);
		peer_reset(fd);
	}
	assert_served(where, b);
	program_stop(p);
}

#define TEST(name) cmocka_unit_test_teardown(name, program_end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_open_transfer_finishes_after_a_stop),
		TEST(an_idle_program_ends_at_once),
		TEST(what_is_left_when_the_grace_ends_is_reset),
		TEST(a_second_signal_ends_at_once),
		TEST(without_a_grace_the_first_signal_ends_at_once),
		TEST(a_log_without_a_reader_does_not_kill),
		TEST(a_log_that_nobody_reads_stops_nobody),
		TEST(a_terminal_that_nobody_reads_stops_nobody),
		TEST(standard_descriptors_that_are_closed_harm_nobody),
		TEST(a_client_that_vanishes_does_not_kill),
	};

	return cmocka_run_group_tests(tests, program_set_up, program_tear_down);
}
