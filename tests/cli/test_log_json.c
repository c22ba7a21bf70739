#include "cli/log_json.h"

#include "support/unit.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <time.h>

static const uint64_t then_ms = UINT64_C(1700000000007);

static int set_up(void **state)
{
	(void)state;
	setenv("TZ", "LMT-1", 1);
	tzset();
	return 0;
}

static void a_line_is_an_object_with_time_level_and_message(void **state)
{
	char buf[LOG_JSON];
	size_t n =
		log_json_line(buf, then_ms, LEVEL_WARN, "out of slots", NULL);

	(void)state;
	assert_string_equal(buf,
			    "{\"time\":\"2023-11-14T23:13:20.007+01:00\","
			    "\"level\":\"warn\",\"message\":\"out of slots\"}"
			    "\n");
	assert_int_equal(n, strlen(buf));
}

static void the_end_of_a_connection_has_the_fields_of_its_line(void **state)
{
	struct record r = {.up = UINT64_MAX,
			   .down = 20480,
			   .duration_ms = 1830,
			   .reason = CLOSE_IDLE};
	char buf[LOG_JSON];

	(void)state;
	assert_int_equal(addr_parse(&r.client, "192.0.2.7:50112"), 0);
	assert_int_equal(addr_parse(&r.local, "[::1]:80"), 0);
	assert_int_equal(addr_parse(&r.backend, "127.0.0.1:8080"), 0);
	log_json_line(buf, then_ms, LEVEL_INFO, "closed", &r);
	assert_string_equal(buf, "{\"time\":\"2023-11-14T23:13:20.007+01:00\","
				 "\"level\":\"info\",\"message\":\"closed\","
				 "\"client\":\"192.0.2.7:50112\","
				 "\"local\":\"[::1]:80\","
				 "\"backend\":\"127.0.0.1:8080\","
				 "\"up\":18446744073709551615,\"down\":20480,"
				 "\"duration_ms\":1830,\"reason\":\"idle\"}\n");
	r.relay = "web";
	log_json_line(buf, then_ms, LEVEL_INFO, "closed", &r);
	assert_says(buf, "\"message\":\"closed\",\"relay\":\"web\",");
}

static void an_error_is_told_and_a_backend_that_is_none_is_not(void **state)
{
	struct record r = {.reason = CLOSE_UNREACHABLE, .error = -ECONNREFUSED};
	char buf[LOG_JSON], end[128];

	(void)state;
	log_json_line(buf, then_ms, LEVEL_INFO, "closed", &r);
	snprintf(end, sizeof(end),
		 "\"message\":\"closed\",\"up\":0,\"down\":0,\"duration_ms\":0,"
		 "\"reason\":\"unreachable\",\"error\":\"%s\"}\n",
		 strerror(ECONNREFUSED));
	assert_says(buf, end);
}

/* The message of a line that a parser takes. */
static char *parsed(const char *text, const struct record *r, const char *name)
{
	char buf[LOG_JSON], *value;
	const char *end;
	cJSON *object;

	log_json_line(buf, then_ms, LEVEL_INFO, text, r);
	for (const char *p = buf; *p != '\0'; p++)
		assert_true((unsigned char)*p >= 0x20 ||
			    (*p == '\n' && p[1] == '\0'));
	object = cJSON_ParseWithOpts(buf, &end, 0);
	assert_non_null(object);
	assert_string_equal(end, "\n");
	value = strdup(cJSON_GetStringValue(cJSON_GetObjectItem(object, name)));
	assert_non_null(value);
	cJSON_Delete(object);
	return value;
}

static void assert_message(const char *text, const char *wanted)
{
	char *is = parsed(text, NULL, "message");

	assert_string_equal(is, wanted);
	free(is);
}

static void what_a_parser_reads_can_be_shown_to_a_person(void **state)
{
	(void)state;
	assert_message("a \"b\" \\ /", "a \"b\" \\ /");
	assert_message("a\nb", "a\nb");
	assert_message("\x1b[2J\r\x7f\xc2\x9b", "\\x1b[2J\\x0d\\x7f\\xc2\\x9b");
	assert_message("\xc3\xa4 \xe4 \xed\xa0\x80 \xf0\x9f\x90\x8c \xff",
		       "\xc3\xa4 \\xe4 \\xed\\xa0\\x80 \xf0\x9f\x90\x8c \\xff");
}

static void every_byte_in_a_text_and_in_a_path_makes_a_good_line(void **state)
{
	char text[256], path[108];
	struct record r = {.reason = CLOSE_DONE};

	(void)state;
	for (size_t i = 0; i < 255; i++)
		text[i] = (char)(i + 1);
	text[255] = '\0';
	free(parsed(text, NULL, "message"));
	for (size_t from = 1; from < 256; from += 100) {
		memset(path, 0, sizeof(path));
		for (size_t i = 0; i < 100 && from + i < 256; i++)
			path[i] = (char)(from + i);
		r.local = (struct addr){.family = AF_UNIX, .path = path};
		free(parsed("closed", &r, "local"));
	}
}

/* Quotation marks become twice as long in JSON, bytes four times in a log. */
static void the_longest_line_has_room(void **state)
{
	static const char fillers[] = {'x', '"', '\\', '\n', '\x01', '\xff'};
	char *text = malloc(2 * LOG_TEXT);
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

	(void)state;
	assert_non_null(text);
	text[2 * LOG_TEXT - 1] = '\0';
	path[sizeof(path) - 1] = '\0';
	for (size_t i = 0; i < COUNT(fillers); i++) {
		char *error;

		memset(text, fillers[i], 2 * LOG_TEXT - 1);
		memset(path, fillers[i], sizeof(path) - 1);
		error = parsed(text, &r, "error");
		assert_string_equal(error, strerror(EADDRNOTAVAIL));
		free(error);
	}
	free(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_line_is_an_object_with_time_level_and_message),
		cmocka_unit_test(
			the_end_of_a_connection_has_the_fields_of_its_line),
		cmocka_unit_test(
			an_error_is_told_and_a_backend_that_is_none_is_not),
		cmocka_unit_test(what_a_parser_reads_can_be_shown_to_a_person),
		cmocka_unit_test(
			every_byte_in_a_text_and_in_a_path_makes_a_good_line),
		cmocka_unit_test(the_longest_line_has_room),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
