#include "launchd/user.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* What happens to an agent that is installed: loaded anew, broken, taken out;
 * and each error of launchctl's on the way. */

static struct backend *web(void)
{
	return backend_start("127.0.0.1:0", "web");
}

static struct backend *install_web(const struct place *p)
{
	struct backend *b = web();

	LOWPORT("install", "--listen", p->where, "--to", backend_where(b),
		"--label", "web");
	return b;
}

static void unload(const char *label)
{
	assert_int_equal(LAUNCHCTL(NULL, "bootout", rig_target(label)), 0);
	rig_await(label, NULL, NULL);
}

static void load_web(void)
{
	assert_int_equal(LAUNCHCTL(NULL, "bootstrap", rig_domain(),
				   user_plist("web")),
			 0);
}

static void a_reload_mends_a_socket_that_could_not_be_bound(void **state)
{
	struct place p = rig_place4();
	struct proc *launchd = rig_start(NULL);
	struct backend *b = install_web(&p);
	int squatter;

	(void)state;
	unload("lowport.web");
	squatter = peer_listen(p.where);
	load_web();
	proc_line(launchd, "bind(): Address already in use", 0);
	peer_close(squatter);
	LOWPORT("install", "--reload", "web");
	assert_served(p.where, b);
}

static void a_reload_says_who_has_a_port_and_serves_the_rest(void **state)
{
	struct place p = rig_place4(), q = rig_place4();
	struct backend *b = web();
	const char *said;

	(void)state;
	rig_start(NULL);
	LOWPORT("install", "--listen", p.where, "--listen", q.where, "--to",
		backend_where(b), "--label", "web");
	unload("lowport.web");
	peer_listen(p.where);
	said = LOWPORT_ENDS(1, "install", "--reload", "web");
	assert_says(said, scrap("%s: something answers there", p.where));
	assert_served(q.where, b);
	assert_says(rig_read(user_log("web")), "is not bound");
}

static ino_t inode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

static void a_reload_after_an_upgrade_replaces_what_runs(void **state)
{
	struct place p = rig_place4();
	struct backend *b;
	pid_t watcher;
	ino_t before;
	int old;

	(void)state;
	rig_start(NULL);
	b = install_web(&p);
	/* Held open, so that its number is not given away again. */
	old = open(user_copy("web"), O_RDONLY | O_CLOEXEC);
	before = inode_of(user_copy("web"));
	watcher = rig_pid("lowport.web.watch");
	LOWPORT("install", "--reload", "web");
	assert_int_not_equal(inode_of(user_copy("web")), before);
	assert_served(p.where, b);
	assert_int_not_equal(rig_pid("lowport.web.watch"), watcher);
	close(old);
}

static void a_reload_by_the_agents_own_copy_leaves_it_alone(void **state)
{
	struct place p = rig_place4();
	struct backend *b;
	pid_t watcher;
	ino_t before;

	(void)state;
	rig_start(NULL);
	b = install_web(&p);
	before = inode_of(user_copy("web"));
	watcher = rig_pid("lowport.web.watch");
	user_hears(0, ARGV(user_copy("web"), "install", "--reload", "web"));
	assert_int_equal(inode_of(user_copy("web")), before);
	assert_int_equal(rig_pid("lowport.web.watch"), watcher);
	assert_served(p.where, b);
}

static void a_reload_lets_clients_finish(void **state)
{
	struct place p = rig_place4();
	struct proc *reload;
	struct backend *b;
	int client;

	(void)state;
	rig_start(NULL);
	b = install_web(&p);
	client = peer_dial(p.where);
	peer_send(client, "hello", 5);
	backend_await_bytes(b, 5);
	reload = user_starts(ARGV("/bin/sh", "-c",
				  "echo going >&2; exec \"$@\"", "sh",
				  rig_program(), "install", "--reload", "web"),
			     "going");
	rig_await("lowport.web", "state", "SIGTERMed");
	peer_end(client);
	assert_string_equal(peer_hear(client), backend_answer(b, "hello", 5));
	proc_end(reload, 0);
	assert_served(p.where, b);
}

