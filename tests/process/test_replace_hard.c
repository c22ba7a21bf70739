#include "process/program.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* lowport run --replace where something goes wrong, or there is much of it. */

/* More than a message carries, and than some are allowed descriptors at first. */
enum { MANY = 600, DESCRIPTORS = 4096 };

static const char taken_over[] = "another lowport has taken over";

/* A place for the status socket that this test alone has. */
static const char *place(void)
{
	return program_file("status.sock");
}

#define START(...)                                                           \
	program_start((const char *const[]){"run", "--replace", __VA_ARGS__, \
					    NULL},                           \
		      NULL)
#define REPLACE(...) program_listening(START(__VA_ARGS__))

static void one_that_cannot_start_leaves_socket_files_alone(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	int held = peer_listen("127.0.0.1:0");
	const char *to = backend_where(b), *path = program_file("web.sock");
	const char *at = scrap("unix:%s", path);
	const char *http = scrap("unix:%s", program_file("http.sock"));
	struct proc *old, *new;
	struct stat before, after;

	(void)state;
	old = RUN("--status", place(), "--http", http, "--listen", at, "--to",
		  to);
	assert_int_equal(stat(path, &before), 0);
	new = START("--status", place(), "--http", http, "--listen", at,
		    "--listen", peer_where(held), "--unix-mode", "0666", "--to",
		    to);
	proc_end(new, 1);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(after.st_mode & 0777, 0600);
	assert_served(at, b);
	/* And once more, now that it can. */
	peer_close(held);
	new = REPLACE("--status", place(), "--http", http, "--listen", at,
		      "--unix-mode", "0666", "--to", to);
	proc_end(old, 0);
	proc_line(new, "taken over from", 0);
	assert_served(at, b);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_mode & 0777, 0666);
	assert_int_equal(stat(program_file("http.sock"), &after), 0);
	program_stop(new);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(access(program_file("http.sock"), F_OK), -1);
}

static void a_socket_file_that_is_gone_is_made_anew(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *to = backend_where(b), *path = program_file("web.sock");
	const char *at = scrap("unix:%s", path);
	struct proc *old, *new;

	(void)state;
	old = RUN("--status", place(), "--listen", at, "--to", to);
	assert_int_equal(unlink(path), 0);
	new = REPLACE("--status", place(), "--listen", at, "--to", to);
	proc_end(old, 0);
	assert_served(at, b);
	program_stop(new);
	assert_int_equal(access(path, F_OK), -1);
}

static void one_that_ends_reads_nothing_any_more(void **state)
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
	proc_signal(old, SIGHUP);
	proc_line(old, "it is ending: nothing is read any more", 0);
	peer_send(open, "hello", 5);
	peer_end(open);
	assert_string_equal(peer_hear(open), backend_answer(b, "hello", 5));
	proc_end(old, 0);
	assert_served(at, b);
	program_stop(new);
}

/* Its descriptors are others' by now, and must not be handed over. */
static void one_that_drains_can_be_replaced(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *to = backend_where(b), *at, *other;
	struct proc *old, *new;
	int open;

	(void)state;
	old = RUN("--status", place(), "--listen", "127.0.0.1:0", "--listen",
		  "127.0.0.1:0", "--to", to);
	at = program_where(old, 0);
	other = program_where(old, 1);
	open = peer_dial(at);
	backend_await_clients(b, 1);
	proc_signal(old, SIGTERM);
	proc_line(old, "accepting no more", 0);
	new = REPLACE("--status", place(), "--listen", at, "--listen", other,
		      "--to", to);
	proc_line(new, "taken over from", 0);
	assert_int_equal(proc_count_lines(new, "there is no status socket"), 0);
	assert_served(at, b);
	assert_served(other, b);
	assert_true(proc_runs(old));
	peer_send(open, "hello", 5);
	peer_end(open);
	assert_string_equal(peer_hear(open), backend_answer(b, "hello", 5));
	proc_end(old, 0);
	program_stop(new);
}

static void http_is_the_new_ones_alone(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	static const char request[] = "GET /status.json HTTP/1.0\r\n"
				      "Host: localhost\r\n\r\n";
	const char *to = backend_where(b), *at;
	const char *http = scrap("unix:%s", program_file("http.sock"));
	const char *wanted;
	struct proc *old, *new;
	int open;

	(void)state;
	old = RUN("--status", place(), "--http", http, "--listen",
		  "127.0.0.1:0", "--to", to);
	at = program_where(old, 0);
	open = peer_dial(at);
	backend_await_clients(b, 1);
	new = REPLACE("--status", place(), "--http", http, "--listen", at,
		      "--to", to);
	proc_line(new, "status over HTTP", 0);
	wanted = scrap("\"pid\":%ld", (long)proc_pid(new));
	for (int i = 0; i < 20; i++) {
		int asks = peer_dial(http);

		peer_send(asks, request, sizeof(request) - 1);
		assert_says(peer_hear(asks), wanted);
	}
	assert_true(proc_runs(old));
	peer_close(open);
	proc_end(old, 0);
	program_stop(new);
}

