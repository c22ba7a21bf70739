#include "process/program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* lowport run --replace: which lowport is meant, and which is not. */

static const char taken_over[] = "another lowport has taken over";

/* The listeners come first, and then the status socket by which it is found. */
static struct proc *findable(struct proc *p, const char *name)
{
	time_t end = time(NULL) + PROC_PATIENCE_MS / 1000;
	struct proc *asks;

	do
		asks = program_start((const char *const[]){"status", "--socket",
							   name, NULL},
				     NULL);
	while (proc_await(asks, PROC_PATIENCE_MS) != 0 && time(NULL) < end);
	return p;
}

static const char *pid_of(const struct proc *p)
{
	return scrap("%ld", (long)proc_pid(p));
}

#define START(...)                                                           \
	program_start((const char *const[]){"run", "--replace", __VA_ARGS__, \
					    NULL},                           \
		      NULL)
#define REPLACE(...) program_listening(START(__VA_ARGS__))

static void without_a_name_it_is_the_one_that_has_the_listeners(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *to = backend_where(b), *at;
	struct proc *old, *new;

	(void)state;
	old = RUN("--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--to",
		  to);
	findable(old, pid_of(old));
	at = program_where(old, 1);
	new = REPLACE("--listen", at, "--to", to);
	proc_end(old, 0);
	assert_served(at, b);
	program_stop(new);
}

static void one_that_has_none_of_them_is_left_alone(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *to = backend_where(b), *at;
	struct proc *old, *new, *third;

	(void)state;
	old = RUN("--listen", "127.0.0.1:0", "--to", to);
	findable(old, pid_of(old));
	at = program_where(old, 0);
	new = REPLACE("--listen", "127.0.0.1:0", "--to", to);
	proc_line(new, "is left alone", 0);
	assert_says(proc_err(new),
		    scrap("--replace=%s replaces it", pid_of(old)));
	assert_served(at, b);
	assert_served(program_where(new, 0), b);
	assert_int_equal(proc_count_lines(old, taken_over), 0);
	/* What it says is true. */
	third = program_listening(program_start(
		(const char *const[]){"run", scrap("--replace=%s", pid_of(old)),
				      "--listen", "127.0.0.1:0", "--to", to,
				      NULL},
		NULL));
	proc_end(old, 0);
	program_stop(third);
	program_stop(new);
}

static void one_that_is_named_leaves_whatever_it_has(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *to = backend_where(b);
	struct proc *old, *new;

	(void)state;
	old = RUN("--status", "web", "--listen", "127.0.0.1:0", "--to", to);
	findable(old, "web");
	new = REPLACE("--status", "web", "--listen", "127.0.0.1:0", "--to", to);
	proc_end(old, 0);
	proc_line(new, "taken over from the lowport at", 0);
	assert_served(program_where(new, 0), b);
	program_stop(new);
}

static void of_several_one_has_to_be_named(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *to = backend_where(b);
	struct proc *one, *other, *new;

	(void)state;
	one = RUN("--status", "one", "--listen", "127.0.0.1:0", "--to", to);
	other = RUN("--status", "other", "--listen", "127.0.0.1:0", "--to", to);
	findable(one, "one");
	findable(other, "other");
	new = START("--listen", "127.0.0.1:0", "--to", to);
	proc_end(new, 1);
	assert_says(proc_err(new), "say which by --replace=NAME");
	program_stop(one);
	program_stop(other);
}

/* As it is for the second of two that come at a time, if the first one has the
 * listeners and cannot be found yet. */
static void who_finds_nobody_and_no_room_is_told_why(void **state)
{
	int held = peer_listen("127.0.0.1:0");
	struct proc *new;

	(void)state;
	new = START("--listen", peer_where(held), "--to", "127.0.0.1:9");
	proc_end(new, 1);
	assert_says(proc_err(new), "--replace: there was no lowport to take "
				   "listeners from");
	assert_says(proc_err(new), "at the same moment");
}

#define TEST(name) cmocka_unit_test_teardown(name, program_end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_a_name_it_is_the_one_that_has_the_listeners),
		TEST(one_that_has_none_of_them_is_left_alone),
		TEST(one_that_is_named_leaves_whatever_it_has),
		TEST(of_several_one_has_to_be_named),
		TEST(who_finds_nobody_and_no_room_is_told_why),
	};

	return cmocka_run_group_tests(tests, program_set_up, program_tear_down);
}
