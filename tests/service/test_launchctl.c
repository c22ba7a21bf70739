/* launchctl(1) is a script of this test's, and nobody waits for it. */
#include <unistd.h>

static int no_wait(useconds_t us);
#define usleep no_wait
#include "service/launchctl.c"
#undef usleep

#include "support/unit.h"

#include <sys/stat.h>

static char folder[64];
static unsigned waits;
static uint64_t waited_us;
static const struct launchctl_domain gui = {"gui/501"};
static struct launchctl_job job;
static struct fault why;

static int no_wait(useconds_t us)
{
	waits++;
	waited_us += us;
	return 0;
}

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

/* What launchctl does: the lines of a shell script, which may count in $N how
 * often it has been called with $1. Each call is a line of "calls". */
static void launchctl_is(const char *script)
{
	FILE *f = fopen(path_of("launchctl"), "w");

	assert_non_null(f);
	fprintf(f,
		"#!/bin/sh\n"
		"echo \"$*\" >>'%s/calls'\n"
		"N=$(grep -c \"^$1 \" '%s/calls')\n"
		"%s\n",
		folder, folder, script);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path_of("launchctl"), 0755), 0);
}

static unsigned count_calls(const char *verb)
{
	FILE *f = fopen(path_of("calls"), "r");
	char line[256];
	unsigned n = 0;

	while (f && fgets(line, sizeof(line), f))
		n += strncmp(line, verb, strlen(verb)) == 0;
	if (f)
		fclose(f);
	return n;
}

static int set_up(void **state)
{
	char path[512];

	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/lowport-launchctl-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s:/usr/bin:/bin", folder);
	waits = 0;
	waited_us = 0;
	return setenv("PATH", path, 1);
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path_of("launchctl"));
	unlink(path_of("calls"));
	unlink(path_of("print"));
	return rmdir(folder);
}

static void prints(const char *text)
{
	FILE *f = fopen(path_of("print"), "w");
	char script[128];

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	snprintf(script, sizeof(script), "cat '%s/print'", folder);
	launchctl_is(script);
	launchctl_print(&gui, "lowport.web", &job);
}

/* As recent releases print it; cut to what is near what we look for. */
static void a_job_that_runs_is_read(void **state)
{
	(void)state;
	prints("gui/501/lowport.web = {\n"
	       "\tactive count = 4\n"
	       "\tpath = /Users/ann/Library/LaunchAgents/lowport.web.plist\n"
	       "\ttype = LaunchAgent\n"
	       "\tstate = running\n"
	       "\n"
	       "\tprogram = /Users/ann/lowport\n"
	       "\targuments = {\n"
	       "\t\t/Users/ann/lowport\n"
	       "\t\trun\n"
	       "\t\t--log\n"
	       "\t\tlast exit code = 9\n"
	       "\t}\n"
	       "\n"
	       "\tdefault environment = {\n"
	       "\t\tPATH => /usr/bin:/bin:/usr/sbin:/sbin\n"
	       "\t}\n"
	       "\n"
	       "\tdomain = gui/501 [100005]\n"
	       "\tasid = 100005\n"
	       "\tminimum runtime = 10\n"
	       "\texit timeout = 32\n"
	       "\truns = 1\n"
	       "\tpid = 2703\n"
	       "\timmediate reason = ipc (socket)\n"
	       "\tforks = 0\n"
	       "\texecs = 1\n"
	       "\tinitialized = 1\n"
	       "\ttrampolined = 1\n"
	       "\tstarted suspended = 0\n"
	       "\tproxy started suspended = 0\n"
	       "\tlast exit code = (never exited)\n"
	       "\n"
	       "\tspawn type = interactive (4)\n"
	       "\tjetsam priority = 100\n"
	       "}\n");
	assert_true(job.loaded);
	assert_int_equal(job.pid, 2703);
	assert_int_equal(job.exit_timeout_s, 32);
	assert_false(job.has_ended);
	assert_int_equal(job.last_signal, 0);
}

