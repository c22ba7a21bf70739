#include "config/args.h"

#include "support/unit.h"

#include <stdio.h>

/* --take: where sockets come from that listeners take by their address. */

static struct config config;
static char told[1200];
static size_t mistakes;

static void note(const char *text)
{
	mistakes++;
	snprintf(told, sizeof(told), "%s", text);
}

static size_t read_args(int argc, const char *const argv[])
{
	char words[16][64], *at[16];

	assert_in_range(argc, 1, 15);
	for (int i = 0; i < argc; i++) {
		snprintf(words[i], sizeof(words[i]), "%s", argv[i]);
		at[i] = words[i];
	}
	mistakes = 0;
	config_free(&config);
	config_init(&config);
	return args_read(&config, argc, at, note);
}

#define RELAY "--listen", "127.0.0.1:80", "--to", "8080"
#define READ(...)                                                   \
	read_args((int)COUNT(((const char *const[]){__VA_ARGS__})), \
		  (const char *const[]){__VA_ARGS__})

static int free_config(void **state)
{
	(void)state;
	config_free(&config);
	return 0;
}

static void whoever_hands_over_can_be_taken_from(void **state)
{
	(void)state;
	assert_int_equal(READ(RELAY, "--take", "launchd:a", "--take",
			      "launchd:b", "--take=fd:3", "--take",
			      "systemd:web"),
			 0);
	assert_int_equal(config.takes.count, 4);
	assert_string_equal(config.takes.at[1].request.name, "b");
	assert_int_equal(config.takes.at[2].request.fd, 3);
	assert_string_equal(config.takes.at[3].source->prefix, "systemd");
	assert_int_equal(READ(RELAY, "--take", "systemd"), 0);
	assert_null(config.takes.at[0].request.name);
}

static void others_cannot(void **state)
{
	static const char *const bad[][2] = {
		{"127.0.0.1:80", "is nobody who hands sockets over (try"},
		{"if:wg0:80", "is nobody who hands"},
		{"unix:/run/x", "is nobody who hands"},
		{"systemd:web@127.0.0.1:80", "leave the @... away"},
		{"fd:3@if:wg0", "leave the @... away"},
		{"fd:x", "fd: wants the number of a descriptor"},
		{"launchd", "launchd: wants a name"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(READ(RELAY, "--take", bad[i][0]), 1);
		assert_says(told, "--take: \"");
		assert_says(told, bad[i][1]);
	}
}

static void each_socket_is_asked_for_once(void **state)
{
	(void)state;
	assert_int_equal(
		READ(RELAY, "--take", "systemd", "--take", "systemd:web"), 1);
	assert_says(told, "asks for what \"systemd\" has already taken");
	assert_int_equal(READ("--listen", "systemd:web", "--to", "80", "--take",
			      "systemd"),
			 1);
	assert_says(told, "the listener \"systemd:web\" asks for its sockets");
	assert_int_equal(READ("--listen", "systemd:web", "--to", "80", "--take",
			      "systemd:api"),
			 0);
}

static void what_is_taken_may_let_lowport_end(void **state)
{
	(void)state;
	assert_int_equal(READ(RELAY, "--exit-on-idle", "1m"), 1);
	assert_int_equal(READ(RELAY, "--exit-on-idle", "1m", "--take", "fd:3"),
			 0);
}

#define TEST(name) cmocka_unit_test_teardown(name, free_config)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(whoever_hands_over_can_be_taken_from),
		TEST(others_cannot),
		TEST(each_socket_is_asked_for_once),
		TEST(what_is_taken_may_let_lowport_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
