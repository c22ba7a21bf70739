#include "config/args.h"

#include "support/unit.h"

#include <stdio.h>

enum { MOST = 16 };

static char mistakes[MOST][1200];
static size_t mistake_count;
static struct config config;

static void note(const char *text)
{
	assert_true(mistake_count < MOST);
	snprintf(mistakes[mistake_count++], sizeof(mistakes[0]), "%s", text);
}

/* Read words that are separated by single spaces. */
static size_t args(const char *words)
{
	static char text[1024];
	char *argv[64];
	int argc = 0;
	size_t count;

	mistake_count = 0;
	snprintf(text, sizeof(text), "%s", words);
	for (char *p = text; *p != '\0'; argc++) {
		argv[argc] = p;
		p += strcspn(p, " ");
		if (*p != '\0')
			*p++ = '\0';
	}
	config_free(&config);
	config_init(&config);
	count = args_read(&config, argc, argv, note);
	assert_int_equal(count, mistake_count);
	return count;
}

static void assert_fine(const char *words)
{
	if (args(words) > 0)
		fail_msg("%s: refused: %s", words, mistakes[0]);
}

/* One mistake, of which this and this is said. */
static void assert_mistake(const char *words, const char *first,
			   const char *second)
{
	if (args(words) != 1)
		fail_msg("%s: %zu mistakes, the last: %s", words, mistake_count,
			 mistake_count > 0 ? mistakes[mistake_count - 1] : "-");
	assert_says(mistakes[0], first);
	assert_says(mistakes[0], second);
}

static int free_config(void **state)
{
	(void)state;
	config_free(&config);
	return 0;
}

#define L "--listen 127.0.0.1:1 "
#define T "--to 8080 "

static void a_to_closes_the_group_of_the_listens_before_it(void **state)
{
	const struct config_group *g;

	(void)state;
	assert_fine("--listen 127.0.0.1:1 --listen 127.0.0.1:2 --to 3 "
		    "--listen 127.0.0.1:4 --to 5 --to 6");
	assert_int_equal(config.group_count, 2);
	g = config.groups;
	assert_int_equal(g[0].listener_count, 2);
	assert_int_equal(g[0].backend_count, 1);
	assert_int_equal(g[0].listeners[0].request.addr.port, 1);
	assert_int_equal(g[0].listeners[1].request.addr.port, 2);
	assert_int_equal(g[0].backends[0].addr.port, 3);
	assert_int_equal(g[1].listener_count, 1);
	assert_int_equal(g[1].backend_count, 2);
	assert_int_equal(g[1].listeners[0].request.addr.port, 4);
	assert_int_equal(g[1].backends[0].addr.port, 5);
	assert_int_equal(g[1].backends[1].addr.port, 6);
}

static void a_value_stands_behind_a_space_or_an_equals_sign(void **state)
{
	(void)state;
	assert_fine("--listen=127.0.0.1:1 --to=unix:/run/a=b "
		    "--idle-timeout=90s --splice off");
	assert_string_equal(config.groups[0].backends[0].addr.path, "/run/a=b");
	assert_int_equal(config.defaults.idle_timeout_ms, 90000);
	assert_int_equal(config.splice, 0);
}

static void options_may_stand_anywhere(void **state)
{
	(void)state;
	assert_fine("--log-level debug " L "--idle-timeout 1s " T
		    "--max-connections 7");
	assert_int_equal(config.group_count, 1);
	assert_int_equal(config.max_connections, 7);
}

static void what_is_missing_is_said(void **state)
{
	(void)state;
	assert_mistake("", "nothing to listen on", "--listen 127.0.0.1:80");
	assert_mistake("--splice off", "nothing to listen on", "--to");
	assert_mistake(L, "--listen: \"127.0.0.1:1\"", "no --to behind it");
	assert_mistake(L T "--listen 127.0.0.1:2", "\"127.0.0.1:2\"",
		       "no --to behind it");
	assert_mistake(L "--to", "--to", "wants a value");
	assert_mistake("--listen " T, "--listen", "wants a value");
	assert_mistake(L T "--splice", "--splice", "wants a value");
	assert_mistake(L T "--splice --log-level info", "--splice",
		       "wants a value");
	assert_mistake(L T "--splice=", "--splice", "\"\" is neither");
}

