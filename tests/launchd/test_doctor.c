#include "launchd/user.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* `lowport doctor` in each state that an agent, or a plan for one, can be in:
 * what it says, and whether it ends with 0. */

static struct backend *web(void)
{
	return backend_start("127.0.0.1:0", "web");
}

static pid_t greeter;

/* A backend that speaks first: then install sees at once that it is there, and
 * need not wait for it to hang up. */
static const char *start_greeter(void)
{
	int listener = peer_listen("127.0.0.1:0");
	const char *where = peer_where(listener);

	greeter = fork();
	assert_int_not_equal(greeter, -1);
	if (greeter == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (greeter == 0) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			_exit(1);
		send(fd, "hello", 5, MSG_NOSIGNAL);
		close(fd);
	}
	peer_close(listener);
	return where;
}

static int end_test(void **state)
{
	if (greeter > 0) {
		kill(greeter, SIGKILL);
		waitpid(greeter, NULL, 0);
	}
	greeter = 0;
	return rig_end_test(state);
}

/* Returns where its backend is. */
static const char *install_web(const struct place *p)
{
	const char *to = start_greeter();

	LOWPORT("install", "--listen", p->where, "--to", to, "--label", "web");
	return to;
}

static void unload(const char *label)
{
	assert_int_equal(LAUNCHCTL(NULL, "bootout", rig_target(label)), 0);
	rig_await(label, NULL, NULL);
}

/* A line of doctor's begins so. */
static void assert_finding(const char *said, const char *finding,
			   const char *subject, const char *text)
{
	assert_says(said, scrap("%-8s %-10s %s", finding, subject, text));
}

static void assert_no_problem(const char *said)
{
	assert_silent_on(said, "problem");
}

static void an_agent_that_works_is_fine_in_each_point(void **state)
{
	struct place p = rig_place4();
	const char *said, *to;

	(void)state;
	rig_start(NULL);
	to = install_web(&p);
	said = LOWPORT("doctor", "web");
	assert_no_problem(said);
	assert_says(said, "agent web\n");
	assert_finding(said, "ok", "plist", user_plist("web"));
	assert_finding(said, "ok", "program", user_copy("web"));
	assert_finding(said, "ok", "log", user_log("web"));
	assert_finding(said, "ok", "loaded", rig_target("lowport.web"));
	assert_finding(said, "ok", "watcher", rig_target("lowport.web.watch"));
	assert_finding(said, "ok", "process", "running, pid ");
	assert_finding(said, "ok", "socket", scrap("%s listens", p.where));
	assert_finding(said, "ok", "backend", scrap("%s answers", to));
	assert_finding(said, "ok", "limits", "");
}

static void a_program_that_cannot_be_started_is_named(void **state)
{
	struct place p = rig_place4();
	const char *said;

	(void)state;
	rig_start(NULL);
	LOWPORT("install", "--listen", p.where, "--exec", "/no/such/app {port}",
		"--label", "web");
	said = LOWPORT_ENDS(1, "doctor", "web");
	assert_finding(said, "problem", "exec",
		       "/no/such/app: No such file or directory");
	LOWPORT("install", "--listen", p.where, "--exec", "./app {port}",
		"--label", "web");
	said = LOWPORT("doctor", "web");
	assert_finding(said, "unknown", "exec", "./app begins where");
}

static void what_is_not_installed_is_said_with_what_is(void **state)
{
	struct place p = rig_place4();
	const char *said;

	(void)state;
	rig_start(NULL);
	said = LOWPORT_ENDS(1, "uninstall", "wbe");
	assert_says(said, "none is installed");
	install_web(&p);
	said = LOWPORT_ENDS(1, "uninstall", "wbe");
	assert_says(said, "there is no agent \"wbe\"");
	assert_says(said, "installed are: web\n");
	said = LOWPORT_ENDS(1, "doctor", "wbe");
	assert_finding(said, "unknown", "label", "installed are: web");
	assert_says(said, "mend: lowport install --label wbe --listen");
}

