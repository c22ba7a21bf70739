#include "process/program.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

/* What a service manager hears of the program: sd_notify(3). */

static int manager = -1;

static const char *name(void)
{
	return program_file("notify");
}

/* The environment of a program that is to tell us. */
static const char *const *watched(const char *more)
{
	static const char *env[3];
	struct timeval patience = {.tv_sec = PROC_PATIENCE_MS / 1000};
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	unlink(name());
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", name());
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(manager, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(chmod(name(), 0777), 0);
	setsockopt(manager, SOL_SOCKET, SO_RCVTIMEO, &patience,
		   sizeof(patience));
	env[0] = scrap("NOTIFY_SOCKET=%s", name());
	env[1] = more;
	return env;
}

static const char *hear(void)
{
	char buf[1024];
	ssize_t n = recv(manager, buf, sizeof(buf) - 1, 0);

	if (n < 0)
		fail_msg("nothing was heard");
	buf[n < 0 ? 0 : n] = '\0';
	return scrap("%s", buf);
}

static int end_test(void **state)
{
	if (manager >= 0)
		close(manager);
	manager = -1;
	unlink(name());
	return program_end_test(state);
}

static void the_manager_hears_of_the_start_and_of_the_end(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const struct proc_options opt = {.env = watched(NULL)};
	struct proc *p = RUN_WITH(&opt, "--listen", "127.0.0.1:0", "--to",
				  backend_where(b));

	(void)state;
	assert_int_equal(strncmp(hear(), "READY=1\nSTATUS=", 15), 0);
	assert_served(program_where(p, 0), b);
	program_stop(p);
	assert_string_equal(hear(), "STOPPING=1");
}

/* READY=1 is a promise: who connects now is served. */
static void ready_means_that_a_client_is_taken(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *where = scrap("127.0.0.1:%u", peer_free_port());
	const struct proc_options opt = {.env = watched(NULL)};
	struct proc *p = program_start(
		ARGV("run", "--listen", where, "--to", backend_where(b)), &opt);

	(void)state;
	hear();
	assert_served(where, b);
	program_stop(p);
}

static void signs_of_life_come_as_often_as_they_are_wanted(void **state)
{
	const struct proc_options opt = {.env = watched("WATCHDOG_USEC=40000")};
	struct proc *p = RUN_WITH(&opt, "--listen", "127.0.0.1:0", "--to", "1");

	(void)state;
	hear();
	for (int i = 0; i < 5; i++)
		assert_string_equal(hear(), "WATCHDOG=1");
	/* A loop that does not turn gives none. */
	proc_signal(p, SIGSTOP);
	while (recv(manager, (char[64]){0}, 64, MSG_DONTWAIT) > 0)
		;
	assert_true(peer_is_silent(manager, 200));
	proc_signal(p, SIGCONT);
	assert_string_equal(hear(), "WATCHDOG=1");
	program_stop(p);
}

/* A watchdog looks while connections are let finish, too. */
static void signs_of_life_come_while_it_drains(void **state)
{
	const struct proc_options opt = {.env = watched("WATCHDOG_USEC=40000")};
	int backend = peer_listen("127.0.0.1:0"), client;
	struct proc *p = RUN_WITH(&opt, "--listen", "127.0.0.1:0", "--to",
				  peer_where(backend));

	(void)state;
	client = peer_dial(program_where(p, 0));
	peer_accept(backend);
	proc_signal(p, SIGTERM);
	while (strcmp(hear(), "STOPPING=1") != 0)
		;
	assert_string_equal(hear(), "WATCHDOG=1");
	assert_string_equal(hear(), "WATCHDOG=1");
	peer_reset(client);
	proc_end(p, 0);
}

static void a_manager_that_cannot_be_told_is_a_line_in_the_log(void **state)
{
	static const char *const env[] = {"NOTIFY_SOCKET=/nowhere/at/all",
					  NULL};
	const struct proc_options opt = {.env = env};
	struct proc *p = RUN_WITH(&opt, "--listen", "127.0.0.1:0", "--to", "1");

	(void)state;
	proc_line(p, "could not be told that clients are served", 0);
	program_stop(p);
}

static void a_start_that_fails_is_never_ready(void **state)
{
	const struct proc_options opt = {.env = watched(NULL)};
	const char *held = peer_where(peer_listen("127.0.0.1:0"));
	struct proc *p =
		program_start(ARGV("run", "--listen", held, "--to", "1"), &opt);

	(void)state;
	proc_end(p, 1);
	assert_true(peer_is_silent(manager, 0));
}

#define TEST(name) cmocka_unit_test_teardown(name, end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_manager_hears_of_the_start_and_of_the_end),
		TEST(ready_means_that_a_client_is_taken),
		TEST(signs_of_life_come_as_often_as_they_are_wanted),
		TEST(signs_of_life_come_while_it_drains),
		TEST(a_manager_that_cannot_be_told_is_a_line_in_the_log),
		TEST(a_start_that_fails_is_never_ready),
	};

	return cmocka_run_group_tests(tests, program_set_up, program_tear_down);
}