static void what_is_doubled_is_said(void **state)
{
	(void)state;
	assert_mistake(L T "--splice off --splice off", "--splice",
		       "given twice");
	assert_mistake(L T "--keepalive 1s --keepalive=2s", "--keepalive",
		       "given twice");
	assert_int_equal(config.defaults.keepalive_s, 1);
	assert_mistake(L "--to 8080 --to 8080", "\"8080\"", "already");
	assert_mistake(L "--to 8080 --to localhost:8080", "\"localhost:8080\"",
		       "already");
	assert_mistake(L "--to [::1]:1 --to [0:0::1]:1", "\"[0:0::1]:1\"",
		       "already");
	assert_mistake(L "--to unix:/a --to unix:/a", "\"unix:/a\"", "already");
}

static void two_listeners_for_one_socket_are_said(void **state)
{
	static const char *const pairs[][2] = {
		{"127.0.0.1:1", "127.0.0.1:1"},
		{"127.0.0.1:1", "[::ffff:127.0.0.1]:1"},
		{"*:1", "0.0.0.0:1"},
		{"unix:/a", "unix:/a"},
		{"fd:3", "fd:3@127.0.0.1:80"},
		{"systemd", "systemd"},
		{"systemd", "systemd:web"},
		{"systemd:web", "systemd:web"},
		{"launchd:web", "launchd:web"},
		{"if:wg0:80", "if:wg0:80"},
		{"if:wg0:80", "if:wg0+ll:80"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		char words[128], quoted[64];

		snprintf(words, sizeof(words),
			 "--listen %s --to 1 --listen %s --to 2", pairs[i][0],
			 pairs[i][1]);
		snprintf(quoted, sizeof(quoted), "\"%s\" asks for",
			 pairs[i][1]);
		assert_true(args(words) >= 1);
		assert_says(mistakes[0], quoted);
		assert_says(mistakes[0], "name each listener once");
	}
}

static void listeners_that_do_not_collide_are_taken(void **state)
{
	(void)state;
	assert_fine("--listen 127.0.0.1:0 --listen 127.0.0.1:0 " T);
	assert_fine("--listen 127.0.0.1:1 --listen [::1]:1 " T);
	assert_fine("--listen if:wg0:80 --listen if:wg0:443 " T);
	assert_fine("--listen if:wg0:80 --listen if:wg1:80 " T);
	assert_fine("--listen systemd:web --listen systemd:mail " T);
	assert_fine("--listen fd:3 --listen fd:4 " T);
	assert_fine(L T "--listen 127.0.0.1:2 " T);
}

static void an_option_without_effect_is_said(void **state)
{
	(void)state;
	assert_mistake(L T "--unix-mode 0660", "--unix-mode", "unix:/path");
	assert_mistake("--listen systemd --backlog 5 " T, "--backlog",
		       "handed over");
	assert_fine("--listen unix:/run/x --unix-mode 0660 --backlog 5 " T);
	assert_fine("--listen systemd " L "--backlog 5 " T);
	assert_mistake(L T "--proxy-timeout 2s", "--proxy-timeout",
		       "no --accept-proxy");
	assert_fine(L T "--proxy-timeout 2s --accept-proxy ::1 "
			"--accept-proxy unix");
}

static void what_is_unknown_is_named_with_the_nearest(void **state)
{
	(void)state;
	assert_mistake(L T "--idle-timout 5s", "--idle-timout: no such option",
		       "--idle-timeout?");
	assert_mistake(L T "--idle-timout=5s", "--idle-timout: no such option",
		       "--idle-timeout?");
	assert_mistake(L T "--certificate x", "--certificate: no such option",
		       "--help");
	assert_mistake(L T "--certificate", "--certificate", "--help");
	assert_mistake("--listn 127.0.0.1:1 " T, "--listn", "--listen?");
	assert_mistake(L T "stray", "\"stray\" stands alone", "--listen");
	assert_mistake(L T "-v", "\"-v\" is not understood", "--long");
	assert_mistake(L T "-", "\"-\"", "stands alone");
	assert_mistake(L T "--", "\"--\"", "not understood");
	assert_mistake(L T "--idle 5s", "--idle: no such option", "");
}

static void all_mistakes_are_told_in_the_order_they_stand(void **state)
{
	static const char *const words[] = {
		"\"80\"",    "\"1.2.3.4\"",     "\"10x\"",          "--frob",
		"\"stray\"", "--splice: given", "--backlog: \"x\"",
	};

	(void)state;
	assert_int_equal(args("--listen 80 --to 1.2.3.4 --idle-timeout 10x "
			      "--frob=1 --splice off stray --splice auto "
			      "--backlog x"),
			 COUNT(words));
	for (size_t i = 0; i < COUNT(words); i++)
		assert_says(mistakes[i], words[i]);
}

static void one_mistake_is_not_told_twice(void **state)
{
	(void)state;
	assert_mistake("--listen 80 " T, "\"80\"", "127.0.0.1:80");
	assert_mistake(L "--to 0", "\"0\"", "not a backend");
	assert_mistake("--listen 80 --backlog 5 " T, "\"80\"", "");
	assert_mistake("--listen fd:x --unix-mode 0660 " T, "fd:x", "");
	assert_mistake(L "--to 8080 --listen 80 --to 8080", "\"80\"", "");
	assert_mistake(L "--to 8080 --listen 80 --to 8081", "\"80\"", "");
}

static void a_group_that_is_incomplete_is_told_beside_a_bad_one(void **state)
{
	(void)state;
	assert_int_equal(args(L "--to 0 "
				"--listen 127.0.0.1:2 --to 1 "
				"--listen 127.0.0.1:3"),
			 2);
	assert_says(mistakes[0], "\"0\"");
	assert_says(mistakes[1], "\"127.0.0.1:3\"");
}

#define ROW(test) cmocka_unit_test_teardown(test, free_config)

static void rules_keep_the_order_they_were_written_in(void **state)
{
	static const struct {
		const char *net;
		bool allow;
	} rows[] = {{"10.0.0.7", false},
		    {"10.0.0.0/8", true},
		    {"fd00::7", false},
		    {"fd00::/8", true},
		    {"192.0.2.0/24", false}};

	(void)state;
	assert_fine("--deny 10.0.0.7 " L "--allow 10.0.0.0/8 --deny=fd00::7 " T
		    "--allow fd00::/8 --deny 192.0.2.0/24");
	assert_int_equal(config.defaults.rules.count, COUNT(rows));
	assert_true(config.defaults.rules.any_allow);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct relay_rule *rule = &config.defaults.rules.at[i];
		char text[ADDR_TEXT];

		assert_string_equal(cidr_print(&rule->net, text), rows[i].net);
		assert_int_equal(rule->allow, rows[i].allow);
	}
	assert_fine(L T "--deny 10.0.0.0/8");
	assert_false(config.defaults.rules.any_allow);
}

