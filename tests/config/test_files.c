#include "config/args.h"

#include "support/unit.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST = 32 };

static char mistakes[MOST][1400];
static size_t mistake_count;
static struct config config;
static char folder[PATH_MAX];

static void note(const char *text)
{
	assert_true(mistake_count < MOST);
	snprintf(mistakes[mistake_count++], sizeof(mistakes[0]), "%s", text);
}

static const char *path_of(const char *name)
{
	static char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void write_bytes(const char *name, const char *text, size_t length)
{
	FILE *f = fopen(path_of(name), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, length, f), length);
	assert_int_equal(fclose(f), 0);
}

static void write_file(const char *name, const char *text)
{
	write_bytes(name, text, strlen(text));
}

static size_t read_with(const char *name, int argc, char *const argv[])
{
	char *all[16] = {"-c", NULL};
	size_t count;

	all[1] = strdup(name[0] == '\0' ? folder : path_of(name));
	for (int i = 0; i < argc; i++)
		all[2 + i] = argv[i];
	mistake_count = 0;
	config_free(&config);
	config_init(&config);
	count = args_read(&config, 2 + argc, all, note);
	assert_int_equal(count, mistake_count);
	free(all[1]);
	return count;
}

static void assert_fine(const char *text)
{
	write_file("a.conf", text);
	if (read_with("a.conf", 0, NULL) > 0)
		fail_msg("refused: %s", mistakes[0]);
}

/* The same without the folder's name. */
static void cut_folder(char *text)
{
	size_t length = strlen(folder) + 1;
	char *at;

	while ((at = strstr(text, folder)) != NULL)
		memmove(at, at + length, strlen(at + length) + 1);
}

/* What is said of a file: exactly this, a line each. */
static void assert_mistakes(const char *text, const char *expected)
{
	char got[8192] = "";
	size_t n = 0;

	write_file("a.conf", text);
	read_with("a.conf", 0, NULL);
	for (size_t i = 0; i < mistake_count; i++) {
		cut_folder(mistakes[i]);
		n += (size_t)snprintf(got + n, sizeof(got) - n, "%s\n",
				      mistakes[i]);
	}
	assert_string_equal(got, expected);
}

static void a_section_is_a_relay(void **state)
{
	const struct config_group *g;

	(void)state;
	assert_fine("# what it is for\n"
		    "[relay web]\n"
		    "listen = 127.0.0.1:80\n"
		    "  listen: [::1]:80   ; the same, of IPv6\n"
		    "to = 127.0.0.1:8080\r\n"
		    "\tto=unix:/tmp/x\n"
		    "\n"
		    "[ relay\twg-0.a_b ]\n"
		    "to = 22\n"
		    "listen = if:wg0:22");
	assert_int_equal(config.group_count, 2);
	g = config.groups;
	assert_string_equal(g[0].name, "web");
	assert_int_equal(g[0].listener_count, 2);
	assert_string_equal(g[0].listeners[1].text, "[::1]:80");
	assert_int_equal(g[0].backend_count, 2);
	assert_string_equal(g[0].backends[1].addr.path, "/tmp/x");
	assert_string_equal(g[1].name, "wg-0.a_b");
	assert_int_equal(g[1].place.line, 8);
}

static void what_lowport_says_is_the_default_wherever_it_stands(void **state)
{
	const struct config_group *g;

	(void)state;
	assert_fine("[relay a]\nlisten = 127.0.0.1:1\nto = 1\n"
		    "[relay b]\nlisten = 127.0.0.1:2\nto = 1\n"
		    "idle-timeout = 7s\ndeny = 10.1.0.0/16\n"
		    "accept-proxy = 10.2.0.0/16\n"
		    "[lowport]\nidle-timeout = 5s\nallow = 10.0.0.0/8\n"
		    "accept-proxy = 127.0.0.1\naccept-proxy = unix\n"
		    "threads = 3\n"
		    "[relay c]\nlisten = 127.0.0.1:3\nto = 1\n"
		    "allow = 10.3.0.0/16\nallow = 10.4.0.0/16\n");
	g = config.groups;
	assert_int_equal(config.threads, 3);
	assert_int_equal(g[0].settings.idle_timeout_ms, 5000);
	assert_int_equal(g[0].settings.rules.count, 1);
	assert_true(g[0].settings.rules.any_allow);
	assert_true(g[0].settings.unix_fronts);
	assert_int_equal(g[0].settings.front_count, 1);
	/* A list of its own replaces that of all. */
	assert_int_equal(g[1].settings.idle_timeout_ms, 7000);
	assert_int_equal(g[1].settings.rules.count, 1);
	assert_false(g[1].settings.rules.any_allow);
	assert_false(g[1].settings.unix_fronts);
	assert_int_equal(g[1].settings.front_count, 1);
	assert_int_equal(g[2].settings.rules.count, 2);
}

