#include "service/agent_launchd.h"

#include "support/unit.h"

#include <errno.h>
#include <stdlib.h>

static struct agent agent, watcher;
static struct fault why;

static int set_up(void **state)
{
	(void)state;
	return setenv("HOME", "/Users/ann", 1);
}

static int tear_down(void **state)
{
	(void)state;
	agent_free(&agent);
	agent_free(&watcher);
	return 0;
}

static void its_files_are_named_after_its_label(void **state)
{
	(void)state;
	assert_int_equal(agent_init_launchd(&agent, "wg-web", &why), 0);
	assert_string_equal(agent.name, "wg-web");
	assert_string_equal(agent.label, "lowport.wg-web");
	assert_string_equal(
		agent.file,
		"/Users/ann/Library/LaunchAgents/lowport.wg-web.plist");
	assert_string_equal(agent.log,
			    "/Users/ann/Library/Logs/lowport.wg-web.log");
	assert_string_equal(agent.program,
			    "/Users/ann/Library/Application Support/lowport/"
			    "lowport.wg-web/lowport");
	assert_int_equal(agent.socket_count, 0);
	assert_int_equal(agent.argument_count, 0);
	assert_false(agent.keep_alive);
}

static void names_that_are_fine(void **state)
{
	static const char *const good[] = {
		"a",
		"127.0.0.1-80",
		"wg_web.2",
		"watch",
		"-x",
		/* 64 */
		("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abc"
		 "d"
		 "ef"),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_int_equal(agent_init_launchd(&agent, good[i], &why), 0);
}

static void names_that_are_not_are_named(void **state)
{
	static const char *const bad[] = {
		"",
		".a",
		"a/b",
		"a b",
		"../a",
		"\xc3\xa4",
		"a\n",
		"web.watch",
		/* 65 */
		("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abc"
		 "d"
		 "efg"),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(agent_init_launchd(&agent, bad[i], &why),
				 -EINVAL);
		assert_says(why.text, bad[i]);
	}
}

static void a_home_is_needed_and_has_to_fit(void **state)
{
	char home[AGENT_PATH];

	(void)state;
	assert_int_equal(unsetenv("HOME"), 0);
	assert_int_equal(agent_init_launchd(&agent, "a", &why), -EINVAL);
	assert_int_equal(setenv("HOME", "home", 1), 0);
	assert_int_equal(agent_init_launchd(&agent, "a", &why), -EINVAL);
	assert_says(why.text, "HOME");
	memset(home, 'x', sizeof(home));
	home[0] = '/';
	home[sizeof(home) - 1] = '\0';
	assert_int_equal(setenv("HOME", home, 1), 0);
	assert_int_equal(agent_init_launchd(&agent, "a", &why), -EINVAL);
	assert_says(why.text, "HOME is too long");
}

static void sockets_are_numbered_and_the_last_one_fits(void **state)
{
	struct addr at;

	(void)state;
	assert_int_equal(agent_init_launchd(&agent, "a", &why), 0);
	assert_int_equal(addr_parse(&at, "10.8.0.2:80"), 0);
	for (int i = 0; i < AGENT_SOCKETS_MAX; i++)
		assert_int_equal(agent_add_socket(&agent, &at, &why), 0);
	assert_string_equal(agent.sockets[0].name, "listener1");
	assert_string_equal(agent.sockets[AGENT_SOCKETS_MAX - 1].name,
			    "listener64");
	assert_int_equal(agent_add_socket(&agent, &at, &why), -ENOSPC);
	assert_says(why.text, "more than 64 addresses");
}

static void arguments_are_copied_and_the_last_one_fits(void **state)
{
	char text[] = "run";

	(void)state;
	assert_int_equal(agent_init_launchd(&agent, "a", &why), 0);
	for (int i = 0; i < AGENT_ARGUMENTS_MAX; i++)
		assert_int_equal(agent_add_argument(&agent, text, &why), 0);
	text[0] = 'x';
	assert_string_equal(agent.arguments[0], "run");
	assert_int_equal(agent_add_argument(&agent, text, &why), -ENOSPC);
	assert_says(why.text, "more than 192 arguments");
}

static bool needs_watcher(const char *first, const char *second)
{
	struct addr at;

	assert_int_equal(agent_init_launchd(&agent, "a", &why), 0);
	assert_int_equal(addr_parse(&at, first), 0);
	assert_int_equal(agent_add_socket(&agent, &at, &why), 0);
	assert_int_equal(addr_parse(&at, second), 0);
	assert_int_equal(agent_add_socket(&agent, &at, &why), 0);
	return agent_needs_watcher(&agent);
}

static void a_watcher_is_for_what_comes_and_goes(void **state)
{
	(void)state;
	assert_false(needs_watcher("127.0.0.1:80", "[::1]:80"));
	assert_false(needs_watcher("0.0.0.0:80", "[::]:80"));
	assert_true(needs_watcher("127.0.0.1:80", "10.8.0.2:80"));
	/* A Mac has it only where somebody added it. */
	assert_true(needs_watcher("127.0.0.2:80", "127.0.0.1:80"));
	assert_true(needs_watcher("127.0.0.1:80", "[fd00::2]:80"));
}

static void a_watcher_is_its_agent_without_sockets_and_always_up(void **state)
{
	struct addr at;

	(void)state;
	assert_int_equal(agent_init_launchd(&agent, "wg", &why), 0);
	assert_int_equal(addr_parse(&at, "10.8.0.2:80"), 0);
	assert_int_equal(agent_add_socket(&agent, &at, &why), 0);
	assert_int_equal(agent_add_argument(&agent, "run", &why), 0);
	assert_int_equal(agent_watcher(&watcher, &agent), 0);
	assert_string_equal(watcher.label, "lowport.wg.watch");
	assert_string_equal(
		watcher.file,
		"/Users/ann/Library/LaunchAgents/lowport.wg.watch.plist");
	assert_string_equal(watcher.program, agent.program);
	assert_string_equal(watcher.log, agent.log);
	assert_int_equal(watcher.socket_count, 0);
	assert_int_equal(watcher.argument_count, 2);
	assert_string_equal(watcher.arguments[0], "watch");
	assert_string_equal(watcher.arguments[1], "wg");
	assert_true(watcher.keep_alive);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(its_files_are_named_after_its_label),
		TEST(names_that_are_fine),
		TEST(names_that_are_not_are_named),
		TEST(a_home_is_needed_and_has_to_fit),
		TEST(sockets_are_numbered_and_the_last_one_fits),
		TEST(arguments_are_copied_and_the_last_one_fits),
		TEST(a_watcher_is_for_what_comes_and_goes),
		TEST(a_watcher_is_its_agent_without_sockets_and_always_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
