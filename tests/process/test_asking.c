#include "process/program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Commands that look at something and end: what they take, and what they say of
 * what they do not. */

#define ARGV(...)            ((const char *const[]){__VA_ARGS__, NULL})
#define COMPLAINS(says, ...) assert_complains(says, ARGV(__VA_ARGS__))
#define SAYS(says, ...)      assert_prints(says, ARGV(__VA_ARGS__))

static void assert_complains(const char *says, const char *const argv[])
{
	struct proc *p = program_start(argv, NULL);

	proc_end(p, 2);
	assert_string_equal(proc_out(p), "");
	assert_says(proc_err(p), says);
}

static void assert_prints(const char *says, const char *const argv[])
{
	struct proc *p = program_start(argv, NULL);

	proc_end(p, 0);
	assert_string_equal(proc_err(p), "");
	assert_says(proc_out(p), says);
}

static void each_spelling_of_a_socket_is_taken(void **state)
{
	const char *place = program_file("asked.sock");
	struct backend *b = backend_start("127.0.0.1:0", "web");
	struct proc *p = RUN("--status", place, "--listen", "127.0.0.1:0",
			     "--to", backend_where(b));
	unsigned id = 1;

	(void)state;
	SAYS(program_where(p, 0), "status", "--socket", place);
	SAYS(program_where(p, 0), "status", scrap("--socket=%s", place));
	for (; id <= 2; id++) {
		int fd = peer_dial(program_where(p, 0));
		const char *number = scrap("%u", id);

		backend_await_clients(b, id);
		if (id == 1)
			SAYS("", "kill", "--socket", place, number);
		else
			SAYS("", "kill", number, scrap("--socket=%s", place));
		assert_string_equal(peer_hear(fd), "reset");
	}
	program_stop(p);
}

static void a_time_to_watch_has_its_bounds(void **state)
{
	static const char *const wrong[] = {"0", "50ms", "2d", "often"};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *says =
			scrap("--watch: \"%s\" is no time from 100ms to 1d",
			      wrong[i]);

		COMPLAINS(says, "status", scrap("--watch=%s", wrong[i]));
		COMPLAINS(says, "status", "--watch", wrong[i]);
	}
}

static void what_is_not_understood_is_named(void **state)
{
	(void)state;
	COMPLAINS("--socket: wants the path", "status", "--socket");
	COMPLAINS("\"--more\" is not understood", "status", "--more");
	COMPLAINS("\"--more\" is not understood", "kill", "--more", "1");
	COMPLAINS("\"2\" is not understood", "kill", "1", "2");
	COMPLAINS("watch wants the label", "watch");
	COMPLAINS("which: options, or keys", "manual");
	COMPLAINS("--take: install sees to that", "install", "--take",
		  "systemd", "--listen", "127.0.0.1:80", "--to", "8080");
}

static void check_says_where_each_listener_comes_from(void **state)
{
	(void)state;
	SAYS("handed over by systemd", "check", "--listen", "systemd:web",
	     "--to", "8080");
	SAYS("handed over by the parent process", "check", "--listen", "fd:3",
	     "--to", "8080");
	SAYS("opened by lowport on all addresses, others are reset", "check",
	     "--listen", "only:127.0.0.1:8000", "--to", "8080");
	SAYS("the interface is not there yet", "check", "--listen",
	     "if:nothere0:8000", "--to", "8080");
	SAYS("127.0.0.1:8000", "check", "--listen",
	     scrap("if:%s:8000", proc_has("launchctl") ? "lo0" : "lo"), "--to",
	     "localhost:8080");
	SAYS("has no address now", "check", "--listen", "127.0.0.1:8000",
	     "--to", "nowhere.invalid:80");
}

#define TEST(name) cmocka_unit_test_teardown(name, program_end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_spelling_of_a_socket_is_taken),
		TEST(a_time_to_watch_has_its_bounds),
		TEST(what_is_not_understood_is_named),
		TEST(check_says_where_each_listener_comes_from),
	};

	return cmocka_run_group_tests(tests, program_set_up, program_tear_down);
}
