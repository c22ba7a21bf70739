#include "launchd/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* lowport that is started as soon as it is loaded, so that it says at once what
 * is wrong. */
static void load_eager(const char *sockets, const char *listener,
		       const char *backend)
{
	rig_load(&(struct agent){
		.label = "web",
		.arguments = ARGV(rig_program(), "run", "--listen", listener,
				  "--to", backend),
		.sockets = sockets,
		.more = scrap("%s%s", rig_key("RunAtLoad", "<true/>"),
			      rig_key("ThrottleInterval",
				      "<integer>0</integer>"))});
}

/* It has said so, ended with 1, and is not started again. */
static const char *assert_refused(const char *text)
{
	struct place p = rig_place4();

	rig_await("web", "last exit code", "1");
	assert_says(rig_read(rig_log("web")), text);
	/* A throttle of 0 leaves no time in which it could still come. */
	RELAY("other", rig_key("o", rig_dict(&p)), "--listen", "launchd:o",
	      "--to", "127.0.0.1:9");
	peer_close(peer_dial(p.where));
	rig_await_log("other", "listening on");
	assert_string_equal(rig_print("web", "runs"), "1");
	assert_string_equal(rig_print("web", "state"), "not running");
	return rig_read(rig_log("web"));
}

static void
a_port_that_is_taken_is_said_and_mended_by_loading_again(void **state)
{
	struct place p = rig_place4();
	struct backend *squatter = backend_start(p.where, "squatter");
	struct backend *b = backend_start("127.0.0.1:0", "web");
	struct proc *launchd = rig_start(NULL);
	const char *said;

	(void)state;
	load_eager(rig_key("web", rig_dict(&p)),
		   scrap("launchd:web@%s", p.where), backend_where(b));
	proc_line(launchd, "web: bind(): Address already in use", 0);
	said = assert_refused(scrap(
		"lowport: launchd:web@%s: the socket from launchd", p.where));
	assert_says(said, scrap("is not bound; expected %s: its bind failed",
				p.where));
	assert_says(said, "another program holds the port (lsof");
	assert_says(said, "launchctl bootout");
	assert_served(p.where, squatter);
	backends_stop();
	peers_close();
	b = backend_start("127.0.0.1:0", "web");
	assert_int_equal(LAUNCHCTL(NULL, "bootout", rig_target("web")), 0);
	load_eager(rig_key("web", rig_dict(&p)),
		   scrap("launchd:web@%s", p.where), backend_where(b));
	assert_served(p.where, b);
}

static void an_unbound_socket_opens_no_other_port(void **state)
{
	struct place p = rig_place4();
	struct proc *launchd = rig_start(NULL);

	(void)state;
	backend_start(p.where, "squatter");
	load_eager(rig_key("web", rig_dict(&p)), "launchd:web", "127.0.0.1:9");
	proc_line(launchd, "web: pid", 0);
	assert_null(strstr(assert_refused("is not bound: its bind failed"),
			   "listening on"));
}

static void an_address_that_is_not_up_is_said(void **state)
{
	/* RFC 5737: nobody's. */
	const struct place p = {.node = "192.0.2.1", .service = "8080"};
	struct proc *launchd = rig_start(NULL);

	(void)state;
	if (strtol(rig_read("/proc/sys/net/ipv4/ip_nonlocal_bind"), NULL, 10))
		rig_skip("ip_nonlocal_bind = 0");
	load_eager(rig_key("web", rig_dict(&p)), "launchd:web@192.0.2.1:8080",
		   "127.0.0.1:9");
	proc_line(launchd, "web: bind(): Cannot assign requested address", 0);
	assert_says(assert_refused("expected 192.0.2.1:8080"),
		    "Usually the address is not up yet");
}

static void a_datagram_socket_is_refused(void **state)
{
	(void)state;
	rig_start(NULL);
	load_eager(rig_key("web", "<dict><key>SockType</key>"
				  "<string>dgram</string>"
				  "<key>SockNodeName</key>"
				  "<string>127.0.0.1</string></dict>"),
		   "launchd:web", "127.0.0.1:9");
	assert_refused("is a datagram (UDP) socket");
}

static void a_socket_that_is_bound_elsewhere_is_refused(void **state)
{
	struct place there = rig_place4(), here = rig_place4();

	(void)state;
	rig_start(NULL);
	load_eager(rig_key("web", rig_dict(&there)),
		   scrap("launchd:web@%s", here.where), "127.0.0.1:9");
	assert_refused(
		scrap("is bound to %s; expected %s", there.where, here.where));
}

static void a_wildcard_is_refused_where_an_address_was_asked_for(void **state)
{
	unsigned port = peer_free_port();

	(void)state;
	rig_start(NULL);
	load_eager(rig_key("web", scrap("<dict><key>SockServiceName</key>"
					"<integer>%u</integer></dict>",
					port)),
		   scrap("launchd:web@127.0.0.1:%u", port), "127.0.0.1:9");
	assert_refused(scrap("; expected 127.0.0.1:%u", port));
}

static void a_name_that_the_list_does_not_have_is_said(void **state)
{
	struct place p = rig_place4();

	(void)state;
	rig_start(NULL);
	load_eager(rig_key("http", rig_dict(&p)), "launchd:web", "127.0.0.1:9");
	assert_says(assert_refused("launchd knows no socket \"web\""),
		    "The name is the key under Sockets in the plist");
}

static void a_name_without_a_socket_is_said(void **state)
{
	const struct place p = {.node = "no such host", .service = "8080"};

	(void)state;
	rig_start(NULL);
	load_eager(rig_key("web", rig_dict(&p)), "launchd:web", "127.0.0.1:9");
	assert_refused("launchd handed over no socket");
}

static void from_a_shell_there_is_no_launchd(void **state)
{
	struct proc *p;

	(void)state;
	p = proc_start(ARGV(rig_program(), "run", "--listen", "launchd:web",
			    "--to", "127.0.0.1:9", "--allow-root"),
		       NULL);
	proc_end(p, 1);
	assert_says(proc_err(p), "launchd:web: launchd did not start this "
				 "process.\n");
	assert_says(proc_err(p), "or use --listen ADDR:PORT from a shell");
}

static void a_child_of_the_job_is_not_the_job(void **state)
{
	struct place p = rig_place4();

	(void)state;
	rig_start(NULL);
	rig_load(&(struct agent){
		.label = "web",
		.arguments = ARGV("/bin/sh", "-c",
				  scrap("%s run --listen launchd:web --to 9; "
					"exit 1",
					rig_program())),
		.sockets = rig_key("web", rig_dict(&p)),
		.more = rig_key("RunAtLoad", "<true/>")});
	assert_refused("launchd did not start this process");
}

#define TEST(name) cmocka_unit_test_teardown(name, rig_end_test)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_port_that_is_taken_is_said_and_mended_by_loading_again),
		TEST(an_unbound_socket_opens_no_other_port),
		TEST(an_address_that_is_not_up_is_said),
		TEST(a_datagram_socket_is_refused),
		TEST(a_socket_that_is_bound_elsewhere_is_refused),
		TEST(a_wildcard_is_refused_where_an_address_was_asked_for),
		TEST(a_name_that_the_list_does_not_have_is_said),
		TEST(a_name_without_a_socket_is_said),
		TEST(from_a_shell_there_is_no_launchd),
		TEST(a_child_of_the_job_is_not_the_job),
	};

	return cmocka_run_group_tests(tests, rig_set_up, rig_tear_down);
}
