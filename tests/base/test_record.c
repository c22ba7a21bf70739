#include "base/record.h"

#include "support/unit.h"

#include <errno.h>
#include <stdio.h>
#include <sys/un.h>

static void every_reason_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int i = 0; i < CLOSE_REASONS; i++) {
		const char *name = close_reason_name((enum close_reason)i);

		assert_non_null(name);
		assert_null(strchr(name, ' '));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(
				name, close_reason_name((enum close_reason)j));
	}
}

static void the_access_line_says_who_where_how_much_and_why(void **state)
{
	struct record r = {.up = 512,
			   .down = 20480,
			   .duration_ms = 1830,
			   .reason = CLOSE_IDLE};
	char buf[RECORD_TEXT];

	(void)state;
	assert_int_equal(addr_parse(&r.client, "192.0.2.7:50112"), 0);
	assert_int_equal(addr_parse(&r.local, "[::1]:80"), 0);
	assert_int_equal(addr_parse(&r.backend, "127.0.0.1:8080"), 0);
	assert_string_equal(record_print(&r, buf),
			    "closed client=192.0.2.7:50112 local=[::1]:80 "
			    "backend=127.0.0.1:8080 up=512 down=20480 ms=1830 "
			    "why=idle");
	r.relay = "web";
	assert_says(record_print(&r, buf),
		    "closed relay=web client=192.0.2.7:50112 local=");
}

static void what_the_system_said_stands_at_the_end(void **state)
{
	struct record r = {.reason = CLOSE_UNREACHABLE, .error = -ECONNREFUSED};
	char buf[RECORD_TEXT], end[128];

	(void)state;
	record_print(&r, buf);
	snprintf(end, sizeof(end),
		 " backend=- up=0 down=0 ms=0 "
		 "why=unreachable error=\"%s\"",
		 strerror(ECONNREFUSED));
	assert_says(buf, end);
}

static void what_the_system_did_not_say_is_not_said(void **state)
{
	struct record r = {.reason = CLOSE_DONE};

	(void)state;
	assert_null(record_error(&r));
	r.error = -EPIPE;
	assert_string_equal(record_error(&r), strerror(EPIPE));
}

static void the_longest_line_fits(void **state)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct addr longest = {.family = AF_UNIX, .path = path};
	struct record r = {
		.client = longest,
		.local = longest,
		.backend = longest,
		.up = UINT64_MAX,
		.down = UINT64_MAX,
		.duration_ms = UINT64_MAX,
		.reason = CLOSE_CONNECT_TIMEOUT,
		.error = -EADDRNOTAVAIL,
	};
	char buf[RECORD_TEXT];

	(void)state;
	memset(path, 'p', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	record_print(&r, buf);
	assert_true(strlen(buf) < RECORD_TEXT - 1);
	assert_int_equal(buf[strlen(buf) - 1], '"');
}

static void a_loop_is_not_one_of_symbolic_links(void **state)
{
	struct record r = {.backend.family = AF_INET,
			   .reason = CLOSE_UNREACHABLE,
			   .error = -ELOOP};
	char buf[RECORD_TEXT];

	(void)state;
	assert_says(record_print(&r, buf), "leads back to lowport (ELOOP)");
	r.backend = (struct addr){.family = AF_UNIX};
	assert_says(record_print(&r, buf), strerror(ELOOP));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_loop_is_not_one_of_symbolic_links),
		cmocka_unit_test(every_reason_has_a_name_of_its_own),
		cmocka_unit_test(
			the_access_line_says_who_where_how_much_and_why),
		cmocka_unit_test(what_the_system_said_stands_at_the_end),
		cmocka_unit_test(what_the_system_did_not_say_is_not_said),
		cmocka_unit_test(the_longest_line_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
