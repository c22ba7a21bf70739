#include "launchd/user.h"

#include <plist/plist.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* What `lowport install` writes, and what it refuses before doing anything. */

static plist_t read_xml(const char *text)
{
	plist_t root = NULL;

	assert_true(strncmp(text, "<?xml", 5) == 0);
	assert_non_null(strstr(text, "<!DOCTYPE plist PUBLIC"));
	plist_from_xml(text, (uint32_t)strlen(text), &root);
	assert_non_null(root);
	assert_int_equal(plist_get_node_type(root), PLIST_DICT);
	return root;
}

static void assert_string_at(plist_t dict, const char *key, const char *wanted)
{
	plist_t node = plist_dict_get_item(dict, key);
	char *text = NULL;

	if (!node)
		fail_msg("there is no %s", key);
	plist_get_string_val(node, &text);
	assert_string_equal(text, wanted);
	free(text);
}

static uint64_t number_at(plist_t dict, const char *key)
{
	plist_t node = plist_dict_get_item(dict, key);
	uint64_t number = 0;

	if (!node)
		fail_msg("there is no %s", key);
	plist_get_uint_val(node, &number);
	return number;
}

static void assert_array_at(plist_t dict, const char *key,
			    const char *const wanted[])
{
	plist_t array = plist_dict_get_item(dict, key);
	uint32_t i = 0;

	assert_non_null(array);
	for (; wanted[i]; i++) {
		char *text = NULL;

		plist_get_string_val(plist_array_get_item(array, i), &text);
		assert_string_equal(text, wanted[i]);
		free(text);
	}
	assert_int_equal(plist_array_get_size(array), i);
}

static void assert_socket(plist_t root, const char *name, const char *family,
			  const char *node, const char *service)
{
	plist_t entry = plist_access_path(root, 2, "Sockets", name);

	assert_non_null(entry);
	assert_string_at(entry, "SockType", "stream");
	assert_string_at(entry, "SockFamily", family);
	assert_string_at(entry, "SockNodeName", node);
	assert_string_at(entry, "SockServiceName", service);
	assert_int_equal(plist_dict_get_size(entry), 4);
}

static void assert_absent(plist_t root, const char *key)
{
	if (plist_dict_get_item(root, key))
		fail_msg("there is a %s", key);
}

static void the_list_that_is_printed_has_each_key_and_no_other(void **state)
{
	plist_t root;

	(void)state;
	root = read_xml(LOWPORT_OUT("install", "--print", "--listen",
				    "10.8.0.2:80", "--listen", "[::1]:443",
				    "--to", "3000", "--label", "wg-web",
				    "--drain-timeout", "13s"));
	assert_string_at(root, "Label", "lowport.wg-web");
	assert_array_at(root, "ProgramArguments",
			ARGV(user_copy("wg-web"), "run", "--listen",
			     "launchd:listener1@10.8.0.2:80", "--listen",
			     "launchd:listener2@[::1]:443", "--to", "3000",
			     "--drain-timeout", "13s"));
	assert_socket(root, "listener1", "IPv4", "10.8.0.2", "80");
	assert_socket(root, "listener2", "IPv6", "::1", "443");
	assert_string_at(root, "ProcessType", "Interactive");
	assert_int_equal(number_at(root, "ExitTimeOut"), 15);
	assert_int_equal(
		number_at(plist_dict_get_item(root, "SoftResourceLimits"),
			  "NumberOfFiles"),
		10240);
	assert_string_at(root, "StandardErrorPath", user_log("wg-web"));
	assert_array_at(root, "LimitLoadToSessionType",
			ARGV("Aqua", "Background"));
	/* KeepAlive, RunAtLoad, UserName, EnableTransactions and
	 * inetdCompatibility would all be wrong. */
	assert_int_equal(plist_dict_get_size(root), 8);
	plist_free(root);
}

static void each_socket_has_a_node_even_for_all_addresses(void **state)
{
	plist_t root;

	(void)state;
	root = read_xml(LOWPORT_OUT("install", "--print", "--listen", "*:80",
				    "--to", "3000"));
	assert_socket(root, "listener1", "IPv4", "0.0.0.0", "80");
	assert_socket(root, "listener2", "IPv6", "::", "80");
	plist_free(root);
}

