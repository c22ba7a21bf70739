#include "config/options.h"

#include "support/unit.h"

#include "base/log.h"
#include "os/platform.h"

#include <errno.h>
#include <stdio.h>
#include <syslog.h>

static uint64_t member(struct config *c, const struct option *o)
{
	return *option_member(c, o);
}

static void every_row_is_complete(void **state)
{
	(void)state;
	for (const struct option *o = options; o->name; o++) {
		assert_true(o->argument || o->scope == OPTION_ONCE);
		assert_non_null(o->parse);
		assert_true(strlen(o->help) > 10);
		assert_ptr_equal(option_find(o->name), o);
		/* Only what may be repeated has no default. */
		assert_int_equal(!o->fallback,
				 o->repeatable || o->scope == OPTION_ONCE);
	}
}

static void no_two_rows_share_a_name_or_a_member(void **state)
{
	(void)state;
	for (const struct option *a = options; a->name; a++) {
		for (const struct option *b = options; b < a; b++) {
			assert_string_not_equal(a->name, b->name);
			if (a->fallback && b->fallback && a->scope == b->scope)
				assert_int_not_equal(a->offset, b->offset);
		}
	}
}

static void the_defaults_are_the_ones_that_were_promised(void **state)
{
	struct config c;

	(void)state;
	config_init(&c);
	assert_int_equal(c.defaults.connect_timeout_ms, 5000);
	assert_int_equal(c.defaults.wait_for_backend_ms, 0);
	assert_int_equal(c.max_waiting, 1000);
	assert_int_equal(c.defaults.idle_timeout_ms, 0);
	assert_int_equal(c.defaults.half_close_timeout_ms, 600000);
	assert_int_equal(c.drain_timeout_ms, 30000);
	assert_int_equal(c.defaults.send_proxy, PROXY_NONE);
	assert_int_equal(c.defaults.proxy_timeout_ms, 5000);
	assert_int_equal(c.defaults.front_count, 0);
	assert_false(c.defaults.unix_fronts);
	assert_int_equal(c.defaults.keepalive_s, 60);
	assert_int_equal(c.max_connections, 0);
	assert_int_equal(c.defaults.unix_mode, 0600);
	assert_int_equal(c.splice, 1);
	assert_int_equal(c.log_level, LEVEL_INFO);
	assert_int_equal(c.defaults.access_log, 1);
	assert_int_equal(c.log_json, 0);
	assert_int_equal(c.log_to.place, LOG_TO_STDERR);
	assert_true(c.defaults.backlog > 0);
	assert_int_equal(c.group_count, 0);
	assert_int_equal(c.defaults.rules.count, 0);
	assert_int_equal(c.defaults.max_per_source, 0);
	assert_int_equal(c.defaults.max_rate.count, 0);
	assert_null(c.status);
	config_free(&c);
}

