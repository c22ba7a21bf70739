#include "launchd/rig.h"

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

/* A job that does nothing by itself. */
static const char *write_idle(const char *label, const char *more)
{
	return rig_write(
		&(struct agent){.label = label,
				.arguments = ARGV("/bin/sleep", "1000"),
				.more = more});
}

/* One that runs, and that nothing but the test's SIGKILL ends. */
static pid_t load_stubborn(const char *label)
{
	rig_load(&(struct agent){
		.label = label,
		.arguments = ARGV("/bin/sh", "-c",
				  "trap '' TERM; echo deaf &gt;&amp;2; "
				  "while :; do sleep 1; done"),
		.more = scrap("%s%s", rig_key("RunAtLoad", "<true/>"),
			      rig_key("ExitTimeOut", "<integer>0</integer>"))});
	rig_await_log(label, "deaf");
	return rig_pid(label);
}

static void assert_bootstrap_fails(const char *domain, const char *path,
				   int error, const char *text)
{
	const char *said;

	assert_int_equal(LAUNCHCTL(&said, "bootstrap", domain, path), error);
	assert_says(said, scrap("Bootstrap failed: %d: %s\n", error, text));
}

static void print_shows_what_is_loaded_and_113_what_is_not(void **state)
{
	const char *said, *path;

	(void)state;
	rig_start(NULL);
	path = write_idle("idle", NULL);
	assert_int_equal(LAUNCHCTL(&said, "print", rig_target("idle")), 113);
	assert_string_equal(said, scrap("Bad request.\nCould not find service "
					"\"idle\" in domain for user gui: %u\n",
					(unsigned)rig_user()));
	assert_int_equal(LAUNCHCTL(&said, "bootstrap", rig_domain(), path), 0);
	assert_string_equal(said, "");
	assert_int_equal(LAUNCHCTL(&said, "print", rig_target("idle")), 0);
	assert_says(said, scrap("%s = {\n", rig_target("idle")));
	assert_says(said, scrap("\tpath = %s\n", path));
	assert_says(said, "\tstate = not running\n");
	assert_says(said, "\tlast exit code = (never exited)\n");
	assert_says(said, "\tminimum runtime = 10\n");
	assert_int_equal(LAUNCHCTL(&said, "print", rig_domain()), 0);
	assert_says(said, "idle\n");
}

static void kickstart_of_an_unknown_label_is_113(void **state)
{
	const char *said;

	(void)state;
	rig_start(NULL);
	assert_int_equal(LAUNCHCTL(&said, "kickstart", "-k", rig_target("x")),
			 113);
	assert_string_equal(said, scrap("Could not find service \"x\" in "
					"domain for user gui: %u\n",
					(unsigned)rig_user()));
}

static void bootout_of_an_unknown_label_is_3(void **state)
{
	const char *said;

	(void)state;
	rig_start(NULL);
	assert_int_equal(LAUNCHCTL(&said, "bootout", rig_target("x")), 3);
	assert_says(said, "Boot-out failed: 3: No such process\n");
}

static void a_label_that_is_loaded_is_5(void **state)
{
	const char *path;

	(void)state;
	rig_start(NULL);
	path = write_idle("idle", NULL);
	assert_int_equal(LAUNCHCTL(NULL, "bootstrap", rig_domain(), path), 0);
	assert_bootstrap_fails(rig_domain(), path, 5, "Input/output error");
}

static void a_list_that_is_no_list_is_5(void **state)
{
	struct proc *launchd = rig_start(NULL);
	const char *label = "<plist><dict><key>Label</key>"
			    "<string>x</string></dict></plist>";

	(void)state;
	assert_bootstrap_fails(rig_domain(), rig_file("none.plist"), 5,
			       "Input/output error");
	proc_line(launchd, "none.plist: No such file", 0);
	assert_bootstrap_fails(rig_domain(),
			       rig_write_file("bad.plist", "<plist><dict>"), 5,
			       "Input/output error");
	assert_bootstrap_fails(rig_domain(),
			       rig_write_file("label.plist", label), 5,
			       "Input/output error");
	proc_line(launchd, "label.plist: no Label, or no Program", 0);
}

static void a_list_that_others_may_write_is_5(void **state)
{
	struct proc *launchd = rig_start(NULL);
	const char *path = write_idle("idle", NULL);

	(void)state;
	assert_int_equal(chmod(path, 0664), 0);
	assert_bootstrap_fails(rig_domain(), path, 5, "Input/output error");
	proc_line(launchd, "Path had bad ownership/permissions", 0);
	assert_int_equal(chmod(path, 0644), 0);
	if (geteuid() != 0)
		rig_skip("root, to give a file to somebody else");
	assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
	assert_bootstrap_fails(rig_domain(), path, 5, "Input/output error");
	proc_line(launchd, "Path had bad ownership/permissions", 1);
}

