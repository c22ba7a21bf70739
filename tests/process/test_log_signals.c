#include "process/logs.h"
#include "process/program.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* SIGUSR1, SIGUSR2 and SIGINFO, which nobody may die of. */

static const int numbers[] = {
	SIGUSR1,
	SIGUSR2,
#ifdef SIGINFO
	SIGINFO,
#endif
};

enum { SIGNALS = sizeof(numbers) / sizeof(*numbers) };

static void a_question_is_answered_in_one_line(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	struct proc *p = RUN("--listen", "127.0.0.1:0", "--to",
			     backend_where(b), "--allow", "127.0.0.1");
	const char *where = program_where(p, 0), *line;
	int fd;

	(void)state;
	assert_served(where, b);
	proc_line(p, " closed ", 0);
	fd = peer_dial(where);
	backend_await_clients(b, 2);
	assert_string_equal(peer_hear(peer_try_dial_from("127.0.0.2", where)),
			    "reset");
	proc_line(p, "refused ", 0);
	proc_signal(p, SIGUSR1);
	line = proc_line(p, "running for ", 0);
	assert_says(line, "s: 1 connections open, 2 in all, 0 waiting for a "
			  "backend, 1 refused, 5 B up, ");
	assert_says(line, " B down");
	proc_signal(p, SIGUSR1);
	proc_line(p, "running for ", 1);
	peer_close(fd);
	program_stop(p);
}

static void a_question_is_answered_whatever_the_level_is(void **state)
{
	int fd = peer_listen("127.0.0.1:0");
	struct backend *b = backend_start("127.0.0.1:0", "web");
	struct proc_options opt = {.fds = &fd, .fd_count = 1};
	struct proc *p = program_start(
		(const char *const[]){"run", "--listen", "fd:3", "--to",
				      backend_where(b), "--log-level", "error",
				      NULL},
		&opt);

	(void)state;
	assert_served(peer_where(fd), b);
	proc_signal(p, SIGUSR1);
	proc_line(p, "info running for ", 0);
	/* Without a file this is nobody's business. */
	proc_signal(p, SIGUSR2);
	assert_served(peer_where(fd), b);
	program_stop(p);
	assert_int_equal(log_count(proc_err(p), "\n"), 1);
}

/* It cannot go on for a while before it is up: nobody reads its complaints. */
static void a_signal_at_the_start_does_not_kill(void **state)
{
	enum { WORDS = 40, LENGTH = 900 }; /* more than a pipe holds */

	(void)state;
	for (int i = 0; i < SIGNALS; i++) {
		const char *argv[WORDS + 2] = {"run"};
		struct proc_options opt = {0};
		char word[LENGTH + 1], buf[4096];
		struct proc *p;
		int err[2];

		memset(word, 'x', LENGTH);
		word[LENGTH] = '\0';
		for (int j = 1; j <= WORDS; j++)
			argv[j] = word;
		assert_int_equal(pipe(err), 0);
		opt.err = err[1];
		p = program_start(argv, &opt);
		close(err[1]);
		assert_int_equal(read(err[0], buf, 1), 1);
		proc_signal(p, numbers[i]);
		while (read(err[0], buf, sizeof(buf)) > 0)
			;
		proc_end(p, 2);
		close(err[0]);
	}
}

static void no_signal_kills_while_it_runs_or_ends(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		struct proc *p = RUN("--listen", "127.0.0.1:0", "--to", "8080");

		for (int j = 0; j < SIGNALS; j++)
			proc_signal(p, numbers[j]);
		proc_signal(p, SIGTERM);
		for (int j = 0; proc_runs(p); j++)
			proc_signal(p, numbers[j % SIGNALS]);
		proc_end(p, 0);
	}
}

#define TEST(name) cmocka_unit_test_teardown(name, program_end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_question_is_answered_in_one_line),
		TEST(a_question_is_answered_whatever_the_level_is),
		TEST(a_signal_at_the_start_does_not_kill),
		TEST(no_signal_kills_while_it_runs_or_ends),
	};

	return cmocka_run_group_tests(tests, program_set_up, program_tear_down);
}
