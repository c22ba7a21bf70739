#include "os/child.h"

#include "support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int null;

static int start(char *const argv[], pid_t *pid)
{
	struct child_plan plan = {
		.argv = argv, .envp = environ, .output = null};

	return child_start(&plan, pid);
}

static int await_end(pid_t pid)
{
	int status = -1;

	for (int i = 0; i < 1000 && !child_reap(pid, &status); i++)
		poll(NULL, 0, 10);
	return status;
}

static void what_cannot_be_run_is_told(void **state)
{
	char *nothing[] = {"/no/such/program", NULL};
	char *data[] = {"/etc/passwd", NULL};
	pid_t pid;

	(void)state;
	assert_int_equal(start(nothing, &pid), -ENOENT);
	assert_int_equal(start(data, &pid), -EACCES);
	/* Nobody is left to be waited for. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void the_status_comes_back(void **state)
{
	char *argv[] = {"sh", "-c", "exit 7", NULL};
	pid_t pid;
	int status;

	(void)state;
	assert_int_equal(start(argv, &pid), 0);
	status = await_end(pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	assert_false(child_signal(pid, 0));
}

static void a_signal_reaches_the_group(void **state)
{
	char *argv[] = {"sh", "-c", "sleep 1000 & wait", NULL};
	pid_t pid;
	int status;

	(void)state;
	assert_int_equal(start(argv, &pid), 0);
	assert_int_equal(getpgid(pid), pid);
	assert_false(child_reap(pid, &status));
	assert_true(child_signal(pid, SIGKILL));
	status = await_end(pid);
	assert_true(WIFSIGNALED(status));
}

static bool is_in(char *const *envp, const char *variable)
{
	for (; *envp; envp++)
		if (strcmp(*envp, variable) == 0)
			return true;
	return false;
}

static void an_environment_is_ours_without_and_with_some(void **state)
{
	static const char *const dropped[] = {"LISTEN_FDS", NULL};
	char port[] = "PORT=1";
	char *set[] = {port, NULL};
	char **envp;

	(void)state;
	setenv("LISTEN_FDS", "2", 1);
	setenv("LISTEN_FDS_OF_MINE", "2", 1);
	setenv("LISTEN_ADDR", "here", 1);
	setenv("PORT", "80", 1);
	setenv("PORTAL", "x", 1);
	envp = child_environment(dropped, set);
	assert_true(is_in(envp, "PORT=1"));
	assert_false(is_in(envp, "PORT=80"));
	assert_true(is_in(envp, "PORTAL=x"));
	assert_false(is_in(envp, "LISTEN_FDS=2"));
	assert_true(is_in(envp, "LISTEN_FDS_OF_MINE=2"));
	assert_true(is_in(envp, "LISTEN_ADDR=here"));
	free(envp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_be_run_is_told),
		cmocka_unit_test(the_status_comes_back),
		cmocka_unit_test(a_signal_reaches_the_group),
		cmocka_unit_test(an_environment_is_ours_without_and_with_some),
	};

	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