static void an_ordinary_user_is_told_to_try_as_root(void **state)
{
	const char *said;

	(void)state;
	rig_start(NULL);
	LAUNCHCTL(&said, "bootstrap", rig_domain(), "/none");
	if (geteuid() != 0 || rig_user() != 0)
		assert_says(said, "Try re-running the command as root for "
				  "richer errors.\n");
}

static void a_domain_that_does_not_exist_is_125(void **state)
{
	const struct rig_options opt = {.domains = "user"};
	const char *said, *path;

	(void)state;
	rig_start(&opt);
	path = write_idle("idle", NULL);
	assert_bootstrap_fails(rig_domain(), path, 125,
			       "Domain does not support specified action");
	assert_int_equal(LAUNCHCTL(&said, "bootout", rig_target("idle")), 125);
	assert_int_equal(LAUNCHCTL(&said, "print", rig_domain()), 112);
	assert_says(said, scrap("Could not find domain for user gui: %u\n",
				(unsigned)rig_user()));
	assert_int_equal(LAUNCHCTL(&said, "bootstrap",
				   scrap("user/%u", (unsigned)rig_user()),
				   path),
			 0);
}

static void a_session_that_the_list_does_not_name_is_134(void **state)
{
	const char *aqua =
		rig_key("LimitLoadToSessionType", "<string>Aqua</string>");
	const char *path;

	(void)state;
	rig_start(NULL);
	path = write_idle("idle", aqua);
	assert_bootstrap_fails(scrap("user/%u", (unsigned)rig_user()), path,
			       134, "Service cannot load in requested session");
	assert_int_equal(LAUNCHCTL(NULL, "bootstrap", rig_domain(), path), 0);
}

static void a_disabled_label_is_119_until_it_is_enabled(void **state)
{
	const char *said, *path;

	(void)state;
	rig_start(NULL);
	path = write_idle("idle", NULL);
	assert_int_equal(LAUNCHCTL(&said, "disable", rig_target("idle")), 0);
	assert_bootstrap_fails(rig_domain(), path, 119, "Service is disabled");
	LAUNCHCTL(&said, "print-disabled", rig_domain());
	assert_string_equal(said, "\tdisabled services = {\n"
				  "\t\t\"idle\" => disabled\n\t}\n");
	assert_int_equal(LAUNCHCTL(&said, "enable", rig_target("idle")), 0);
	LAUNCHCTL(&said, "print-disabled", rig_domain());
	assert_says(said, "\"idle\" => enabled\n");
	assert_int_equal(LAUNCHCTL(NULL, "bootstrap", rig_domain(), path), 0);
}

static void a_label_that_is_going_is_37_until_it_has_gone(void **state)
{
	const char *said;
	pid_t pid;

	(void)state;
	rig_start(NULL);
	pid = load_stubborn("deaf");
	assert_int_equal(LAUNCHCTL(&said, "bootout", rig_target("deaf")), 0);
	assert_string_equal(rig_print("deaf", "state"), "SIGTERMed");
	assert_bootstrap_fails(rig_domain(), rig_file("deaf.plist"), 37,
			       "Operation already in progress");
	assert_int_equal(LAUNCHCTL(&said, "bootout", rig_target("deaf")), 36);
	assert_says(said, "Boot-out failed: 36: Operation now in progress\n");
	assert_int_equal(LAUNCHCTL(&said, "kickstart", rig_target("deaf")), 37);
	assert_int_equal(kill(pid, SIGKILL), 0);
	rig_await("deaf", NULL, NULL);
	assert_int_equal(LAUNCHCTL(NULL, "bootstrap", rig_domain(),
				   rig_file("deaf.plist")),
			 0);
}

