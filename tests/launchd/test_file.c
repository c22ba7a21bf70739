#include "launchd/user.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* `lowport install -c FILE` under the stand-in: launchd holds what the file
 * listens on, and the same file goes on being read. */

static const char *relay(const char *name, const char *listen, const char *to)
{
	return scrap("[relay %s]\nlisten = %s\nto = %s\n", name, listen, to);
}

static const char *write_config(const char *text)
{
	return rig_write_file("site.conf", text);
}

static struct backend *backend(const char *name)
{
	return backend_start("127.0.0.1:0", name);
}

static void a_file_is_installed_served_and_read_again(void **state)
{
	struct place p = rig_place4(), q = rig_place4(), six = rig_place6();
	struct backend *b = backend("web"), *other = backend("other");
	const char *conf, *said, *plist;

	(void)state;
	rig_start(NULL);
	conf = write_config(scrap(
		"%s%s%s", relay("a", p.where, backend_where(b)),
		relay("b", q.where, backend_where(other)),
		relay("c", scrap("*:%s", six.service), backend_where(b))));
	said = LOWPORT("install", "-c", conf);
	assert_says(said, scrap("%s answers\n", p.where));
	assert_says(said, "remove: lowport uninstall site\n");
	plist = rig_read(user_plist("site"));
	assert_says(plist, scrap("<string>%s</string>", conf));
	assert_says(plist, "<string>launchd:listener4</string>");
	assert_served(p.where, b);
	assert_served(q.where, other);
	assert_served(scrap("127.0.0.1:%s", six.service), b);
	assert_served(scrap("[::1]:%s", six.service), b);
	assert_says(LOWPORT("doctor", "site"), scrap("%s: no mistake", conf));

	write_config(scrap("[lowport]\ndrain-timeout = 3s\n%s%s",
			   relay("a", p.where, backend_where(other)),
			   relay("b", q.where, backend_where(b))));
	assert_int_equal(kill(rig_pid("lowport.site"), SIGHUP), 0);
	rig_await_text(user_log("site"), "configuration is in force");
	assert_served(p.where, other);
	assert_served(q.where, b);
	assert_says(rig_read(user_log("site")),
		    scrap("no longer accepting on [::]:%s", six.service));
	LOWPORT("uninstall", "site");
	assert_false(user_loaded("lowport.site"));
}

static void a_listener_that_comes_needs_its_socket(void **state)
{
	struct place p = rig_place4(), q = rig_place4();
	struct backend *b = backend("web");
	const char *to = backend_where(b), *conf, *said;

	(void)state;
	if (geteuid() != 0)
		rig_skip("ports below 1024");
	rig_start(NULL);
	conf = write_config(relay("a", p.where, to));
	LOWPORT("install", "-c", conf, "--label", "web");
	assert_served(p.where, b);
	write_config(scrap("%s%s", relay("a", p.where, to),
			   relay("b", q.where, to)));
	assert_int_equal(kill(rig_pid("lowport.web"), SIGHUP), 0);
	rig_await_text(user_log("web"), "the configuration stays as it was");
	assert_says(rig_read(user_log("web")),
		    scrap("launchd handed over %s, not %s; run lowport install "
			  "again",
			  p.where, q.where));
	said = LOWPORT_ENDS(1, "doctor", "web");
	assert_says(said, scrap("listens at %s, which launchd does not hold",
				q.where));
	said = LOWPORT("install", "--reload", "web");
	assert_says(said, scrap("%s answers\n", q.where));
	assert_served(p.where, b);
	assert_served(q.where, b);
	LOWPORT("doctor", "web");
	LOWPORT("uninstall", "web");
}

static void a_mistake_in_the_file_touches_nothing(void **state)
{
	struct place p = rig_place4();
	struct backend *b = backend("web");
	const char *to = backend_where(b), *conf, *said;

	(void)state;
	rig_start(NULL);
	conf = write_config(relay("a", p.where, to));
	LOWPORT("install", "-c", conf, "--label", "web");
	write_config(
		scrap("%sidle-timeout = never\n", relay("a", p.where, to)));
	said = LOWPORT_ENDS(2, "install", "--reload", "web");
	assert_says(said, scrap("%s:4: idle-timeout: \"never\"", conf));
	assert_says(said, "nothing was touched");
	assert_says(LOWPORT_ENDS(1, "doctor", "web"), "is not a duration");
	assert_served(p.where, b);
	said = LOWPORT_ENDS(2, "install", "-c",
			    write_config(relay("a", "launchd:web", to)));
	assert_says(said, "relay a: \"launchd:web\": install has launchd make "
			  "the socket");
	said = LOWPORT_ENDS(2, "install", "-c", rig_file("nothing.conf"));
	assert_says(said, "nothing.conf: No such file");
	LOWPORT("uninstall", "web");
}

/* launchd starts who ends again and again, so the others are served. */
static void an_address_that_is_missing_keeps_nothing_from_the_rest(void **state)
{
	struct place p = rig_place4();
	struct backend *b = backend("web");
	const char *to = backend_where(b), *conf;

	(void)state;
	rig_start(NULL);
	conf = write_config(scrap("%s%s", relay("a", p.where, to),
				  relay("b", "203.0.113.9:80", to)));
	LOWPORT("install", "-c", conf, "--label", "web");
	assert_served(p.where, b);
	rig_await_text(user_log("web"), "203.0.113.9:80: this ");
	/* It was missing before, too. */
	write_config(scrap("%s%sidle-timeout = 1h\n", relay("a", p.where, to),
			   relay("b", "203.0.113.9:80", to)));
	assert_int_equal(kill(rig_pid("lowport.web"), SIGHUP), 0);
	rig_await_text(user_log("web"), "configuration is in force");
	assert_served(p.where, b);
	LOWPORT("uninstall", "web");
}

#define TEST(name) cmocka_unit_test_teardown(name, rig_end_test)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_file_is_installed_served_and_read_again),
		TEST(a_listener_that_comes_needs_its_socket),
		TEST(a_mistake_in_the_file_touches_nothing),
		TEST(an_address_that_is_missing_keeps_nothing_from_the_rest),
	};

	return cmocka_run_group_tests(tests, rig_set_up, rig_tear_down);
}