static void good_values_arrive(void **state)
{
	static const struct {
		const char *name, *text;
		uint64_t value;
	} rows[] = {
		{"connect-timeout", "1ms", 1},
		{"connect-timeout", "1d", 86400000},
		{"wait-for-backend", "0", 0},
		{"wait-for-backend", "30s", 30000},
		{"max-waiting", "1", 1},
		{"max-waiting", "1000000", 1000000},
		{"idle-timeout", "0", 0},
		{"idle-timeout", "90s", 90000},
		{"half-close-timeout", "0", 0},
		{"half-close-timeout", "2h", 7200000},
		{"drain-timeout", "0", 0},
		{"drain-timeout", "500ms", 500},
		{"proxy-protocol", "off", PROXY_NONE},
		{"proxy-protocol", "v1", PROXY_V1},
		{"proxy-protocol", "v2", PROXY_V2},
		{"proxy-timeout", "1ms", 1},
		{"max-connections", "1", 1},
		{"max-connections", "1000000", 1000000},
		{"max-connections", "auto", 0},
		{"max-connections-per-source", "0", 0},
		{"max-connections-per-source", "1", 1},
		{"max-connections-per-source", "1000000", 1000000},
		{"max-rate", "0", 0},
		{"max-rate", "10/s", 10},
		{"max-rate", "1000000/m", 1000000},
		{"keepalive", "0", 0},
		{"keepalive", "1000ms", 1},
		{"keepalive", "5m", 300},
		{"keepalive", "32767s", 32767},
		{"backlog", "1", 1},
		{"backlog", "65535", 65535},
		{"unix-mode", "0660", 0660},
		{"unix-mode", "777", 0777},
		{"splice", "auto", 1},
		{"splice", "off", 0},
		{"log-level", "error", LEVEL_ERROR},
		{"log-level", "debug", LEVEL_DEBUG},
		{"access-log", "on", 1},
		{"access-log", "off", 0},
		{"log-format", "text", 0},
		{"log-format", "json", 1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct option *o = option_find(rows[i].name);
		struct fault why;
		struct config c;

		config_init(&c);
		assert_non_null(o);
		if (o->parse(&c, o, rows[i].text, &why) != 0)
			fail_msg("--%s refused: %s", o->name, why.text);
		assert_int_equal(member(&c, o), rows[i].value);
		config_free(&c);
	}
}

static void fronts_are_kept_in_their_order(void **state)
{
	static const char *const nets[] = {"10.0.0.0/8", "127.0.0.1",
					   "fd00::/8"};
	const struct option *o = option_find("accept-proxy");
	struct addr lo;
	struct fault why;
	struct config c;

	(void)state;
	config_init(&c);
	assert_true(o->repeatable);
	for (size_t i = 0; i < COUNT(nets); i++)
		assert_int_equal(o->parse(&c, o, nets[i], &why), 0);
	assert_false(c.defaults.unix_fronts);
	assert_int_equal(o->parse(&c, o, "unix", &why), 0);
	assert_true(c.defaults.unix_fronts);
	assert_int_equal(c.defaults.front_count, COUNT(nets));
	assert_int_equal(addr_parse_ip(&lo, "127.0.0.1"), 0);
	assert_false(cidr_contains(&c.defaults.fronts[0], &lo));
	assert_true(cidr_contains(&c.defaults.fronts[1], &lo));
	assert_false(cidr_contains(&c.defaults.fronts[2], &lo));
	assert_int_equal(c.defaults.fronts[2].bits, 8);
	config_free(&c);
}

static void bad_values_are_named_with_what_would_be_right(void **state)
{
	static const struct {
		const char *name, *text, *word;
	} rows[] = {
		{"connect-timeout", "0", "too short (try 5s)"},
		{"connect-timeout", "2d", "too long (try 5s)"},
		{"connect-timeout", "5", "not a duration (try 30s, 10m, 2h)"},
		{"connect-timeout", "", "not a duration"},
		{"wait-for-backend", "yes", "not a duration"},
		{"wait-for-backend", "2d", "too long"},
		{"max-waiting", "0", "number from 1 to 1000000"},
		{"max-waiting", "auto", "number from 1 to 1000000"},
		{"idle-timeout", "10x", "not a duration"},
		{"idle-timeout", "-1s", "not a duration"},
		{"idle-timeout", "1001d", "too long"},
		{"half-close-timeout", "off", "not a duration"},
		{"half-close-timeout", "99999999999999999999s", "too long"},
		{"drain-timeout", "30 s", "not a duration"},
		{"proxy-protocol", "v3", "try v1, v2 or off"},
		{"proxy-protocol", "on", "try v1, v2 or off"},
		{"proxy-protocol", "", "try v1, v2 or off"},
		{"proxy-timeout", "0", "too short (try 5s)"},
		{"accept-proxy", "", "try 127.0.0.1, 10.0.0.0/8"},
		{"accept-proxy", "localhost", "try 127.0.0.1, 10.0.0.0/8"},
		{"accept-proxy", "10.0.0.1/8", "no bit set behind its prefix"},
		{"accept-proxy", "10.0.0.0/33", "nor a network"},
		{"accept-proxy", "127.0.0.1:80", "neither an address"},
		{"accept-proxy", "unix:/run/x", "nor unix"},
		{"max-connections", "0", "number from 1 to 1000000"},
		{"max-connections", "1000001", "number from 1 to 1000000"},
		{"max-connections", "many", "number from 1 to 1000000"},
		{"max-connections", "-1", "number from 1 to 1000000"},
		{"max-connections-per-source", "auto", "number from 0"},
		{"max-connections-per-source", "1000001", "from 0 to 1000000"},
		{"max-rate", "10", "not a rate (try 10/s, 30/m, or 0"},
		{"max-rate", "10/h", "not a rate"},
		{"max-rate", "0/s", "out of range (1/m to 1000000/s"},
		{"max-rate", "1000001/s", "out of range"},
		{"allow", "everyone", "for everyone, 0.0.0.0/0 and ::/0"},
		{"deny", "10/8", "neither a network nor an address"},
		{"keepalive", "1500ms", "whole seconds (try 60s)"},
		{"keepalive", "32768s", "too long"},
		{"keepalive", "60", "not a duration"},
		{"backlog", "0", "number from 1 to 65535"},
		{"backlog", "65536", "number from 1 to 65535"},
		{"backlog", "auto", "number from 1 to 65535"},
		{"unix-mode", "0680", "try 0600"},
		{"unix-mode", "1777", "try 0600"},
		{"unix-mode", "u=rw", "try 0600"},
		{"splice", "on", "neither auto nor off"},
		{"splice", "", "neither auto nor off"},
		{"log-level", "verbose", "try error, warn, info or debug"},
		{"log-level", "INFO", "try error"},
		{"access-log", "yes", "neither on nor off"},
		{"log-format", "JSON", "neither text nor json"},
		{"log-to", "", "neither a path"},
		{"log-to", "lowport.log", "try /var/log/lowport.log, or ./"},
		{"log-to", "stdout", "nor stderr, syslog or"},
		{"log-to", "syslogd", "neither a path"},
		{"log-to", "syslog:", "not followed by a facility"},
		{"log-to", "syslog:local", "try daemon, user, local0"},
		{"log-to", "syslog:local8", "try daemon, user, local0"},
		{"log-to", "syslog:kern@/x", "try daemon, user, local0"},
		{"log-to", "syslog@", "its whole path behind @"},
		{"log-to", "syslog:user@x", "its whole path behind @"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct option *o = option_find(rows[i].name);
		char quoted[64];
		struct fault why;
		struct config c;

		config_init(&c);
		assert_non_null(o);
		if (o->parse(&c, o, rows[i].text, &why) >= 0)
			fail_msg("--%s %s was taken", o->name, rows[i].text);
		snprintf(quoted, sizeof(quoted), "\"%s\" is", rows[i].text);
		assert_says(why.text, quoted);
		assert_says(why.text, rows[i].word);
		config_free(&c);
	}
}

static void the_log_goes_where_it_was_sent(void **state)
{
	static const struct {
		const char *text;
		enum log_place place;
		const char *path;
		int facility;
	} rows[] = {
		{"/var/log/a", LOG_TO_FILE, "/var/log/a", 0},
		{"./a@b", LOG_TO_FILE, "./a@b", 0},
		{"../syslog", LOG_TO_FILE, "../syslog", 0},
		{"stderr", LOG_TO_STDERR, NULL, 0},
		{"syslog", LOG_TO_SYSLOG, platform_syslog, LOG_DAEMON},
		{"syslog:user", LOG_TO_SYSLOG, platform_syslog, LOG_USER},
		{"syslog:local7", LOG_TO_SYSLOG, platform_syslog, LOG_LOCAL7},
		{"syslog@/a@b", LOG_TO_SYSLOG, "/a@b", LOG_DAEMON},
		{"syslog:auth@/a:b", LOG_TO_SYSLOG, "/a:b", LOG_AUTH},
	};
	const struct option *o = option_find("log-to");
	struct fault why;
	struct config c;

	(void)state;
	config_init(&c);
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(o->parse(&c, o, rows[i].text, &why), 0);
		assert_int_equal(c.log_to.place, rows[i].place);
		assert_int_equal(c.log_to.facility, rows[i].facility);
		if (rows[i].path)
			assert_string_equal(c.log_to.path, rows[i].path);
		else
			assert_null(c.log_to.path);
	}
	config_free(&c);
}

static void a_rate_has_its_period(void **state)
{
	const struct option *o = option_find("max-rate");
	struct fault why;
	struct config c;

	(void)state;
	config_init(&c);
	assert_int_equal(o->parse(&c, o, "3/m", &why), 0);
	assert_int_equal(c.defaults.max_rate.period_ms, 60000);
	assert_int_equal(o->parse(&c, o, "3/s", &why), 0);
	assert_int_equal(c.defaults.max_rate.period_ms, 1000);
	config_free(&c);
}

static void a_status_socket_has_a_path_a_name_or_none(void **state)
{
	static const char *const good[] = {"none", "/run/web.sock", "web",
					   "web-2.x_y"};
	static const char *const bad[] = {"",      ".",    "..",   "a/b",
					  "./web", "-web", "we b", "w\x1b"};
	const struct option *o = option_find("status");
	struct fault why;
	struct config c;

	(void)state;
	config_init(&c);
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_int_equal(o->parse(&c, o, good[i], &why), 0);
		assert_string_equal(c.status, good[i]);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(o->parse(&c, o, bad[i], &why), -EINVAL);
		assert_says(why.text, "is neither a path nor a name (try");
	}
	assert_int_equal(o->parse(&c, o, "auto", &why), 0);
	assert_null(c.status);
	config_free(&c);
}