static void the_command_line_goes_before_the_file(void **state)
{
	char *argv[] = {"--threads", "4",           "--idle-timeout",
			"9s",        "--deny",      "10.9.0.0/16",
			"--listen",  "127.0.0.1:9", "--to",
			"9"};

	(void)state;
	write_file("a.conf", "[lowport]\nthreads = 2\nidle-timeout = 5s\n"
			     "allow = 10.0.0.0/8\n"
			     "[relay a]\nlisten = 127.0.0.1:1\nto = 1\n"
			     "[relay b]\nlisten = 127.0.0.1:2\nto = 1\n"
			     "idle-timeout = 6s\n");
	assert_int_equal(read_with("a.conf", COUNT(argv), argv), 0);
	assert_int_equal(config.threads, 4);
	assert_int_equal(config.group_count, 3);
	assert_null(config.groups[0].name);
	for (int i = 0; i < 3; i++) {
		const struct settings *s = &config.groups[i].settings;

		assert_int_equal(s->idle_timeout_ms, i == 2 ? 6000 : 9000);
		assert_int_equal(s->rules.count, 1);
		assert_false(s->rules.any_allow);
	}
}

static void each_mistake_is_told_with_its_place(void **state)
{
	(void)state;
	assert_mistakes(
		"port = 3\n"
		"[lowport]\n"
		"listen = 127.0.0.1:80\n"
		"log-level = loud\n"
		"threads = 1\n"
		"threads = 2\n"
		"[relay]\n"
		"[server x]\n"
		"whatever = 1\n"
		"[relay a\n"
		"[relay a]\n"
		"listn = 127.0.0.1:80\n"
		"listen 127.0.0.1:80\n"
		"nonsense\n"
		"to =\n"
		"splice = off\n"
		"config = /etc/x\n"
		"to = 80\n"
		"[relay b]\n"
		"listen = 127.0.0.1:80\n"
		"[relay a]\n"
		"listen = 127.0.0.1:80\n",
		"a.conf:1: stands before any section (begin with [relay NAME] "
		"or [lowport])\n"
		"a.conf:3: listen: is of one relay (put it into a [relay "
		"NAME])\n"
		"a.conf:4: log-level: \"loud\" is not a log level (try error, "
		"warn, info or debug)\n"
		"a.conf:6: threads: is given at a.conf:5 already; once is "
		"enough\n"
		"a.conf:7: [relay]: a relay wants a name of letters, digits, "
		"\".\", \"_\" and \"-\", at most 40 of them (try [relay web])\n"
		"a.conf:8: [server x]: there is no such section (try [relay "
		"NAME], or [lowport] for what holds for all)\n"
		"a.conf:10: this section has no ] (try [relay web])\n"
		"a.conf:12: listn: there is no such key (did you mean "
		"listen?)\n"
		"a.conf:13: \"listen 127.0.0.1\" is no key (a line is key = "
		"value, as in listen = 127.0.0.1:80)\n"
		"a.conf:14: this is neither [section] nor key = value (a "
		"comment begins with #)\n"
		"a.conf:15: to: has no value\n"
		"a.conf:16: splice: is not of one relay (put it into "
		"[lowport])\n"
		"a.conf:17: config: is for the command line alone\n"
		"a.conf:19: b: \"127.0.0.1:80\": nothing says where to forward "
		"(try to = 127.0.0.1:8080)\n"
		"a.conf:21: a: there is a relay of that name at a.conf:11 "
		"already (a relay has one section; choose another name)\n");
}

static void what_has_no_effect_is_told(void **state)
{
	(void)state;
	assert_mistakes("[lowport]\n"
			"unix-mode = 0660\n"
			"exit-on-idle = 5m\n"
			"[relay a]\n"
			"listen = 127.0.0.1:80\n"
			"to = 80\n"
			"stop-idle = 5s\n"
			"proxy-timeout = 5s\n"
			"[relay b]\n"
			"listen = systemd\n"
			"to = auto\n"
			"backlog = 5\n",
			"a.conf:2: unix-mode: no listener is a unix:/path that "
			"it could apply to\n"
			"a.conf:3: exit-on-idle: \"127.0.0.1:80\" is lowport's "
			"own listener: nobody would take the next connection "
			"there. It is for sockets that are handed over (try "
			"listen = systemd, launchd:NAME or fd:N; or --take, "
			"for all of a file)\n"
			"a.conf:7: stop-idle: there is no exec whose command "
			"it could stop\n"
			"a.conf:8: proxy-timeout: no accept-proxy says whose "
			"header it is for\n"
			"a.conf:11: to: \"auto\" wants exec: nobody else would "
			"hear where to listen (try exec = 'npm start')\n"
			"a.conf:12: backlog: every listener is handed over; "
			"its backlog is set where it is made\n");
}

