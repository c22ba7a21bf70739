#include "os/spawn.h"

#include "support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct spawn_result out;

static int shell(const char *script)
{
	const char *const argv[] = {"sh", "-c", script, NULL};

	return spawn_run(argv, &out);
}

static void both_outputs_and_the_status_come_back(void **state)
{
	(void)state;
	assert_int_equal(shell("echo one; echo two >&2; exit 113"), 0);
	assert_int_equal(out.status, 113);
	assert_string_equal(out.output, "one\ntwo\n");
	assert_int_equal(out.length, 8);
	assert_int_equal(shell("true"), 0);
	assert_int_equal(out.status, 0);
	assert_string_equal(out.output, "");
}

static void a_signal_is_128_and_its_number(void **state)
{
	(void)state;
	assert_int_equal(shell("kill -9 $$"), 0);
	assert_int_equal(out.status, 128 + 9);
}

static void a_program_that_is_not_there_is_enoent(void **state)
{
	const char *const argv[] = {"no-such-program-here", NULL};

	(void)state;
	/* A folder there that may not be read would be EACCES. */
	setenv("PATH", "/usr/bin:/bin", 1);
	assert_int_equal(spawn_run(argv, &out), -ENOENT);
}

static void what_does_not_fit_is_cut_and_still_read(void **state)
{
	(void)state;
	/* A pipe holds 64 KiB: whoever is not read would never end. */
	assert_int_equal(shell("head -c 200000 /dev/zero | tr '\\0' x"), 0);
	assert_int_equal(out.status, 0);
	assert_int_equal(out.length, sizeof(out.output) - 1);
	assert_int_equal(strspn(out.output, "x"), out.length);
}

static void it_has_no_input_and_sigpipe_works_in_it(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(shell("cat; kill -PIPE $$"), 0);
	assert_int_equal(out.status, 128 + SIGPIPE);
	assert_string_equal(out.output, "");
	signal(SIGPIPE, SIG_DFL);
}

/* What comes through fd until its end. */
static const char *hear(int fd)
{
	static char text[256];
	struct pollfd p = {.fd = fd, .events = POLLIN};
	size_t length = 0;
	ssize_t n = 1;

	while (n > 0) {
		assert_int_equal(poll(&p, 1, 20000), 1);
		n = read(fd, text + length, sizeof(text) - 1 - length);
		assert_true(n >= 0);
		length += (size_t)n;
	}
	text[length] = '\0';
	return text;
}

/* Start it with a pipe in place of the test's own standard output. Returns the
 * end that is read. */
static int start_detached(const char *script)
{
	const char *const argv[] = {"sh", "-c", script, NULL};
	int fds[2], saved;

	fflush(stdout);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(fcntl(fds[0], F_SETFD, FD_CLOEXEC), 0);
	saved = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10);
	dup2(fds[1], STDOUT_FILENO);
	close(fds[1]);
	assert_int_equal(spawn_detached(argv), 0);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	return fds[0];
}

/* launchd kills what is left of a job's group when the job has ended. */
static void a_detached_one_has_our_output_and_a_group_of_its_own(void **state)
{
	int fd = start_detached("ps -o pgid= -p $$ | tr -d ' '");
	const char *said = hear(fd);
	char ours[32];

	(void)state;
	snprintf(ours, sizeof(ours), "%ld\n", (long)getpgrp());
	assert_true(strspn(said, "0123456789") > 0);
	assert_string_not_equal(said, ours);
	close(fd);
}

static void a_detached_one_is_not_waited_for_nor_left_to_us(void **state)
{
	char script[64];
	int go[2], fd;

	(void)state;
	assert_int_equal(pipe(go), 0);
	snprintf(script, sizeof(script), "read word <&%d; echo $word", go[0]);
	fd = start_detached(script);
	assert_int_equal(write(go[1], "on\n", 3), 3);
	assert_string_equal(hear(fd), "on\n");
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	close(go[0]);
	close(go[1]);
	close(fd);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_outputs_and_the_status_come_back),
		cmocka_unit_test(a_signal_is_128_and_its_number),
		cmocka_unit_test(a_program_that_is_not_there_is_enoent),
		cmocka_unit_test(what_does_not_fit_is_cut_and_still_read),
		cmocka_unit_test(it_has_no_input_and_sigpipe_works_in_it),
		cmocka_unit_test(
			a_detached_one_has_our_output_and_a_group_of_its_own),
		cmocka_unit_test(
			a_detached_one_is_not_waited_for_nor_left_to_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
