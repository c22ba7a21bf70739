#include "launchd/rig.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* lowport behind a socket, and its backend. */
static struct backend *load_web(const struct place *p, const char *more)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");

	rig_load(&(struct agent){.label = "web",
				 .arguments =
					 ARGV(rig_program(), "run", "--listen",
					      scrap("launchd:web@%s", p->where),
					      "--to", backend_where(b)),
				 .sockets = rig_key("web", rig_dict(p)),
				 .more = more});
	return b;
}

/* A client that comes while it is down waits for the next one. */
static void assert_the_next_instance_serves(int number, const char *ended)
{
	struct place p = rig_place4();
	struct backend *b = load_web(&p, rig_key("ThrottleInterval",
						 "<integer>1</integer>"));
	pid_t first;

	assert_served(p.where, b);
	first = rig_pid("web");
	assert_int_equal(kill(first, number), 0);
	rig_await("web", "state", "not running");
	assert_string_equal(rig_print("web", "active"), "0");
	if (ended)
		assert_string_equal(rig_print("web", "last exit code"), ended);
	assert_served(p.where, b);
	assert_int_not_equal(rig_pid("web"), first);
	assert_string_equal(rig_print("web", "runs"), "2");
}

static void a_client_that_waits_is_served_after_sigterm(void **state)
{
	(void)state;
	rig_start(NULL);
	assert_the_next_instance_serves(SIGTERM, "0");
}

static void a_client_that_waits_is_served_after_sigkill(void **state)
{
	(void)state;
	rig_start(NULL);
	assert_the_next_instance_serves(SIGKILL, NULL);
}

static void a_short_life_delays_the_next_by_the_throttle_interval(void **state)
{
	struct proc *launchd = rig_start(NULL);
	struct place p = rig_place4();
	struct backend *b;
	uint64_t loaded = now_ms();

	(void)state;
	b = load_web(&p, rig_key("ThrottleInterval", "<integer>20</integer>"));
	assert_served(p.where, b);
	kill(rig_pid("web"), SIGKILL);
	proc_line(launchd, "Pushing respawn out by", 0);
	assert_served(p.where, b);
	assert_in_range(now_ms() - loaded, 2000, PROC_PATIENCE_MS);
}

static void the_log_is_appended_to_by_each_instance(void **state)
{
	struct place p = rig_place4();
	struct backend *b;
	const char *first, *text;

	(void)state;
	rig_start(NULL);
	b = load_web(&p, rig_key("ThrottleInterval", "<integer>0</integer>"));
	assert_served(p.where, b);
	kill(rig_pid("web"), SIGTERM);
	rig_await("web", "state", "not running");
	text = scrap("listening on %s", p.where);
	first = strstr(rig_read(rig_log("web")), text);
	assert_non_null(first);
	assert_served(p.where, b);
	first = strstr(rig_read(rig_log("web")), text);
	assert_non_null(first);
	assert_non_null(strstr(first + 1, text));
}

static void bootout_frees_the_port(void **state)
{
	struct place p = rig_place4();
	struct backend *b;

	(void)state;
	rig_start(NULL);
	b = load_web(&p, NULL);
	assert_served(p.where, b);
	assert_int_equal(peer_try_listen(p.where), -1);
	assert_int_equal(LAUNCHCTL(NULL, "bootout", rig_target("web")), 0);
	rig_await("web", NULL, NULL);
	assert_int_equal(peer_try_dial(p.where), -1);
	assert_int_equal(errno, ECONNREFUSED);
	assert_in_range(peer_try_listen(p.where), 0, INT32_MAX);
}

static void bootout_of_a_job_that_is_down_frees_the_port_at_once(void **state)
{
	struct place p = rig_place4();

	(void)state;
	rig_start(NULL);
	load_web(&p, NULL);
	assert_int_equal(LAUNCHCTL(NULL, "bootout", rig_target("web")), 0);
	assert_in_range(peer_try_listen(p.where), 0, INT32_MAX);
}

static void bootout_resets_the_clients_that_wait(void **state)
{
	struct place p = rig_place4();
	int client;

	(void)state;
	rig_start(NULL);
	rig_load(&(struct agent){.label = "idle",
				 .arguments = ARGV("/bin/sleep", "1000"),
				 .sockets = rig_key("web", rig_dict(&p))});
	client = peer_dial(p.where);
	rig_await("idle", "state", "running");
	assert_true(peer_is_silent(client, 50));
	assert_int_equal(LAUNCHCTL(NULL, "bootout", rig_target("idle")), 0);
	assert_string_equal(peer_hear(client), "reset");
}

static void bootout_lets_an_open_connection_finish(void **state)
{
	struct place p = rig_place4();
	int listener = peer_listen("127.0.0.1:0"), client, server;

	(void)state;
	rig_start(NULL);
	RELAY("web", rig_key("web", rig_dict(&p)), "--listen", "launchd:web",
	      "--to", peer_where(listener));
	client = peer_dial(p.where);
	server = peer_accept(listener);
	assert_int_equal(LAUNCHCTL(NULL, "bootout", rig_target("web")), 0);
	rig_await_log("web", "accepting no more, 1 connections may finish");
	peer_send(client, "late", 4);
	peer_end(client);
	assert_string_equal(peer_hear(server), "late");
	peer_send(server, "answer", 6);
	peer_end(server);
	assert_string_equal(peer_hear(client), "answer");
	rig_await("web", NULL, NULL);
}