static void some_releases_call_that_5_and_36(void **state)
{
	const struct rig_options opt = {.quirks = "draining-5 bootout-36"};
	struct proc *launchd = rig_start(&opt);
	const char *said;
	pid_t pid;

	(void)state;
	pid = load_stubborn("deaf");
	assert_int_equal(LAUNCHCTL(&said, "bootout", rig_target("deaf")), 36);
	assert_bootstrap_fails(rig_domain(), rig_file("deaf.plist"), 5,
			       "Input/output error");
	proc_line(launchd, "37: Operation already in progress", 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	rig_await("deaf", NULL, NULL);
}

static void what_cannot_be_set_up_ends_with_78(void **state)
{
	(void)state;
	rig_start(NULL);
	rig_load(&(struct agent){
		.label = "log",
		.arguments = ARGV("/bin/true"),
		.more = scrap("%s%s", rig_key("RunAtLoad", "<true/>"),
			      rig_key("StandardErrorPath",
				      "<string>/none/log</string>"))});
	rig_load(&(struct agent){.label = "program",
				 .arguments = ARGV("/none/program"),
				 .more = rig_key("RunAtLoad", "<true/>")});
	rig_await("log", "last exit code", "78: EX_CONFIG");
	rig_await("program", "last exit code", "78: EX_CONFIG");
}

static void kickstart_starts_it_and_with_k_starts_it_anew(void **state)
{
	const char *path, *said;
	pid_t first;

	(void)state;
	rig_start(NULL);
	path = write_idle("idle", NULL);
	assert_int_equal(LAUNCHCTL(NULL, "bootstrap", rig_domain(), path), 0);
	assert_int_equal(
		LAUNCHCTL(&said, "kickstart", "-p", rig_target("idle")), 0);
	first = rig_pid("idle");
	assert_string_equal(said, scrap("service spawned with pid: %d\n",
					(int)first));
	assert_int_equal(LAUNCHCTL(NULL, "kickstart", rig_target("idle")), 0);
	assert_int_equal(rig_pid("idle"), first);
	assert_int_equal(LAUNCHCTL(NULL, "kickstart", "-k", rig_target("idle")),
			 0);
	rig_await("idle", "runs", "2");
	assert_int_not_equal(rig_pid("idle"), first);
}

static void bootout_takes_a_domain_and_a_list_too(void **state)
{
	const char *path;

	(void)state;
	rig_start(NULL);
	path = write_idle("idle", NULL);
	assert_int_equal(LAUNCHCTL(NULL, "bootstrap", rig_domain(), path), 0);
	assert_int_equal(LAUNCHCTL(NULL, "bootout", rig_domain(), path), 0);
	assert_int_equal(LAUNCHCTL(NULL, "print", rig_target("idle")), 113);
}

static void one_user_does_not_touch_the_jobs_of_another(void **state)
{
	const char *path;

	(void)state;
	if (geteuid() != 0)
		rig_skip("root, to be two users");
	rig_start(NULL);
	path = write_idle("idle", NULL);
	assert_int_equal(LAUNCHCTL(NULL, "bootstrap", "gui/12345", path), 1);
	assert_int_equal(LAUNCHCTL(NULL, "bootstrap", "system", path), 1);
	assert_int_equal(LAUNCHCTL(NULL, "disable", "gui/12345/idle"), 1);
}

static void wrong_words_are_a_usage_error(void **state)
{
	const char *said;

	(void)state;
	rig_start(NULL);
	assert_int_equal(LAUNCHCTL(&said, "bootstrap", rig_domain()), 64);
	assert_says(said, "Usage: launchctl bootstrap");
	assert_int_equal(LAUNCHCTL(&said, "print", "gui/"), 64);
	assert_int_equal(LAUNCHCTL(&said, "load", "x.plist"), 64);
	assert_says(said, "Unrecognized subcommand: load\n");
}

#define TEST(name) cmocka_unit_test_teardown(name, rig_end_test)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(print_shows_what_is_loaded_and_113_what_is_not),
		TEST(kickstart_of_an_unknown_label_is_113),
		TEST(bootout_of_an_unknown_label_is_3),
		TEST(a_label_that_is_loaded_is_5),
		TEST(a_list_that_is_no_list_is_5),
		TEST(a_list_that_others_may_write_is_5),
		TEST(an_ordinary_user_is_told_to_try_as_root),
		TEST(a_domain_that_does_not_exist_is_125),
		TEST(a_session_that_the_list_does_not_name_is_134),
		TEST(a_disabled_label_is_119_until_it_is_enabled),
		TEST(a_label_that_is_going_is_37_until_it_has_gone),
		TEST(some_releases_call_that_5_and_36),
		TEST(what_cannot_be_set_up_ends_with_78),
		TEST(kickstart_starts_it_and_with_k_starts_it_anew),
		TEST(bootout_takes_a_domain_and_a_list_too),
		TEST(one_user_does_not_touch_the_jobs_of_another),
		TEST(wrong_words_are_a_usage_error),
	};

	return cmocka_run_group_tests(tests, rig_set_up, rig_tear_down);
}