static void every_default_is_refused_with_rubbish_behind_it(void **state)
{
	(void)state;
	for (const struct option *o = options; o->name; o++) {
		struct fault why;
		struct config c;
		char text[64];

		if (!o->fallback)
			continue;
		config_init(&c);
		snprintf(text, sizeof(text), "%s?", o->fallback);
		assert_true(o->parse(&c, o, text, &why) < 0);
		assert_says(why.text, text);
		config_free(&c);
	}
}

static void a_name_is_found_whole_or_not_at_all(void **state)
{
	(void)state;
	assert_null(option_find("idle"));
	assert_null(option_find("idle-timeoutx"));
	assert_null(option_find("IDLE-TIMEOUT"));
	assert_null(option_find(""));
}

static void a_misspelt_name_leads_to_the_nearest_one(void **state)
{
	static const char *const rows[][2] = {
		{"listn", "listen"},
		{"lisetn", "listen"},
		{"idle-time", NULL},
		{"idletimeout", "idle-timeout"},
		{"idle-timout", "idle-timeout"},
		{"max-connection", "max-connections"},
		{"keep-alive", "keepalive"},
		{"spilce", "splice"},
		{"t", "to"},
		{"x", NULL},
		{"", NULL},
		{"certificate", NULL},
		{"an-option-that-is-longer-than-any-that-there-is", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct option *o = option_suggest(rows[i][0]);

		if (!rows[i][1])
			continue;
		assert_non_null(o);
		assert_string_equal(o->name, rows[i][1]);
	}
	assert_null(option_suggest("certificate"));
	assert_null(option_suggest(""));
	/* Three of five letters are not the same word. */
	assert_null(option_suggest("lable"));
	assert_null(option_suggest(rows[COUNT(rows) - 1][0]));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_complete),
		cmocka_unit_test(no_two_rows_share_a_name_or_a_member),
		cmocka_unit_test(the_defaults_are_the_ones_that_were_promised),
		cmocka_unit_test(good_values_arrive),
		cmocka_unit_test(fronts_are_kept_in_their_order),
		cmocka_unit_test(bad_values_are_named_with_what_would_be_right),
		cmocka_unit_test(the_log_goes_where_it_was_sent),
		cmocka_unit_test(a_rate_has_its_period),
		cmocka_unit_test(a_status_socket_has_a_path_a_name_or_none),
		cmocka_unit_test(
			every_default_is_refused_with_rubbish_behind_it),
		cmocka_unit_test(a_name_is_found_whole_or_not_at_all),
		cmocka_unit_test(a_misspelt_name_leads_to_the_nearest_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