static void what_ignores_sigterm_is_killed_after_exit_timeout(void **state)
{
	struct proc *launchd = rig_start(NULL);
	uint64_t asked;

	(void)state;
	rig_load(&(struct agent){
		.label = "deaf",
		.arguments = ARGV("/bin/sh", "-c",
				  "trap '' TERM; echo deaf &gt;&amp;2; "
				  "while :; do sleep 1; done"),
		.more = scrap("%s%s", rig_key("RunAtLoad", "<true/>"),
			      rig_key("ExitTimeOut", "<integer>4</integer>"))});
	rig_await_log("deaf", "deaf");
	asked = now_ms();
	assert_int_equal(LAUNCHCTL(NULL, "bootout", rig_target("deaf")), 0);
	proc_line(launchd,
		  "Service did not exit 4 seconds after SIGTERM. Sending "
		  "SIGKILL.",
		  0);
	assert_in_range(now_ms() - asked, 400, PROC_PATIENCE_MS);
	rig_await("deaf", NULL, NULL);
}

static void a_job_without_keepalive_stays_down_after_a_failure(void **state)
{
	struct proc *launchd = rig_start(NULL);

	(void)state;
	rig_load(&(struct agent){
		.label = "fails",
		.arguments = ARGV("/bin/false"),
		.more = scrap("%s%s", rig_key("RunAtLoad", "<true/>"),
			      rig_key("ThrottleInterval",
				      "<integer>0</integer>"))});
	rig_load(&(struct agent){
		.label = "again",
		.arguments = ARGV("/bin/false"),
		.more = scrap("%s%s", rig_key("KeepAlive", "<true/>"),
			      rig_key("ThrottleInterval",
				      "<integer>1</integer>"))});
	/* The one had every chance by when the other was here thrice. */
	proc_line(launchd, "again: started", 2);
	assert_string_equal(rig_print("fails", "runs"), "1");
	assert_string_equal(rig_print("fails", "last exit code"), "1");
	assert_string_equal(rig_print("fails", "state"), "not running");
}

static void keepalive_can_depend_on_how_it_ended(void **state)
{
	struct proc *launchd = rig_start(NULL);
	const char *unless_well = "<dict><key>SuccessfulExit</key>"
				  "<false/></dict>";

	(void)state;
	rig_load(&(struct agent){
		.label = "well",
		.arguments = ARGV("/bin/true"),
		.more = scrap("%s%s", rig_key("KeepAlive", unless_well),
			      rig_key("ThrottleInterval",
				      "<integer>0</integer>"))});
	rig_load(&(struct agent){
		.label = "badly",
		.arguments = ARGV("/bin/false"),
		.more = scrap("%s%s", rig_key("KeepAlive", unless_well),
			      rig_key("ThrottleInterval",
				      "<integer>1</integer>"))});
	proc_line(launchd, "badly: started", 2);
	assert_string_equal(rig_print("well", "runs"), "1");
}

static void the_group_of_a_job_ends_with_it(void **state)
{
	pid_t child;

	(void)state;
	rig_start(NULL);
	rig_load(&(struct agent){
		.label = "parent",
		.arguments = ARGV("/bin/sh", "-c",
				  "sleep 1000 &amp; echo $! &gt;&amp;2"),
		.more = rig_key("RunAtLoad", "<true/>")});
	rig_await("parent", "last exit code", "0");
	child = atoi(rig_await_log("parent", "\n"));
	assert_in_range(child, 2, INT32_MAX);
	/* It may be waited for by somebody else, but it does not run. */
	for (unsigned i = 0; kill(child, 0) == 0; i++) {
		const char *status =
			rig_read(scrap("/proc/%d/stat", (int)child));

		if (status[0] == '\0' || strstr(status, ") Z"))
			break;
		assert_in_range(i, 0, 2000);
		usleep(10000);
	}
}

static void launchd_takes_its_jobs_with_it(void **state)
{
	struct proc *launchd = rig_start(NULL);
	struct place p = rig_place4();
	struct backend *b;
	pid_t pid;

	(void)state;
	b = load_web(&p, NULL);
	assert_served(p.where, b);
	pid = rig_pid("web");
	assert_int_equal(LAUNCHCTL(NULL, "disable", rig_target("other")), 0);
	proc_signal(launchd, SIGTERM);
	proc_end(launchd, 0);
	assert_int_equal(kill(pid, 0), -1);
	assert_in_range(peer_try_listen(p.where), 0, INT32_MAX);
}

#define TEST(name) cmocka_unit_test_teardown(name, rig_end_test)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_client_that_waits_is_served_after_sigterm),
		TEST(a_client_that_waits_is_served_after_sigkill),
		TEST(a_short_life_delays_the_next_by_the_throttle_interval),
		TEST(the_log_is_appended_to_by_each_instance),
		TEST(bootout_frees_the_port),
		TEST(bootout_of_a_job_that_is_down_frees_the_port_at_once),
		TEST(bootout_resets_the_clients_that_wait),
		TEST(bootout_lets_an_open_connection_finish),
		TEST(what_ignores_sigterm_is_killed_after_exit_timeout),
		TEST(a_job_without_keepalive_stays_down_after_a_failure),
		TEST(keepalive_can_depend_on_how_it_ended),
		TEST(the_group_of_a_job_ends_with_it),
		TEST(launchd_takes_its_jobs_with_it),
	};

	return cmocka_run_group_tests(tests, rig_set_up, rig_tear_down);
}