static void a_rule_that_can_never_apply_is_said(void **state)
{
	(void)state;
	assert_mistake(L T "--deny 10.0.0.0/8 --allow 10.1.0.0/16", "--allow",
		       "--deny 10.0.0.0/8 before it");
	assert_says(mistakes[0], "put --allow 10.1.0.0/16 first");
	assert_mistake(L T "--allow ::/0 --deny fd00::1", "--deny: \"fd00::1\"",
		       "--allow ::/0 before it");
	/* These change nothing, and that is what they say. */
	assert_fine(L T "--allow 10.0.0.0/8 --allow 10.1.0.0/16");
	assert_fine(L T "--deny 10.1.0.0/16 --allow 10.0.0.0/8 --deny "
			"10.1.2.0/24");
	assert_fine(L T "--deny 0.0.0.0/0 --allow ::/0");
	assert_mistake(L T "--allow 10.0.0.1/8", "--allow: \"10.0.0.1/8\"",
		       "try 10.0.0.0/8");
	assert_mistake(L T "--allow", "--allow", "wants a value");
}

static void what_is_about_addresses_needs_a_listener_with_some(void **state)
{
	static const char *const words[] = {"--allow ::1", "--deny ::1",
					    "--max-connections-per-source 3",
					    "--max-rate 3/s"};
	char text[256];

	(void)state;
	for (size_t i = 0; i < COUNT(words); i++) {
		snprintf(text, sizeof(text), "--listen unix:/a " T "%s",
			 words[i]);
		assert_mistake(text, "every listener is a unix:/path",
			       "--unix-mode");
		snprintf(text, sizeof(text), "--listen unix:/a " T L T "%s",
			 words[i]);
		assert_fine(text);
		snprintf(text, sizeof(text), "--listen systemd " T "%s",
			 words[i]);
		assert_fine(text);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_keep_the_order_they_were_written_in),
		cmocka_unit_test(a_rule_that_can_never_apply_is_said),
		cmocka_unit_test(
			what_is_about_addresses_needs_a_listener_with_some),
		ROW(a_to_closes_the_group_of_the_listens_before_it),
		ROW(a_value_stands_behind_a_space_or_an_equals_sign),
		ROW(options_may_stand_anywhere),
		ROW(what_is_missing_is_said),
		ROW(what_is_doubled_is_said),
		ROW(two_listeners_for_one_socket_are_said),
		ROW(listeners_that_do_not_collide_are_taken),
		ROW(an_option_without_effect_is_said),
		ROW(what_is_unknown_is_named_with_the_nearest),
		ROW(all_mistakes_are_told_in_the_order_they_stand),
		ROW(one_mistake_is_not_told_twice),
		ROW(a_group_that_is_incomplete_is_told_beside_a_bad_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