static void a_job_that_has_ended_is_read(void **state)
{
	(void)state;
	prints("gui/501/x = {\n\tstate = not running\n\truns = 3\n"
	       "\tlast exit code = 78: EX_CONFIG\n}\n");
	assert_true(job.has_ended);
	assert_int_equal(job.last_status, 78);
	assert_int_equal(job.pid, 0);
	assert_int_equal(job.exit_timeout_s, 5);
	prints("gui/501/x = {\n\tlast exit code = 0\n}\n");
	assert_true(job.has_ended);
	assert_int_equal(job.last_status, 0);
	prints("gui/501/x = {\n\tlast terminating signal = Killed: 9\n}\n");
	assert_int_equal(job.last_signal, 9);
	assert_false(job.has_ended);
}

static void numbers_that_cannot_be_are_not_believed(void **state)
{
	(void)state;
	prints("gui/501/x = {\n\tlast terminating signal = none\n"
	       "\tlast exit code = 78: 9\n}\n");
	assert_int_equal(job.last_signal, 0);
	prints("gui/501/x = {\n\tpid = -4\n\texit timeout = 99999999999\n"
	       "\tlast terminating signal = Odd: 1000\n}\n");
	assert_int_equal(job.pid, 0);
	assert_int_equal(job.exit_timeout_s, 5);
	assert_int_equal(job.last_signal, 0);
}

static void what_only_looks_like_a_key_is_none(void **state)
{
	(void)state;
	prints("gui/501/x = {\n\tipid = 7\n\tspid = 8\n\tpid=9\n"
	       "\tpid local endpoints = 3\n\tendpoints = {\n"
	       "\t\tpid = 10\n\t}\n}\n");
	assert_int_equal(job.pid, 0);
}

static void a_job_that_is_not_loaded_is_told(void **state)
{
	(void)state;
	launchctl_is("echo 'Could not find service' >&2; exit 113");
	launchctl_print(&gui, "lowport.web", &job);
	assert_false(job.loaded);
	unlink(path_of("launchctl"));
	launchctl_print(&gui, "lowport.web", &job);
	assert_false(job.loaded);
}

static void the_domain_is_the_screen_or_else_the_user(void **state)
{
	struct launchctl_domain domain;
	char expected[32];

	(void)state;
	launchctl_is("exit 0");
	assert_int_equal(launchctl_domain(&domain, &why), 0);
	snprintf(expected, sizeof(expected), "gui/%u", (unsigned)getuid());
	assert_string_equal(domain.text, expected);
	launchctl_is("exit 112");
	assert_int_equal(launchctl_domain(&domain, &why), 0);
	snprintf(expected, sizeof(expected), "user/%u", (unsigned)getuid());
	assert_string_equal(domain.text, expected);
	unlink(path_of("launchctl"));
	assert_int_equal(launchctl_domain(&domain, &why), -ENOTSUP);
	assert_says(why.text, "this is no macOS");
}

static void a_5_that_stays_is_given_up_and_explained(void **state)
{
	(void)state;
	launchctl_is("test $1 = bootstrap || exit 0\n"
		     "echo 'Bootstrap failed: 5: Input/output error' >&2\n"
		     "exit 5");
	assert_int_equal(launchctl_bootstrap(&gui, "x", "/x.plist", &why),
			 -EIO);
	assert_says(why.text, "Bootstrap failed: 5: Input/output error\n");
	assert_says(why.text, "log show --last 5m");
	/* As long as launchd has ever been seen to take. */
	assert_in_range(waited_us, 30000000, 31000000);
	assert_true(count_calls("bootstrap gui/501 /x.plist") > 100);
	assert_int_equal(count_calls("enable gui/501/x"), 1);
}