static void a_value_with_markup_in_it_stays_one_value(void **state)
{
	const char *odd = "unix:/tmp/a<b>&\"c\".sock";
	plist_t root;

	(void)state;
	root = read_xml(LOWPORT_OUT("install", "--print", "--listen",
				    "127.0.0.1:80", "--to", odd, "--label",
				    "x"));
	assert_array_at(root, "ProgramArguments",
			ARGV(user_copy("x"), "run", "--listen",
			     "launchd:listener1@127.0.0.1:80", "--to", odd));
	plist_free(root);
}

static void printing_touches_nothing(void **state)
{
	(void)state;
	/* No launchd runs, and root may ask too. */
	LOWPORT("install", "--print", "--listen", "127.0.0.1:80", "--to",
		"3000");
	user_hears_undropped(0, "SUDO_USER=someone",
			     ARGV(rig_program(), "install", "--print",
				  "--listen", "127.0.0.1:80", "--to", "3000"));
	assert_false(user_has(rig_file("Library")));
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		n++;
	return n;
}

static void a_daemon_has_a_user_and_one_line_with_sudo(void **state)
{
	const char *said;
	plist_t root;

	(void)state;
	said = user_hears_undropped(0, "SUDO_USER=nobody",
				    ARGV(rig_program(), "install", "--daemon",
					 "--listen", "10.8.0.2:80", "--to",
					 "3000", "--label", "web"));
	assert_int_equal(count(said, "\n  sudo "), 1);
	assert_says(said, "install -o root -g wheel -m 644 lowport.web.plist "
			  "/Library/LaunchDaemons/lowport.web.plist");
	root = read_xml(scrap(
		"%.*s", (int)(strstr(said, "</plist>") - said + 9), said));
	if (geteuid() == 0)
		assert_string_at(root, "UserName", "nobody");
	assert_non_null(plist_dict_get_item(root, "UserName"));
	assert_absent(root, "LimitLoadToSessionType");
	assert_absent(root, "KeepAlive");
	assert_array_at(root, "ProgramArguments",
			ARGV("/usr/local/libexec/lowport", "run", "--listen",
			     "launchd:listener1@10.8.0.2:80", "--to", "3000"));
	assert_socket(root, "listener1", "IPv4", "10.8.0.2", "80");
	assert_string_at(root, "StandardErrorPath",
			 "/Library/Logs/lowport.web.log");
	assert_false(user_has(rig_file("Library")));
	plist_free(root);
}

static void a_daemon_is_never_roots_own(void **state)
{
	const char *said;

	(void)state;
	if (geteuid() != 0)
		rig_skip("root");
	said = user_hears_undropped(0, NULL,
				    ARGV(rig_program(), "install", "--daemon",
					 "--listen", "10.8.0.2:80", "--to",
					 "3000"));
	assert_says(said, "<string>nobody</string>");
}

/* Root's shell would read the line in another way than it looks. */
static void a_daemon_is_refused_from_a_path_with_quotes(void **state)
{
	static const char *const names[] = {"o'clock", "a\"b", "a`id`",
					    "a$HOME", "a\\b"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *program = rig_file(names[i]), *said;

		assert_int_equal(link(rig_program(), program), 0);
		said = user_hears_undropped(1, "SUDO_USER=nobody",
					    ARGV(program, "install", "--daemon",
						 "--listen", "10.8.0.2:80",
						 "--to", "3000"));
		assert_says(said, "the path of this program has quotes");
		assert_null(strstr(said, "sudo"));
	}
}

/* All that change something, as root or through sudo. */
static void assert_refused(const char *variable)
{
	const char *said;

	said = user_hears_undropped(2, variable,
				    ARGV(rig_program(), "install", "--listen",
					 "127.0.0.1:80", "--to", "3000"));
	assert_says(said, "run this as yourself, without sudo");
	said = user_hears_undropped(
		2, variable, ARGV(rig_program(), "install", "--reload", "web"));
	assert_says(said, "run this as yourself, without sudo");
	said = user_hears_undropped(2, variable,
				    ARGV(rig_program(), "uninstall", "web"));
	assert_says(said, "run this as yourself, without sudo");
	assert_false(user_has(rig_file("Library")));
}

