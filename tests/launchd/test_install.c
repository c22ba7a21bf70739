#include "launchd/user.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* `lowport install` under the stand-in: what is there afterwards, and what is
 * not. Each address that it looks at takes it a second. */

static struct backend *web(void)
{
	return backend_start("127.0.0.1:0", "web");
}

/* A port for 127.0.0.1 itself, privileged as root. */
static unsigned loopback_port(void)
{
	return geteuid() == 0 ? peer_free_low_port() : peer_free_port();
}

static void an_ordinary_user_installs_and_uninstalls_a_port(void **state)
{
	struct place p = rig_place4();
	struct backend *b = web();
	struct stat st;
	const char *said;

	(void)state;
	rig_start(NULL);
	said = LOWPORT("install", "--listen", p.where, "--to", backend_where(b),
		       "--label", "web");
	assert_says(said, scrap("%s answers\n", p.where));
	assert_says(said, scrap("log:    %s\n", user_log("web")));
	assert_says(said, "remove: lowport uninstall web\n");
	assert_served(p.where, b);
	assert_says(rig_read(user_log("web")), "listening on");
	assert_int_equal(stat(user_plist("web"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(st.st_uid, rig_user());
	assert_true(user_has(user_copy("web")));

	said = LOWPORT("uninstall", "web");
	assert_says(said, scrap("removed %s\n", user_plist("web")));
	assert_says(said, scrap("%s is free\n", p.where));
	assert_int_equal(peer_try_dial(p.where), -1);
	assert_in_range(peer_try_listen(p.where), 0, INT32_MAX);
	assert_false(user_has(user_plist("web")));
	assert_false(user_has(user_copy("web")));
	assert_false(user_loaded("lowport.web"));
}

static void the_watcher_goes_before_its_agent_and_leaves_nothing(void **state)
{
	struct place p = rig_place4();
	struct proc *launchd = rig_start(NULL);
	const char *log, *watcher, *agent;

	(void)state;
	LOWPORT("install", "--listen", p.where, "--to", backend_where(web()),
		"--label", "web");
	assert_true(user_has(user_plist("web.watch")));
	rig_await("lowport.web.watch", "state", "running");
	LOWPORT("uninstall", "web");
	log = proc_err(launchd);
	watcher = strstr(log, "lowport.web.watch: SIGTERM");
	agent = strstr(log, "lowport.web: SIGTERM");
	assert_non_null(watcher);
	assert_non_null(agent);
	assert_true(watcher < agent);
	assert_false(user_has(user_plist("web.watch")));
	assert_false(user_loaded("lowport.web.watch"));
}

static void loopback_has_no_watcher_and_a_label_of_its_own(void **state)
{
	const char *where = scrap("127.0.0.1:%u", loopback_port());
	const char *name = scrap("127.0.0.1-%s", strchr(where, ':') + 1);
	struct backend *b = web();
	const char *said;

	(void)state;
	rig_start(NULL);
	said = LOWPORT("install", "--listen", where, "--to", backend_where(b));
	assert_says(said, scrap("lowport uninstall %s\n", name));
	assert_served(where, b);
	assert_true(user_loaded(scrap("lowport.%s", name)));
	assert_false(user_has(user_plist(scrap("%s.watch", name))));
}

static void ipv6_is_installed_like_ipv4(void **state)
{
	struct place p = rig_place6();
	struct backend *b = web();

	(void)state;
	rig_start(NULL);
	LOWPORT("install", "--listen", p.where, "--to", backend_where(b));
	assert_served(p.where, b);
	assert_true(
		user_loaded(scrap("lowport.1-%s", strrchr(p.where, ':') + 1)));
}

static void localhost_is_a_socket_for_each_of_its_addresses(void **state)
{
	struct backend *b = web();
	struct place p = rig_place6();
	const char *port = p.service, *said;

	(void)state;
	rig_start(NULL);
	said = LOWPORT("install", "--listen", scrap("localhost:%s", port),
		       "--to", backend_where(b));
	assert_says(said, scrap("127.0.0.1:%s answers", port));
	assert_says(said, scrap("[::1]:%s answers", port));
	assert_says(said, scrap("uninstall localhost-%s\n", port));
	assert_served(scrap("127.0.0.1:%s", port), b);
	assert_served(scrap("[::1]:%s", port), b);
}

static void an_interface_is_all_of_its_addresses(void **state)
{
	struct backend *b = web();
	struct place p = rig_place6();
	const char *port = p.service;

	(void)state;
	rig_start(NULL);
	LOWPORT("install", "--listen", scrap("lo:%s", port), "--to",
		backend_where(b), "--label", "lo");
	assert_served(scrap("127.0.0.1:%s", port), b);
	assert_served(scrap("[::1]:%s", port), b);
	assert_int_equal(peer_try_dial(scrap("127.0.0.2:%s", port)), -1);
}

static void a_star_is_all_addresses_of_both_families(void **state)
{
	struct backend *b = web();
	struct place p = rig_place6();
	const char *port = p.service;

	(void)state;
	rig_start(NULL);
	LOWPORT("install", "--listen", scrap("*:%s", port), "--to",
		backend_where(b));
	assert_served(scrap("127.0.0.2:%s", port), b);
	assert_served(scrap("[::1]:%s", port), b);
	assert_true(user_loaded(scrap("lowport.all-%s", port)));
	assert_false(user_has(user_plist(scrap("all-%s.watch", port))));
}

static void groups_and_options_reach_the_agent(void **state)
{
	struct place p = rig_place4(), q = rig_place4(), r = rig_place4();
	struct backend *b = web(), *other = backend_start("127.0.0.1:0", "db");

	(void)state;
	rig_start(NULL);
	LOWPORT("install", scrap("--listen=%s", p.where), "--listen", q.where,
		"--to", backend_where(b), "--listen", r.where, "--to",
		backend_where(other), "--label=two", "--idle-timeout", "1s",
		"--drain-timeout=3s");
	assert_served(p.where, b);
	assert_served(q.where, b);
	assert_served(r.where, other);
	assert_string_equal(rig_print("lowport.two", "exit timeout"), "5");
	/* A client that says nothing is sent away. */
	assert_string_equal(peer_hear(peer_dial(p.where)), "reset");
	rig_await_text(user_log("two"), "why=idle");
}

static void a_port_that_is_taken_is_said_and_nothing_is_done(void **state)
{
	struct place p = rig_place4();
	const char *said;

	(void)state;
	rig_start(NULL);
	peer_listen(p.where);
	said = LOWPORT_ENDS(1, "install", "--listen", p.where, "--to", "8080",
			    "--label", "web");
	assert_says(said, scrap("%s: something answers there", p.where));
	if (proc_has("ss"))
		assert_says(said, scrap(" %s ", p.where));
	assert_false(user_loaded("lowport.web"));
	assert_false(user_loaded("lowport.web.watch"));
	assert_false(user_has(user_plist("web")));
	assert_false(user_has(user_copy("web")));
}

static void a_backend_that_is_down_is_said_and_the_agent_stays(void **state)
{
	struct place p = rig_place4();
	const char *down = peer_where(peer_bind("127.0.0.1:0"));
	const char *said;

	(void)state;
	rig_start(NULL);
	said = LOWPORT("install", "--listen", p.where, "--to", down, "--label",
		       "web");
	assert_says(said, "listens, but the backend does not answer yet");
	assert_true(user_loaded("lowport.web"));
}

static void an_address_that_is_not_here_is_said_and_waited_for(void **state)
{
	const char *said;

	(void)state;
	rig_start(NULL);
	said = LOWPORT("install", "--listen", "203.0.113.9:80", "--to", "8080",
		       "--label", "wg");
	assert_says(said, "203.0.113.9:80 is not an address of this machine");
	assert_true(user_loaded("lowport.wg"));
	rig_await("lowport.wg.watch", "state", "running");
}

static void installing_again_replaces_what_was_there(void **state)
{
	const char *where = scrap("127.0.0.1:%u", loopback_port());
	struct place p = rig_place4();
	struct backend *b = web(), *other = backend_start("127.0.0.1:0", "new");

	(void)state;
	rig_start(NULL);
	LOWPORT("install", "--listen", p.where, "--to", backend_where(b),
		"--label", "web");
	/* The same port: it is ours. */
	LOWPORT("install", "--listen", p.where, "--to", backend_where(other),
		"--label", "web");
	assert_served(p.where, other);
	LOWPORT("install", "--listen", where, "--to", backend_where(b),
		"--label", "web");
	assert_served(where, b);
	assert_int_equal(peer_try_dial(p.where), -1);
	/* This one needs none. */
	assert_false(user_loaded("lowport.web.watch"));
	assert_false(user_has(user_plist("web.watch")));
}

static void a_new_port_that_is_taken_leaves_the_old_agent_there(void **state)
{
	struct place p = rig_place4(), q = rig_place4();
	struct backend *b = web();

	(void)state;
	rig_start(NULL);
	LOWPORT("install", "--listen", p.where, "--to", backend_where(b),
		"--label", "web");
	peer_listen(q.where);
	assert_says(LOWPORT_ENDS(1, "install", "--listen", q.where, "--to",
				 backend_where(b), "--label", "web"),
		    scrap("%s: something answers there", q.where));
	assert_served(p.where, b);
	rig_await("lowport.web.watch", "state", "running");
	LOWPORT("uninstall", "web");
}

#define TEST(name) cmocka_unit_test_teardown(name, rig_end_test)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(an_ordinary_user_installs_and_uninstalls_a_port),
		TEST(the_watcher_goes_before_its_agent_and_leaves_nothing),
		TEST(loopback_has_no_watcher_and_a_label_of_its_own),
		TEST(ipv6_is_installed_like_ipv4),
		TEST(localhost_is_a_socket_for_each_of_its_addresses),
		TEST(an_interface_is_all_of_its_addresses),
		TEST(a_star_is_all_addresses_of_both_families),
		TEST(groups_and_options_reach_the_agent),
		TEST(a_port_that_is_taken_is_said_and_nothing_is_done),
		TEST(a_backend_that_is_down_is_said_and_the_agent_stays),
		TEST(an_address_that_is_not_here_is_said_and_waited_for),
		TEST(installing_again_replaces_what_was_there),
		TEST(a_new_port_that_is_taken_leaves_the_old_agent_there),
	};

	return cmocka_run_group_tests(tests, rig_set_up, rig_tear_down);
}