static void nothing_at_all_is_a_mistake(void **state)
{
	(void)state;
	assert_mistakes("# later\n",
			"no relay is described there (a section begins with "
			"[relay NAME], and has listen = and to =)\n");
	assert_mistakes("[relay a]\n",
			"a.conf:1: a: nothing to listen on (try listen = "
			"127.0.0.1:80)\n"
			"a.conf:1: a: nothing says where to forward (try to = "
			"127.0.0.1:8080)\n");
}

static void bytes_that_are_no_text_are_refused(void **state)
{
	static const char zero[] = "[relay a]\nlisten = 127.0.0.1:80\0\n"
				   "to = 80\n";
	char text[4096] = "[relay a]\nlisten = 127.0.0.1:80\nexec = ";
	size_t n = strlen(text);

	(void)state;
	write_bytes("a.conf", zero, sizeof(zero) - 1);
	assert_int_equal(read_with("a.conf", 0, NULL), 2);
	assert_says(mistakes[1], ":2: there is a zero byte in this line");
	memset(text + n, 'x', 3000);
	write_bytes("a.conf", text, n + 3000);
	assert_int_equal(read_with("a.conf", 0, NULL), 2);
	assert_says(mistakes[1], ":3: this line has 3007 bytes, and there is");
}

static void a_byte_order_mark_is_no_mistake(void **state)
{
	(void)state;
	assert_fine("\xef\xbb\xbf[relay a]\nlisten = 127.0.0.1:80\nto = 80\n");
}

static void a_section_behind_a_mark_in_the_middle_is_one(void **state)
{
	(void)state;
	assert_fine("[relay a]\nlisten = 127.0.0.1:80\nto = 80\n"
		    "\xef\xbb\xbf[relay b]\nlisten = 127.0.0.1:81\nto = 81\n");
	assert_int_equal(config.group_count, 2);
}

static void a_folder_is_its_conf_files_in_order(void **state)
{
	(void)state;
	write_file("a.conf", "[relay a]\nlisten = 127.0.0.1:1\nto = 1\n");
	write_file("b.conf", "[lowport]\nthreads = 2\n"
			     "[relay b]\nlisten = 127.0.0.1:2\nto = 1\n");
	write_file("c.conf.old", "nonsense");
	write_file(".d.conf", "nonsense");
	assert_int_equal(read_with("", 0, NULL), 0);
	assert_int_equal(config.group_count, 2);
	assert_string_equal(config.groups[1].name, "b");
	write_file("c.conf", "[lowport]\nthreads = 3\n"
			     "[relay a]\nlisten = 127.0.0.1:3\nto = 1\n");
	assert_int_equal(read_with("", 0, NULL), 2);
	assert_says(mistakes[0], "c.conf:2: threads: is given at ");
	assert_says(mistakes[0], "b.conf:2 already");
	assert_says(mistakes[1], "c.conf:3: a: there is a relay of that name");
	assert_says(mistakes[1], "a.conf:1 already");
	unlink(path_of("b.conf"));
	unlink(path_of("c.conf"));
	unlink(path_of("c.conf.old"));
	unlink(path_of(".d.conf"));
}

static void what_cannot_be_read_is_told(void **state)
{
	(void)state;
	assert_int_equal(read_with("none.conf", 0, NULL), 1);
	assert_says(mistakes[0], "none.conf: No such file or directory");
	unlink(path_of("a.conf"));
	assert_int_equal(read_with("", 0, NULL), 1);
	assert_says(mistakes[0], "there is no *.conf in this folder");
}

static int make_folder(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%s/lowport-files.XXXXXX",
		 tmp ? tmp : "/tmp");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	config_free(&config);
	unlink(path_of("a.conf"));
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_section_is_a_relay),
		cmocka_unit_test(
			what_lowport_says_is_the_default_wherever_it_stands),
		cmocka_unit_test(the_command_line_goes_before_the_file),
		cmocka_unit_test(each_mistake_is_told_with_its_place),
		cmocka_unit_test(what_has_no_effect_is_told),
		cmocka_unit_test(nothing_at_all_is_a_mistake),
		cmocka_unit_test(bytes_that_are_no_text_are_refused),
		cmocka_unit_test(a_byte_order_mark_is_no_mistake),
		cmocka_unit_test(a_section_behind_a_mark_in_the_middle_is_one),
		cmocka_unit_test(a_folder_is_its_conf_files_in_order),
		cmocka_unit_test(what_cannot_be_read_is_told),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