static void a_label_that_is_not_installed_is_said(void **state)
{
	const char *text = "there is no agent \"none\"";

	(void)state;
	rig_start(NULL);
	assert_says(LOWPORT_ENDS(1, "install", "--reload", "none"), text);
	assert_says(LOWPORT_ENDS(1, "uninstall", "none"), text);
	assert_says(LOWPORT_ENDS(1, "uninstall", "a/b"),
		    "\"a/b\" cannot be a label");
}

static void a_plist_that_is_broken_is_said(void **state)
{
	const char *many = "";

	(void)state;
	rig_start(NULL);
	assert_int_equal(mkdir(rig_file("Library"), 0755), 0);
	assert_int_equal(mkdir(rig_file("Library/LaunchAgents"), 0755), 0);
	rig_write_file("Library/LaunchAgents/lowport.bad.plist", "<plist>");
	assert_says(LOWPORT_ENDS(1, "uninstall", "bad"), "not a property list");
	for (int i = 0; i < 200; i++)
		many = scrap("%s<string>x</string>", many);
	rig_write_file("Library/LaunchAgents/lowport.bad.plist",
		       scrap("<plist version=\"1.0\"><dict><key>Program"
			     "Arguments</key><array>%s</array></dict></plist>",
			     many));
	assert_says(LOWPORT_ENDS(1, "install", "--reload", "bad"),
		    "do not fit");
}

static void uninstall_works_on_what_is_not_loaded(void **state)
{
	struct place p = rig_place4();

	(void)state;
	rig_start(NULL);
	install_web(&p);
	unload("lowport.web.watch");
	unload("lowport.web");
	assert_says(LOWPORT("uninstall", "web"), scrap("%s is free", p.where));
	assert_false(user_has(user_plist("web")));
	assert_false(user_has(user_plist("web.watch")));
}

static void uninstall_says_who_has_the_port_now(void **state)
{
	struct place p = rig_place4();
	const char *said;

	(void)state;
	rig_start(NULL);
	install_web(&p);
	unload("lowport.web");
	peer_listen(p.where);
	said = LOWPORT("uninstall", "web");
	assert_says(said,
		    scrap("%s is still held, but not by this agent", p.where));
	if (proc_has("ss"))
		assert_says(said, scrap(" %s ", p.where));
}

/* launchctl's numbers */

static void install_once(const struct rig_options *opt, const char *log)
{
	struct proc *launchd = rig_start(opt);
	struct place p = rig_place4();

	assert_served(p.where, install_web(&p));
	if (log)
		proc_line(launchd, log, 0);
	LOWPORT("uninstall", "web");
}

static void a_5_that_passes_is_waited_out(void **state)
{
	const struct rig_options opt = {.quirks = "first-5"};

	(void)state;
	install_once(&opt, "refused");
}

static void a_37_that_passes_is_waited_out(void **state)
{
	const struct rig_options opt = {.quirks = "first-37"};

	(void)state;
	install_once(&opt, "refused");
}

static void a_bootout_that_says_36_is_waited_for(void **state)
{
	const struct rig_options opt = {.quirks = "bootout-36 draining-5"};

	(void)state;
	install_once(&opt, NULL);
}

static void a_label_that_was_switched_off_is_switched_on(void **state)
{
	struct place p = rig_place4();

	(void)state;
	rig_start(NULL);
	LAUNCHCTL(NULL, "disable", rig_target("lowport.web"));
	assert_served(p.where, install_web(&p));
}

static void without_a_screen_the_user_domain_takes_it(void **state)
{
	const struct rig_options opt = {.domains = "user"};
	const char *target = scrap("user/%u/lowport.web", (unsigned)rig_user());
	struct place p = rig_place4();

	(void)state;
	rig_start(&opt);
	assert_served(p.where, install_web(&p));
	assert_int_equal(LAUNCHCTL(NULL, "print", target), 0);
	LOWPORT("uninstall", "web");
	assert_int_equal(LAUNCHCTL(NULL, "print", target), 113);
}