static void root_is_refused(void **state)
{
	(void)state;
	if (geteuid() != 0)
		rig_skip("root");
	assert_refused(NULL);
}

static void sudo_is_refused(void **state)
{
	(void)state;
	assert_refused("SUDO_USER=someone");
}

static void all_mistakes_are_said_at_once(void **state)
{
	const char *said;

	(void)state;
	said = LOWPORT_ENDS(2, "install", "--listen", "nothing", "--to",
			    "127.0.0.1", "--label", "a/b", "--idle-timeout",
			    "10x", "--what");
	assert_says(said, "--listen: \"nothing\" is not ADDR:PORT");
	assert_says(said, "--to: \"127.0.0.1\" has no port");
	assert_says(said, "\"a/b\" cannot be a label");
	assert_says(said, "--idle-timeout: ");
	assert_says(said, "--what: no such option");
	assert_false(user_has(rig_file("Library")));
}

static void a_listener_that_launchd_cannot_make_is_a_mistake(void **state)
{
	static const char *const bad[] = {
		"unix:/tmp/x", "systemd:web",      "fd:3",
		"launchd:web", "only:10.0.0.1:80", "127.0.0.1",
		"80",          "127.0.0.1:0",      "no-such-if0:80",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_says(LOWPORT_ENDS(2, "install", "--print", "--listen",
					 bad[i], "--to", "3000"),
			    scrap("%.*s", (int)strcspn(bad[i], ":"), bad[i]));
}

static void a_label_is_checked(void **state)
{
	static const char *const bad[] = {"",    ".web",      "a b",
					  "a/b", "web.watch", "-\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		LOWPORT_ENDS(2, "install", "--print", "--listen",
			     "127.0.0.1:80", "--to", "3000", "--label", bad[i]);
}

static void nothing_to_listen_on_or_to_is_a_mistake(void **state)
{
	(void)state;
	assert_says(LOWPORT_ENDS(2, "install"), "nothing to listen on");
	assert_says(LOWPORT_ENDS(2, "install", "--listen", "127.0.0.1:80"),
		    "nothing says where to forward (try --to");
	assert_says(LOWPORT_ENDS(2, "install", "--listen"), "wants a value");
	assert_says(LOWPORT_ENDS(2, "install", "--reload"),
		    "wants the label of an installed agent");
	assert_says(LOWPORT_ENDS(2, "install", "--reload", "web", "--to", "80"),
		    "--reload stands alone");
	assert_says(LOWPORT_ENDS(2, "uninstall"), "wants one label");
	assert_says(LOWPORT_ENDS(2, "uninstall", "a", "b"), "wants one label");
}

static void a_system_without_launchctl_is_said(void **state)
{
	const char *path = scrap("%s", getenv("PATH"));

	(void)state;
	assert_int_equal(setenv("PATH", "/none", 1), 0);
	assert_says(LOWPORT_ENDS(1, "install", "--listen", "127.0.0.1:80",
				 "--to", "3000"),
		    "this is no macOS");
	assert_int_equal(setenv("PATH", path, 1), 0);
}

#define TEST(name) cmocka_unit_test_teardown(name, rig_end_test)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(the_list_that_is_printed_has_each_key_and_no_other),
		TEST(each_socket_has_a_node_even_for_all_addresses),
		TEST(a_value_with_markup_in_it_stays_one_value),
		TEST(printing_touches_nothing),
		TEST(a_daemon_has_a_user_and_one_line_with_sudo),
		TEST(a_daemon_is_never_roots_own),
		TEST(a_daemon_is_refused_from_a_path_with_quotes),
		TEST(root_is_refused),
		TEST(sudo_is_refused),
		TEST(all_mistakes_are_said_at_once),
		TEST(a_listener_that_launchd_cannot_make_is_a_mistake),
		TEST(a_label_is_checked),
		TEST(nothing_to_listen_on_or_to_is_a_mistake),
		TEST(a_system_without_launchctl_is_said),
	};

	return cmocka_run_group_tests(tests, rig_set_up, rig_tear_down);
}