static void an_agent_that_waits_for_its_first_client_is_fine(void **state)
{
	struct place p = rig_place4();
	const char *said;

	(void)state;
	rig_start(NULL);
	install_web(&p);
	unload("lowport.web");
	assert_int_equal(LAUNCHCTL(NULL, "bootstrap", rig_domain(),
				   user_plist("web")),
			 0);
	said = LOWPORT("doctor", "web");
	assert_finding(said, "ok", "process",
		       "not running; it starts at the first connection");
	assert_finding(said, "ok", "socket", scrap("%s listens", p.where));
}

static void an_agent_that_is_not_loaded_is_a_problem(void **state)
{
	struct place p = rig_place4();
	const char *said;

	(void)state;
	rig_start(NULL);
	install_web(&p);
	unload("lowport.web.watch");
	unload("lowport.web");
	said = LOWPORT_ENDS(1, "doctor", "web");
	assert_finding(said, "problem", "loaded", "launchd does not know");
	assert_says(said, "mend: lowport install --reload web");
	assert_finding(said, "problem", "watcher", "");
	assert_finding(said, "problem", "socket",
		       scrap("nobody listens on %s", p.where));
	/* And that does mend it. */
	LOWPORT("install", "--reload", "web");
	assert_no_problem(LOWPORT("doctor", "web"));
}

static void a_plist_that_is_missing_or_open_to_all_is_a_problem(void **state)
{
	struct place p = rig_place4();
	const char *said;

	(void)state;
	rig_start(NULL);
	said = LOWPORT_ENDS(1, "doctor", "web");
	assert_finding(said, "problem", "plist",
		       scrap("%s: No such file", user_plist("web")));
	install_web(&p);
	assert_int_equal(chmod(user_plist("web"), 0666), 0);
	said = LOWPORT_ENDS(1, "doctor", "web");
	assert_says(said, "may be written by others: launchd will refuse it");
	assert_int_equal(chmod(user_plist("web"), 0644), 0);
	if (geteuid() != 0)
		return;
	assert_int_equal(chown(user_plist("web"), 12345, (gid_t)-1), 0);
	said = LOWPORT_ENDS(1, "doctor", "web");
	assert_says(said, "belongs to another user: launchd will refuse it");
}

static void a_plist_that_is_broken_is_a_problem(void **state)
{
	(void)state;
	rig_start(NULL);
	assert_int_equal(mkdir(rig_file("Library"), 0755), 0);
	assert_int_equal(mkdir(rig_file("Library/LaunchAgents"), 0755), 0);
	rig_write_file("Library/LaunchAgents/lowport.bad.plist", "<plist>");
	assert_says(LOWPORT_ENDS(1, "doctor", "bad"), "not a property list");
}

static void a_program_that_is_gone_is_a_problem(void **state)
{
	struct place p = rig_place4();

	(void)state;
	rig_start(NULL);
	install_web(&p);
	assert_int_equal(unlink(user_copy("web")), 0);
	assert_finding(LOWPORT_ENDS(1, "doctor", "web"), "problem", "program",
		       user_copy("web"));
}

static void an_address_that_is_not_here_is_a_problem(void **state)
{
	const char *said;

	(void)state;
	rig_start(NULL);
	LOWPORT("install", "--listen", "203.0.113.9:80", "--to", "8080",
		"--label", "wg");
	said = LOWPORT_ENDS(1, "doctor", "wg");
	assert_finding(said, "problem", "address",
		       "203.0.113.9:80 is not an address of this machine now");
	assert_says(said, "the watcher then loads the agent anew");
}

static void a_socket_that_launchd_could_not_bind_is_a_problem(void **state)
{
	struct place p = rig_place4();
	const char *said;
	int squatter;

	(void)state;
	rig_start(NULL);
	install_web(&p);
	unload("lowport.web");
	squatter = peer_listen(p.where);
	assert_int_equal(LAUNCHCTL(NULL, "bootstrap", rig_domain(),
				   user_plist("web")),
			 0);
	/* It answers, and yet it is not ours. */
	said = LOWPORT_ENDS(1, "doctor", "web");
	assert_finding(said, "problem", "socket",
		       scrap("%s is held by another program", p.where));
	peer_close(squatter);
	said = LOWPORT_ENDS(1, "doctor", "web");
	assert_finding(said, "problem", "socket",
		       scrap("launchd has not bound %s", p.where));
	LOWPORT("install", "--reload", "web");
	assert_no_problem(LOWPORT("doctor", "web"));
}