static void more_listeners_than_one_message_carries(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *config = program_file("many.conf"), *first, *last;
	const struct proc_options opt = {.descriptors = DESCRIPTORS};
	unsigned port = peer_free_port();
	struct proc *old, *new;
	FILE *f = fopen(config, "w");

	(void)state;
	assert_non_null(f);
	fprintf(f, "[relay web]\nto = %s\n", backend_where(b));
	for (unsigned i = 0; i < MANY; i++)
		fprintf(f, "listen = 127.%u.%u.1:%u\n", 1 + i / 200, i % 200,
			port);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(config, 0644), 0);
	old = RUN_WITH(&opt, "--status", place(), "-c", config);
	first = scrap("127.1.0.1:%u", port);
	last = scrap("127.%u.%u.1:%u", 1 + (MANY - 1) / 200, (MANY - 1) % 200,
		     port);
	assert_served(last, b);
	new = program_listening(program_start(
		(const char *const[]){"run", "--replace", "--status", place(),
				      "-c", config, NULL},
		&opt));
	proc_end(old, 0);
	proc_line(new, "taken over from", 0);
	assert_served(first, b);
	assert_served(last, b);
	program_stop(new);
}

static void one_without_descriptors_for_all_replaces_nobody(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const struct proc_options few = {.descriptors = 64};
	const char *config = program_file("many.conf");
	unsigned port = peer_free_port();
	struct proc *old, *new;
	FILE *f = fopen(config, "w");

	(void)state;
	assert_non_null(f);
	fprintf(f, "[relay web]\nto = %s\n", backend_where(b));
	for (unsigned i = 0; i < 100; i++)
		fprintf(f, "listen = 127.1.%u.1:%u\n", i, port);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(config, 0644), 0);
	old = RUN("--status", place(), "-c", config);
	proc_line(old, "listening on", 99);
	new = program_start((const char *const[]){"run", "--replace",
						  "--status", place(), "-c",
						  config, NULL},
			    &few);
	proc_end(new, 1);
	assert_says(proc_err(new), "Too many open files");
	assert_int_equal(proc_count_lines(old, taken_over), 0);
	assert_served(scrap("127.1.99.1:%u", port), b);
	program_stop(old);
}

/* Wait until only one of them is left, with clients served all the time. */
static struct proc *await_one(struct proc *one, struct proc *other,
			      const char *at, struct backend *b)
{
	time_t end = time(NULL) + PROC_PATIENCE_MS / 1000;
	struct proc *left, *gone;

	while (proc_runs(one) && proc_runs(other) && time(NULL) < end)
		assert_served(at, b);
	left = proc_runs(one) ? one : other;
	gone = left == one ? other : one;
	/* It was replaced by the other, or came too late to start. */
	if (proc_count_lines(gone, taken_over) > 0) {
		proc_end(gone, 0);
	} else {
		proc_end(gone, 1);
		assert_says(proc_err(gone), "at the same moment");
	}
	assert_true(proc_runs(left));
	return left;
}

static void two_at_a_time(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *to = backend_where(b), *at;
	struct proc *old, *one, *other;

	(void)state;
	old = RUN("--status", place(), "--listen", "127.0.0.1:0", "--to", to);
	at = program_where(old, 0);
	for (int i = 0; i < 5; i++) {
		one = START("--status", place(), "--listen", at, "--to", to);
		other = START("--status", place(), "--listen", at, "--to", to);
		one = await_one(one, other, at, b);
		proc_line(one, "taken over from", 0);
		proc_end(old, 0);
		assert_served(at, b);
		old = one;
	}
	program_stop(old);
}

/* Killed before it could say that the old one may leave, or just after. */
static void a_new_one_that_is_killed_early_takes_nothing_along(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *to = backend_where(b), *at;
	struct proc *old, *new;
	int stopped;

	(void)state;
	old = RUN("--status", place(), "--listen", "127.0.0.1:0", "--to", to);
	at = program_where(old, 0);
	/* The old one says nothing, so it does not get further than that. */
	proc_signal(old, SIGSTOP);
	new = START("--status", place(), "--listen", at, "--to", to);
	stopped = peer_dial(at);
	proc_signal(new, SIGKILL);
	proc_end(new, 128 + SIGKILL);
	proc_signal(old, SIGCONT);
	peer_send(stopped, "hello", 5);
	peer_end(stopped);
	assert_string_equal(peer_hear(stopped), backend_answer(b, "hello", 5));
	assert_int_equal(proc_count_lines(old, taken_over), 0);
	program_stop(old);
}

#define TEST(name) cmocka_unit_test_teardown(name, program_end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_that_cannot_start_leaves_socket_files_alone),
		TEST(a_socket_file_that_is_gone_is_made_anew),
		TEST(one_that_ends_reads_nothing_any_more),
		TEST(one_that_drains_can_be_replaced),
		TEST(http_is_the_new_ones_alone),
		TEST(more_listeners_than_one_message_carries),
		TEST(one_without_descriptors_for_all_replaces_nobody),
		TEST(two_at_a_time),
		TEST(a_new_one_that_is_killed_early_takes_nothing_along),
	};

	return cmocka_run_group_tests(tests, program_set_up, program_tear_down);
}
