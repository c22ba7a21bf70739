#include "launchd/user.h"

#include <plist/plist.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* The property lists in launchd/, which people copy, and what the README beside
 * them says. */

static const char *read_source(const char *name)
{
	const char *text = rig_read(scrap("%s/%s", LAUNCHD_FILES, name));

	if (text[0] == '\0')
		fail_msg("there is no launchd/%s", name);
	return text;
}

/* All of them; there has to be one. */
static const char *replace(const char *text, const char *from, const char *to)
{
	const char *made = "", *at;

	assert_non_null(strstr(text, from));
	while ((at = strstr(text, from))) {
		made = scrap("%s%.*s%s", made, (int)(at - text), text, to);
		text = at + strlen(from);
	}
	return scrap("%s%s", made, text);
}

/* The file with a place, a backend and a log that a test may have. */
static const char *adapt(const char *name, const char *log,
			 const struct place *p, const struct backend *b)
{
	const char *text = read_source(name);

	text = replace(text, ">/usr/local/bin/lowport<",
		       scrap(">%s<", rig_program()));
	text = replace(text, ">127.0.0.1:8080<",
		       scrap(">%s<", backend_where(b)));
	text = replace(text, "@127.0.0.1:80<", scrap("@%s<", p->where));
	text = replace(text, ">127.0.0.1<", scrap(">%s<", p->node));
	text = replace(text, ">80<", scrap(">%s<", p->service));
	return replace(text, log, rig_file("web.log"));
}

static void the_agent_works_as_it_stands(void **state)
{
	struct place p = rig_place4();
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *path;

	(void)state;
	rig_start(NULL);
	path = rig_write_file("lowport.web.plist",
			      adapt("lowport.web.plist", "/tmp/lowport.web.log",
				    &p, b));
	assert_int_equal(LAUNCHCTL(NULL, "bootstrap", rig_domain(), path), 0);
	assert_served(p.where, b);
	assert_string_equal(rig_print("lowport.web", "exit timeout"), "32");
	rig_await_text(rig_file("web.log"), "closed ");
	assert_int_equal(LAUNCHCTL(NULL, "bootout", rig_target("lowport.web")),
			 0);
	rig_await("lowport.web", NULL, NULL);
	assert_in_range(peer_try_listen(p.where), 0, INT32_MAX);
}

static void the_daemon_works_as_it_stands(void **state)
{
	struct place p = rig_place4();
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *path, *log;

	(void)state;
	if (geteuid() != 0)
		rig_skip("root, whose launchd has daemons");
	rig_start(NULL);
	path = rig_write_file("lowport.web.plist",
			      adapt("lowport.web.daemon.plist",
				    "/var/tmp/lowport.web.log", &p, b));
	assert_int_equal(chown(path, 0, 0), 0);
	log = rig_write_file("web.log", "");
	assert_int_equal(chmod(log, 0666), 0);
	proc_end(proc_start(ARGV("launchctl", "bootstrap", "system", path),
			    NULL),
		 0);
	assert_served(p.where, b);
	rig_await_text(log, "closed ");
}

/* Their keys: the values differ. */
static void assert_same_keys(const char *one, const char *other)
{
	plist_t a = NULL, b = NULL;
	plist_dict_iter iter = NULL;
	char *key = NULL;
	plist_t value;

	plist_from_xml(one, (uint32_t)strlen(one), &a);
	plist_from_xml(other, (uint32_t)strlen(other), &b);
	assert_non_null(a);
	assert_non_null(b);
	assert_int_equal(plist_dict_get_size(a), plist_dict_get_size(b));
	plist_dict_new_iter(a, &iter);
	for (;;) {
		plist_dict_next_item(a, iter, &key, &value);
		if (!value)
			break;
		if (!plist_dict_get_item(b, key))
			fail_msg("only one of them has %s", key);
		free(key);
	}
	free(iter);
	plist_free(a);
	plist_free(b);
}

static void install_writes_what_the_files_have(void **state)
{
	const char *listen = "127.0.0.1:80", *to = "127.0.0.1:8080", *said;

	(void)state;
	assert_same_keys(read_source("lowport.web.plist"),
			 LOWPORT_OUT("install", "--print", "--listen", listen,
				     "--to", to));
	said = LOWPORT_OUT("install", "--daemon", "--listen", listen, "--to",
			   to);
	assert_same_keys(read_source("lowport.web.daemon.plist"), said);
}

static void the_readme_names_the_keys_and_files_of_install(void **state)
{
	static const char *const keys[] = {
		"Sockets",           "SockNodeName",
		"SockFamily",        "ProcessType",
		"ExitTimeOut",       "SoftResourceLimits",
		"StandardErrorPath", "LimitLoadToSessionType",
	};
	const char *readme = read_source("README.md");
	const char *list = LOWPORT_OUT("install", "--print", "--listen",
				       "127.0.0.1:80", "--to", "80");

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		assert_says(list, scrap("<key>%s</key>", keys[i]));
		assert_says(readme, scrap("`%s`", keys[i]));
	}
	assert_says(readme, "~/Library/Application Support/lowport/"
			    "lowport.LABEL/");
	assert_says(list, "/Library/Application Support/lowport/"
			  "lowport.127.0.0.1-80/lowport<");
	assert_says(readme, "~/Library/LaunchAgents/lowport.LABEL.plist");
	assert_says(readme, "lowport.LABEL.watch");
}

#define TEST(name) cmocka_unit_test_teardown(name, rig_end_test)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(the_agent_works_as_it_stands),
		TEST(the_daemon_works_as_it_stands),
		TEST(install_writes_what_the_files_have),
		TEST(the_readme_names_the_keys_and_files_of_install),
	};

	return cmocka_run_group_tests(tests, rig_set_up, rig_tear_down);
}