static void of_two_sockets_the_one_that_is_anothers_is_told(void **state)
{
	struct place p = rig_place4(), q = rig_place4();
	const char *said;

	(void)state;
	if (!proc_has("ss"))
		rig_skip("ss");
	rig_start(NULL);
	LOWPORT("install", "--listen", p.where, "--listen", q.where, "--to",
		start_greeter(), "--label", "web");
	unload("lowport.web");
	peer_listen(q.where);
	assert_int_equal(LAUNCHCTL(NULL, "bootstrap", rig_domain(),
				   user_plist("web")),
			 0);
	said = LOWPORT_ENDS(1, "doctor", "web");
	assert_finding(said, "ok", "socket", scrap("%s listens", p.where));
	assert_finding(said, "problem", "socket",
		       scrap("%s is held by another program", q.where));
}

static void a_log_that_cannot_be_written_is_a_problem(void **state)
{
	struct place p = rig_place4();
	const char *said;

	(void)state;
	rig_start(NULL);
	install_web(&p);
	/* As launchd finds it at the next start. */
	assert_int_equal(chmod(user_log("web"), 0444), 0);
	assert_int_equal(kill(rig_pid("lowport.web"), SIGTERM), 0);
	rig_await("lowport.web", "state", "not running");
	assert_int_equal(
		LAUNCHCTL(NULL, "kickstart", rig_target("lowport.web")), 0);
	rig_await("lowport.web", "last exit code", "78: EX_CONFIG");
	said = LOWPORT_ENDS(1, "doctor", "web");
	assert_finding(said, "problem", "log",
		       scrap("%s cannot be written", user_log("web")));
	assert_finding(said, "problem", "process",
		       "ended with status 78 the last time");
	assert_says(said, "its log or its program could not be opened");
}

static void an_agent_that_was_killed_is_a_problem(void **state)
{
	struct place p = rig_place4();

	(void)state;
	rig_start(NULL);
	install_web(&p);
	assert_int_equal(kill(rig_pid("lowport.web"), SIGKILL), 0);
	rig_await("lowport.web", "state", "not running");
	assert_finding(LOWPORT_ENDS(1, "doctor", "web"), "problem", "process",
		       "was ended by signal 9 the last time");
}

static void a_backend_that_is_down_is_a_problem(void **state)
{
	const char *down = peer_where(peer_bind("127.0.0.1:0"));
	const char *said;

	(void)state;
	said = LOWPORT_ENDS(1, "doctor", "--listen",
			    scrap("127.0.0.1:%u", peer_free_port()), "--to",
			    down);
	assert_finding(said, "problem", "backend",
		       scrap("%s does not answer: Connection refused", down));
	assert_says(said, "mend: start the app, or mend --to");
	said = LOWPORT_ENDS(1, "doctor", "--to",
			    scrap("localhost:%s", strchr(down, ':') + 1));
	assert_finding(said, "problem", "backend",
		       "no address of localhost answers on port");
	said = LOWPORT_ENDS(1, "doctor", "--to", "unix:/none");
	assert_finding(said, "problem", "backend", "unix:/none does not");
}

/* Dev servers often listen on one of localhost's addresses. */
static void a_backend_on_one_family_only_is_told_but_no_problem(void **state)
{
	struct backend *b = web();
	const char *port = strchr(backend_where(b), ':') + 1, *said;

	(void)state;
	said = LOWPORT("doctor", "--to", scrap("localhost:%s", port));
	assert_finding(said, "ok", "backend",
		       scrap("127.0.0.1:%s answers", port));
	assert_finding(said, "unknown", "backend",
		       scrap("[::1]:%s does not answer", port));
}

static void a_plan_without_faults_is_fine(void **state)
{
	const char *where = scrap("127.0.0.1:%u", peer_free_port());
	struct backend *b = web();
	const char *said;

	(void)state;
	said = LOWPORT("doctor", "--listen", where, "--to", backend_where(b));
	assert_finding(said, "ok", "address", scrap("%s is here", where));
	assert_finding(said, "ok", "port", scrap("%s is free", where));
	assert_finding(said, "ok", "backend",
		       scrap("%s answers", backend_where(b)));
}

