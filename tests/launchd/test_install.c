#include "launchd/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* lowport with these words as the jobs' user, who is at home in rig_file(""),
 * and it has to end well. Returns all that it says. */
#define LOWPORT(...) lowport(ARGV(rig_program(), __VA_ARGS__))

static const char *lowport(const char *const argv[])
{
	const struct proc_options opt = {.drop = geteuid() == 0};
	struct proc *p;

	unsetenv("SUDO_USER");
	setenv("HOME", rig_file(""), 1);
	p = proc_start(argv, &opt);
	proc_end(p, 0);
	return scrap("%s%s", proc_out(p), proc_err(p));
}

static void an_ordinary_user_installs_and_uninstalls_a_port(void **state)
{
	struct place p = rig_place4();
	struct backend *b = backend_start("127.0.0.1:0", "web");

	(void)state;
	rig_start(NULL);
	LOWPORT("install", "--listen", p.where, "--to", backend_where(b),
		"--label", "web");
	assert_served(p.where, b);
	LOWPORT("uninstall", "web");
	assert_int_equal(peer_try_dial(p.where), -1);
	assert_in_range(peer_try_listen(p.where), 0, INT32_MAX);
}

static void a_reload_mends_a_socket_that_could_not_be_bound(void **state)
{
	struct place p = rig_place4();
	struct backend *b = backend_start("127.0.0.1:0", "web");
	struct proc *launchd = rig_start(NULL);
	int squatter;

	(void)state;
	LOWPORT("install", "--listen", p.where, "--to", backend_where(b),
		"--label", "web");
	assert_int_equal(LAUNCHCTL(NULL, "bootout", rig_target("lowport.web")),
			 0);
	rig_await("lowport.web", NULL, NULL);
	squatter = peer_listen(p.where);
	assert_int_equal(
		LAUNCHCTL(NULL, "bootstrap", rig_domain(),
			  rig_file("Library/LaunchAgents/lowport.web.plist")),
		0);
	proc_line(launchd, "bind(): Address already in use", 0);
	peer_close(squatter);
	LOWPORT("install", "--reload", "web");
	assert_served(p.where, b);
}

#define TEST(name) cmocka_unit_test_teardown(name, rig_end_test)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(an_ordinary_user_installs_and_uninstalls_a_port),
		TEST(a_reload_mends_a_socket_that_could_not_be_bound),
	};

	return cmocka_run_group_tests(tests, rig_set_up, rig_tear_down);
}
