#include "launchd/user.h"

#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Addresses that come and go, in a network of this test's own. */

#define TUNNEL     "10.99.0.1"
#define TUNNEL_WEB TUNNEL ":80"
#define TUNNEL6    "fd99::1"

static const char *missing; /* what this test needs and has not */

static void run(const char *const argv[])
{
	proc_end(proc_start(argv, NULL), 0);
}

static void ip_address(const char *verb, const char *address)
{
	if (strchr(address, ':'))
		run(ARGV("ip", "address", verb, scrap("%s/128", address), "dev",
			 "lo", "nodad"));
	else
		run(ARGV("ip", "address", verb, scrap("%s/32", address), "dev",
			 "lo"));
}

static int set_up(void **state)
{
	if (geteuid() != 0)
		missing = "root, for a network of its own";
	else if (!proc_has("ip"))
		missing = "ip (iproute2)";
	else if (unshare(CLONE_NEWNET) < 0)
		missing = "leave to make a network of its own";
	else
		run(ARGV("ip", "link", "set", "lo", "up"));
	return rig_set_up(state);
}

static void need_network(void)
{
	if (missing)
		rig_skip(missing);
}

static struct backend *web(void)
{
	return backend_start("127.0.0.1:0", "web");
}

static struct backend *install_tunnel(const char *where)
{
	struct backend *b = web();

	LOWPORT("install", "--listen", where, "--to", backend_where(b),
		"--label", "wg");
	rig_await("lowport.wg.watch", "state", "running");
	return b;
}

static void await_reloads(unsigned count)
{
	rig_await_count(user_log("wg"), "loading the agent anew", count);
	rig_await_count(user_log("wg"), "listening on", count);
}

static int end_test(void **state)
{
	int err = rig_end_test(state);

	if (missing)
		return err;
	run(ARGV("ip", "address", "flush", "dev", "lo", "scope", "global"));
	proc_stop_all();
	scrap_free();
	return err;
}

static void the_watcher_loads_the_agent_when_its_address_comes(void **state)
{
	struct backend *b;

	(void)state;
	need_network();
	rig_start(NULL);
	b = install_tunnel(TUNNEL_WEB);
	assert_int_equal(peer_try_dial(TUNNEL_WEB), -1);
	ip_address("add", TUNNEL);
	await_reloads(1);
	assert_served(TUNNEL_WEB, b);
	assert_silent_on(LOWPORT("doctor", "wg"), "problem");
}

static void an_ipv6_address_is_waited_for_too(void **state)
{
	const char *where = "[" TUNNEL6 "]:80";
	struct backend *b;

	(void)state;
	need_network();
	rig_start(NULL);
	b = install_tunnel(where);
	ip_address("add", TUNNEL6);
	await_reloads(1);
	assert_served(where, b);
}

static void an_address_that_goes_and_comes_again_answers_again(void **state)
{
	struct backend *b;

	(void)state;
	need_network();
	rig_start(NULL);
	ip_address("add", TUNNEL);
	b = install_tunnel(TUNNEL_WEB);
	assert_served(TUNNEL_WEB, b);
	ip_address("del", TUNNEL);
	rig_await_text(user_log("wg"), TUNNEL_WEB " has gone");
	ip_address("add", TUNNEL);
	rig_await_text(user_log("wg"), TUNNEL_WEB " has come");
	/* The socket outlived it: nobody was sent away for nothing. */
	assert_served(TUNNEL_WEB, b);
	assert_int_equal(rig_count(user_log("wg"), "loading the agent anew"),
			 0);
}

/* At login launchd loads both, and the tunnel may come in between. */
static void an_address_that_came_before_the_watcher_is_noticed(void **state)
{
	struct backend *b;

	(void)state;
	need_network();
	rig_start(NULL);
	b = install_tunnel(TUNNEL_WEB);
	assert_int_equal(
		LAUNCHCTL(NULL, "bootout", rig_target("lowport.wg.watch")), 0);
	rig_await("lowport.wg.watch", NULL, NULL);
	ip_address("add", TUNNEL);
	assert_int_equal(LAUNCHCTL(NULL, "bootstrap", rig_domain(),
				   user_plist("wg.watch")),
			 0);
	await_reloads(1);
	assert_served(TUNNEL_WEB, b);
}

static void the_healthy_address_of_an_agent_is_served_meanwhile(void **state)
{
	struct backend *b = web();

	(void)state;
	need_network();
	rig_start(NULL);
	LOWPORT("install", "--listen", "127.0.0.1:80", "--listen", TUNNEL_WEB,
		"--to", backend_where(b), "--label", "wg");
	assert_served("127.0.0.1:80", b);
	ip_address("add", TUNNEL);
	rig_await_count(user_log("wg"), "listening on " TUNNEL_WEB, 1);
	assert_served(TUNNEL_WEB, b);
	assert_served("127.0.0.1:80", b);
}

/* Some machines are never quiet: containers and tunnels come and go. */
static void addresses_that_never_rest_do_not_hold_the_watcher_up(void **state)
{
	static const char noise[] =
		"echo going >&2; while ip address add 10.99.0.2/32 dev lo && "
		"ip address del 10.99.0.2/32 dev lo; do sleep 0.05; done";
	struct backend *b;
	struct proc *p;

	(void)state;
	need_network();
	rig_start(NULL);
	b = install_tunnel(TUNNEL_WEB);
	p = proc_start(ARGV("sh", "-c", noise), NULL);
	proc_line(p, "going", 0);
	ip_address("add", TUNNEL);
	await_reloads(1);
	assert_true(proc_runs(p));
	assert_served(TUNNEL_WEB, b);
}

static void the_watcher_is_kept_alive(void **state)
{
	struct backend *b;
	pid_t first;

	(void)state;
	need_network();
	rig_start(NULL);
	b = install_tunnel(TUNNEL_WEB);
	first = rig_pid("lowport.wg.watch");
	assert_int_equal(kill(first, SIGKILL), 0);
	rig_await("lowport.wg.watch", "runs", "2");
	ip_address("add", TUNNEL);
	await_reloads(1);
	assert_served(TUNNEL_WEB, b);
}

#define TEST(name) cmocka_unit_test_teardown(name, end_test)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(the_watcher_loads_the_agent_when_its_address_comes),
		TEST(an_ipv6_address_is_waited_for_too),
		TEST(an_address_that_goes_and_comes_again_answers_again),
		TEST(an_address_that_came_before_the_watcher_is_noticed),
		TEST(the_healthy_address_of_an_agent_is_served_meanwhile),
		TEST(addresses_that_never_rest_do_not_hold_the_watcher_up),
		TEST(the_watcher_is_kept_alive),
	};

	return cmocka_run_group_tests(tests, set_up, rig_tear_down);
}