static void a_plan_for_a_port_that_is_held_says_by_whom(void **state)
{
	const char *where = scrap("127.0.0.1:%u", peer_free_port());
	struct backend *b = web();
	struct proc *squatter;
	const char *said;

	(void)state;
	squatter = user_starts(ARGV(rig_program(), "run", "--listen", where,
				    "--to", backend_where(b)),
			       "listening on");
	said = LOWPORT_ENDS(1, "doctor", "--listen", where, "--to",
			    backend_where(b));
	assert_finding(said, "problem", "port",
		       scrap("%s is held already", where));
	if (proc_has("ss"))
		assert_says(said, scrap("pid=%d", (int)proc_pid(squatter)));
}

static void a_listener_on_all_addresses_is_told_of(void **state)
{
	unsigned port = peer_free_port();
	const char *said;

	(void)state;
	if (!proc_has("ss"))
		rig_skip("ss");
	peer_listen(scrap("0.0.0.0:%u", port));
	said = LOWPORT_ENDS(1, "doctor", "--listen",
			    scrap("127.0.0.1:%u", port), "--to",
			    backend_where(web()));
	assert_finding(said, "unknown", "collision",
		       scrap("port %u is also held on every address", port));
}

static void a_plan_for_an_address_that_is_not_here_says_so(void **state)
{
	(void)state;
	assert_finding(LOWPORT_ENDS(1, "doctor", "--listen", "203.0.113.9:80",
				    "--to", backend_where(web())),
		       "problem", "address",
		       "203.0.113.9:80 is not an address of this machine now");
}

static void without_a_label_each_agent_is_looked_at_once(void **state)
{
	struct place p = rig_place4();
	const char *said;

	(void)state;
	rig_start(NULL);
	assert_says(LOWPORT("doctor"), "no agent is installed");
	install_web(&p);
	LOWPORT("install", "--listen", "203.0.113.9:80", "--to", "8080",
		"--label", "wg");
	said = LOWPORT_ENDS(1, "doctor");
	assert_says(said, "agent web\n");
	assert_says(said, "agent wg\n");
	assert_silent_on(said, "agent web.watch");
}

static void wrong_words_are_a_usage_error(void **state)
{
	(void)state;
	assert_says(LOWPORT_ENDS(2, "doctor", "a", "b"), "doctor takes");
	assert_says(LOWPORT_ENDS(2, "doctor", "--listen"), "doctor takes");
	assert_says(LOWPORT_ENDS(2, "doctor", "--what", "x"),
		    "--what: doctor takes --listen and --to");
	assert_says(LOWPORT_ENDS(2, "doctor", "--listen", "nothing", "--to",
				 "127.0.0.1"),
		    "\"nothing\" is not ADDR:PORT");
	assert_says(LOWPORT("doctor", "--help"), "usage: lowport doctor");
}

#define TEST(name) cmocka_unit_test_teardown(name, end_test)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(an_agent_that_works_is_fine_in_each_point),
		TEST(a_program_that_cannot_be_started_is_named),
		TEST(what_is_not_installed_is_said_with_what_is),
		TEST(an_agent_that_waits_for_its_first_client_is_fine),
		TEST(an_agent_that_is_not_loaded_is_a_problem),
		TEST(a_plist_that_is_missing_or_open_to_all_is_a_problem),
		TEST(a_plist_that_is_broken_is_a_problem),
		TEST(a_program_that_is_gone_is_a_problem),
		TEST(an_address_that_is_not_here_is_a_problem),
		TEST(a_socket_that_launchd_could_not_bind_is_a_problem),
		TEST(of_two_sockets_the_one_that_is_anothers_is_told),
		TEST(a_log_that_cannot_be_written_is_a_problem),
		TEST(an_agent_that_was_killed_is_a_problem),
		TEST(a_backend_that_is_down_is_a_problem),
		TEST(a_backend_on_one_family_only_is_told_but_no_problem),
		TEST(a_plan_without_faults_is_fine),
		TEST(a_plan_for_a_port_that_is_held_says_by_whom),
		TEST(a_listener_on_all_addresses_is_told_of),
		TEST(a_plan_for_an_address_that_is_not_here_says_so),
		TEST(without_a_label_each_agent_is_looked_at_once),
		TEST(wrong_words_are_a_usage_error),
	};

	return cmocka_run_group_tests(tests, rig_set_up, rig_tear_down);
}
