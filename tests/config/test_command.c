#include "config/command.h"

#include "config/args.h"
#include "support/unit.h"

#include <stdio.h>

static char mistakes[4096];
static struct config config;

static void note(const char *text)
{
	strcat(strcat(mistakes, text), "\n");
}

#define READ(...)   \
	read_words( \
		(char *const[]){"--listen", "127.0.0.1:1", __VA_ARGS__, NULL})

static size_t read_words(char *const argv[])
{
	int argc = 0;

	while (argv[argc])
		argc++;
	mistakes[0] = '\0';
	config_free(&config);
	config_init(&config);
	return args_read(&config, argc, argv, note);
}

#define assert_mistake(says, ...)                       \
	do {                                            \
		assert_int_equal(READ(__VA_ARGS__), 1); \
		assert_says(mistakes, says);            \
	} while (0)

static int free_config(void **state)
{
	(void)state;
	config_free(&config);
	return 0;
}

static const struct config_group *group(size_t i)
{
	assert_true(i < config.group_count);
	return &config.groups[i];
}

static void a_command_belongs_to_its_group(void **state)
{
	(void)state;
	assert_int_equal(READ("--exec", "a 'b c'", "--to", "8080", "--listen",
			      "127.0.0.1:2", "--to", "unix:auto", "--exec",
			      "d {path}", "--listen", "127.0.0.1:3", "--to",
			      "9"),
			 0);
	assert_int_equal(config.group_count, 3);
	assert_string_equal(group(0)->command, "a 'b c'");
	assert_string_equal(group(0)->words[1], "b c");
	assert_null(group(0)->words[2]);
	assert_int_equal(group(0)->choice, BACKEND_GIVEN);
	assert_string_equal(group(1)->words[0], "d");
	assert_int_equal(group(1)->choice, BACKEND_PATH);
	assert_int_equal(group(1)->backends[0].addr.family, AF_UNIX);
	assert_null(group(2)->command);
}

static void without_a_to_it_is_auto(void **state)
{
	(void)state;
	assert_int_equal(READ("--exec", "a"), 0);
	assert_int_equal(group(0)->choice, BACKEND_PORT);
	assert_int_equal(group(0)->backend_count, 2);
	/* The address that it is told comes first. */
	assert_int_equal(group(0)->backends[0].addr.family, AF_INET);
	assert_int_equal(group(0)->backends[1].addr.family, AF_INET6);
	assert_int_equal(config.defaults.stop_idle_ms, 600000);
}

static void what_makes_no_sense_is_said(void **state)
{
	(void)state;
	assert_mistake("--to: \"auto\" wants --exec", "--to", "auto");
	assert_mistake("\"unix:auto\" wants --exec", "--to", "unix:auto");
	assert_mistake("\"auto\": once is enough", "--to", "auto", "--to",
		       "auto", "--exec", "a");
	assert_mistake("\"a\" is one backend, and there are several --to",
		       "--to", "1", "--to", "2", "--exec", "a");
	assert_mistake("several --to", "--to", "1", "--to", "auto", "--exec",
		       "a");
	assert_mistake("--exec: \"b\": \"a\" starts the backend", "--exec", "a",
		       "--exec", "b");
	assert_mistake("has no {port} and no {address} (try {path}", "--exec",
		       "a {address}", "--to", "unix:/a");
	assert_mistake("not a {path} (try {port}, or --to unix:auto)", "--exec",
		       "a {path}");
	assert_mistake("--exec: \"\" names no command", "--exec", "");
	assert_mistake("--exec: at character 3, the ' is never", "--exec",
		       "a 'b");
	assert_mistake("(try --exec 'env PORT=1 a')", "--exec", "PORT=1 a");
	assert_mistake("--exec: wants a value", "--exec");
	assert_mistake("--stop-idle: there is no --exec", "--to", "1",
		       "--stop-idle", "1m");
}

static void a_command_wants_a_listener_before_it(void **state)
{
	char *const argv[] = {"--exec", "a", "--listen", "127.0.0.1:1",
			      "--to",   "1", NULL};

	(void)state;
	assert_int_equal(read_words(argv), 1);
	assert_says(mistakes, "\"a\": no listener stands before it");
}

static void only_sockets_of_others_let_it_exit(void **state)
{
	char *const handed[] = {"--listen",       "systemd:web", "--listen",
				"fd:5",           "--to",        "1",
				"--exit-on-idle", "1m",          NULL};
	char *const none[] = {"--listen",       "unix:/a", "--to", "1",
			      "--exit-on-idle", "0",       NULL};

	(void)state;
	assert_int_equal(read_words(handed), 0);
	assert_int_equal(config.exit_on_idle_ms, 60000);
	assert_int_equal(read_words(none), 0);
	assert_mistake("--exit-on-idle: \"127.0.0.1:1\" is lowport's own "
		       "listener: nobody would take the next connection",
		       "--listen", "systemd", "--to", "1", "--exit-on-idle",
		       "1m");
}

#define TEST(name) cmocka_unit_test_teardown(name, free_config)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_command_belongs_to_its_group),
		TEST(without_a_to_it_is_auto),
		TEST(what_makes_no_sense_is_said),
		TEST(a_command_wants_a_listener_before_it),
		TEST(only_sockets_of_others_let_it_exit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