static void without_any_domain_the_reason_is_said(void **state)
{
	const struct rig_options opt = {.domains = "system"};
	const char *said;

	(void)state;
	rig_start(&opt);
	said = LOWPORT_ENDS(1, "install", "--listen", "127.0.0.1:1", "--to",
			    "3000");
	assert_says(said, "125: Domain does not support specified action");
	assert_says(said, "nobody is logged in at the screen");
}

/* Listeners that are not what they should be */

static void one_bad_socket_leaves_the_others_of_its_agent(void **state)
{
	struct place p = rig_place4(),
		     q = {"203.0.113.9", "80", "203.0.113.9:80", false};
	struct backend *b = web();
	const char *log;

	(void)state;
	rig_start(NULL);
	RELAY("two",
	      scrap("%s%s", rig_key("gone", rig_dict(&q)),
		    rig_key("here", rig_dict(&p))),
	      "--listen", scrap("launchd:gone@%s", q.where), "--listen",
	      scrap("launchd:here@%s", p.where), "--to", backend_where(b));
	assert_served(p.where, b);
	log = rig_read(rig_log("two"));
	assert_says(log,
		    "launchd:gone@203.0.113.9:80: the socket from launchd");
	assert_says(log, "is not bound");
	assert_says(log, scrap("listening on %s", p.where));
}

static void an_agent_with_no_good_socket_ends(void **state)
{
	struct place q = {"203.0.113.9", "80", "203.0.113.9:80", false};

	(void)state;
	rig_start(NULL);
	RELAY("none", rig_key("gone", rig_dict(&q)), "--listen",
	      scrap("launchd:gone@%s", q.where), "--to", "3000");
	assert_int_equal(LAUNCHCTL(NULL, "kickstart", rig_target("none")), 0);
	rig_await("none", "last exit code", "1");
	assert_says(rig_read(rig_log("none")), "is not bound");
}

static void listeners_that_die_are_said_once_and_made_anew(void **state)
{
	struct place p = rig_place4(), q = rig_place4();
	struct backend *b = web();
	const char *log = user_log("web");
	pid_t first;

	(void)state;
	rig_start(NULL);
	LOWPORT("install", "--listen", p.where, "--listen", q.where, "--to",
		backend_where(b), "--label", "web", "--listener-check",
		"200ms");
	first = rig_pid("lowport.web");
	assert_int_equal(LAUNCHCTL(NULL, "standin-shutdown",
				   rig_target("lowport.web")),
			 0);
	rig_await_count(log, scrap("listening on %s", q.where), 2);
	assert_served(p.where, b);
	assert_served(q.where, b);
	assert_int_not_equal(rig_pid("lowport.web"), first);
	assert_int_equal(rig_count(log, "loading the agent anew"), 1);
	assert_int_equal(rig_count(log, scrap("listener %s has died", p.where)),
			 1);
	assert_int_equal(rig_count(log, scrap("listener %s has died", q.where)),
			 1);
}

#define TEST(name) cmocka_unit_test_teardown(name, rig_end_test)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_reload_mends_a_socket_that_could_not_be_bound),
		TEST(a_reload_says_who_has_a_port_and_serves_the_rest),
		TEST(a_reload_after_an_upgrade_replaces_what_runs),
		TEST(a_reload_by_the_agents_own_copy_leaves_it_alone),
		TEST(a_reload_lets_clients_finish),
		TEST(a_label_that_is_not_installed_is_said),
		TEST(a_plist_that_is_broken_is_said),
		TEST(uninstall_works_on_what_is_not_loaded),
		TEST(uninstall_says_who_has_the_port_now),
		TEST(a_5_that_passes_is_waited_out),
		TEST(a_37_that_passes_is_waited_out),
		TEST(a_bootout_that_says_36_is_waited_for),
		TEST(a_label_that_was_switched_off_is_switched_on),
		TEST(without_a_screen_the_user_domain_takes_it),
		TEST(without_any_domain_the_reason_is_said),
		TEST(one_bad_socket_leaves_the_others_of_its_agent),
		TEST(an_agent_with_no_good_socket_ends),
		TEST(listeners_that_die_are_said_once_and_made_anew),
	};

	return cmocka_run_group_tests(tests, rig_set_up, rig_tear_down);
}