static void what_passes_is_waited_out(void **state)
{
	static const int passing[] = {5, 37};
	char script[96];

	(void)state;
	for (size_t i = 0; i < COUNT(passing); i++) {
		unlink(path_of("calls"));
		snprintf(script, sizeof(script),
			 "test $1 = enable || test $N -gt 4 || exit %d",
			 passing[i]);
		launchctl_is(script);
		assert_int_equal(launchctl_bootstrap(&gui, "x", "/x", &why), 0);
		assert_int_equal(count_calls("bootstrap"), 5);
	}
}

static void what_does_not_pass_is_said_at_once(void **state)
{
	static const struct {
		int status;
		const char *said;
	} rows[] = {
		{119, "switched off"},
		{125, "nobody is logged in at the screen"},
		{134, "LimitLoadToSessionType"},
		{1, "launchctl bootstrap ended with 1: No"},
	};
	char script[96];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		snprintf(script, sizeof(script),
			 "test $1 = enable && exit; echo No; exit %d",
			 rows[i].status);
		launchctl_is(script);
		assert_int_equal(launchctl_bootstrap(&gui, "x", "/x", &why),
				 -EIO);
		assert_says(why.text, rows[i].said);
		assert_int_equal(waits, 0);
	}
}

static void a_bootout_of_what_is_not_loaded_is_fine(void **state)
{
	static const int fine[] = {0, 3, 113, 36, 37};
	char script[96];

	(void)state;
	for (size_t i = 0; i < COUNT(fine); i++) {
		snprintf(script, sizeof(script),
			 "test $1 = print && exit 113; exit %d", fine[i]);
		launchctl_is(script);
		assert_int_equal(launchctl_bootout(&gui, "x", &why), 0);
	}
	launchctl_is("test $1 = print && exit 113; exit 125");
	assert_int_equal(launchctl_bootout(&gui, "x", &why), -EIO);
	assert_says(why.text, "launchctl bootout ended with 125");
}

static void a_bootout_ends_when_the_job_is_gone(void **state)
{
	(void)state;
	launchctl_is("test $1 = bootout && exit\n"
		     "test $N -lt 6 || exit 113\n"
		     "echo 'exit timeout = 32'");
	assert_int_equal(launchctl_bootout(&gui, "x", &why), 0);
	assert_int_equal(count_calls("print"), 6);
}

static void a_job_that_drains_is_given_its_exit_timeout(void **state)
{
	(void)state;
	launchctl_is("echo 'exit timeout = 20'");
	assert_int_equal(launchctl_bootout(&gui, "x", &why), -ETIMEDOUT);
	assert_in_range(waited_us, 50000000, 51000000);
	assert_says(why.text, "x is still there 50 seconds after");
}

static void a_process_that_comes_is_waited_for(void **state)
{
	(void)state;
	launchctl_is("test $N -lt 4 || echo 'pid = 123'");
	assert_int_equal(launchctl_await_pid(&gui, "x", 2000), 123);
	unlink(path_of("calls"));
	launchctl_is("exit 0");
	assert_int_equal(launchctl_await_pid(&gui, "x", 2000), 0);
	/* One that is not loaded never has one. */
	waits = 0;
	launchctl_is("exit 113");
	assert_int_equal(launchctl_await_pid(&gui, "x", 2000), 0);
	assert_int_equal(waits, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_job_that_runs_is_read),
		TEST(a_job_that_has_ended_is_read),
		TEST(numbers_that_cannot_be_are_not_believed),
		TEST(what_only_looks_like_a_key_is_none),
		TEST(a_job_that_is_not_loaded_is_told),
		TEST(the_domain_is_the_screen_or_else_the_user),
		TEST(a_5_that_stays_is_given_up_and_explained),
		TEST(what_passes_is_waited_out),
		TEST(what_does_not_pass_is_said_at_once),
		TEST(a_bootout_of_what_is_not_loaded_is_fine),
		TEST(a_bootout_ends_when_the_job_is_gone),
		TEST(a_job_that_drains_is_given_its_exit_timeout),
		TEST(a_process_that_comes_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
