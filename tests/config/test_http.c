#include "config/args.h"

#include "support/unit.h"

#include <stdio.h>

static char mistakes[4096];
static struct config config;

static void note(const char *text)
{
	size_t length = strlen(mistakes);

	snprintf(mistakes + length, sizeof(mistakes) - length, "%s\n", text);
}

/* Read a run with these options beside a listener and a backend. */
static size_t read_with(const char *const words[])
{
	const char *argv[32] = {"--listen", "127.0.0.1:80", "--to", "8080"};
	int argc = 4;

	for (size_t i = 0; words[i]; i++)
		argv[argc++] = words[i];
	mistakes[0] = '\0';
	config_free(&config);
	config_init(&config);
	return args_read(&config, argc, (char *const *)argv, note);
}

#define READ(...) read_with((const char *const[]){__VA_ARGS__, NULL})

static int end(void **state)
{
	(void)state;
	config_free(&config);
	return 0;
}

static void without_it_there_is_none(void **state)
{
	(void)state;
	assert_int_equal(read_with((const char *const[]){NULL}), 0);
	assert_null(config.http.at.text);
	assert_int_equal(READ("--http", "off"), 0);
	assert_null(config.http.at.text);
	assert_int_equal(config.http.host_count, 0);
}

static void an_address_of_this_machine_is_taken(void **state)
{
	static const char *const fine[] = {"127.0.0.1:9100", "[::1]:9100",
					   "127.0.0.1:0", "127.1.2.3:80",
					   "unix:/run/lowport/http.sock"};

	(void)state;
	for (size_t i = 0; i < COUNT(fine); i++)
		if (READ("--http", fine[i]) != 0)
			fail_msg("%s: %s", fine[i], mistakes);
	assert_int_equal(config.http.at.request.addr.family, AF_UNIX);
}

static void another_address_has_to_be_meant(void **state)
{
	static const char *const open[] = {"0.0.0.0:9100", "[::]:9100",
					   "192.0.2.1:9100"};

	(void)state;
	for (size_t i = 0; i < COUNT(open); i++) {
		assert_int_equal(READ("--http", open[i]), 1);
		assert_says(mistakes, open[i]);
		assert_says(mistakes, "--http-anywhere on");
		assert_int_equal(
			READ("--http-anywhere", "off", "--http", open[i]), 1);
		/* Whichever comes first. */
		assert_int_equal(
			READ("--http", open[i], "--http-anywhere", "on"), 0);
		assert_int_equal(
			READ("--http-anywhere", "on", "--http", open[i]), 0);
	}
}

static void what_is_no_place_for_it_is_refused(void **state)
{
	static const char *const wrong[] = {"9100",
					    "127.0.0.1",
					    "localhost:9100",
					    "*:9100",
					    "if:wg0:80",
					    "systemd:web",
					    "fd:3",
					    "launchd:web",
					    "unix:x",
					    "only:127.0.0.1:80",
					    "",
					    "::1:9100"};

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		if (READ("--http", wrong[i]) != 1)
			fail_msg("\"%s\": %s", wrong[i], mistakes);
		assert_says(mistakes, "127.0.0.1:9100");
	}
	assert_int_equal(READ("--http", "127.0.0.1:9100", "--http",
			      "127.0.0.1:9101"),
			 1);
}

static void names_are_kept(void **state)
{
	(void)state;
	assert_int_equal(READ("--http", "127.0.0.1:0", "--http-host", "box.lan",
			      "--http-host", "10.0.0.1"),
			 0);
	assert_int_equal(config.http.host_count, 2);
	assert_string_equal(config.http.hosts[0], "box.lan");
	assert_string_equal(config.http.hosts[1], "10.0.0.1");
}

static void what_is_no_name_is_refused(void **state)
{
	static const char *const wrong[] = {"",    "box:80", "http://box",
					    "a b", "*",      "*.example.com"};

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		assert_int_equal(READ("--http", "127.0.0.1:0", "--http-host",
				      wrong[i]),
				 1);
		assert_says(mistakes, "is not a host name");
	}
}

static void without_http_the_rest_is_a_mistake(void **state)
{
	(void)state;
	assert_int_equal(READ("--http-host", "box"), 1);
	assert_says(mistakes, "--http-host: no --http");
	assert_int_equal(READ("--http-anywhere", "on"), 1);
	assert_says(mistakes, "--http-anywhere: no --http");
	assert_int_equal(READ("--http-anywhere", "maybe"), 1);
	assert_says(mistakes, "\"maybe\" is neither on nor off");
}

static void its_socket_file_has_the_mode_that_was_asked_for(void **state)
{
	(void)state;
	assert_int_equal(READ("--http", "unix:/x", "--unix-mode", "0660"), 0);
	assert_int_equal(READ("--http", "127.0.0.1:0", "--unix-mode", "0660"),
			 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_it_there_is_none),
		cmocka_unit_test(an_address_of_this_machine_is_taken),
		cmocka_unit_test(another_address_has_to_be_meant),
		cmocka_unit_test(what_is_no_place_for_it_is_refused),
		cmocka_unit_test(names_are_kept),
		cmocka_unit_test(what_is_no_name_is_refused),
		cmocka_unit_test(without_http_the_rest_is_a_mistake),
		cmocka_unit_test(
			its_socket_file_has_the_mode_that_was_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
