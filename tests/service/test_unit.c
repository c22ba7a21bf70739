#include "service/unit.h"

#include "os/file.h"
#include "service/agent_systemd.h"
#include "support/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The units of systemd, as text and back. */

static struct agent agent, back;
static struct fault why;
static char home[64];

static int set_up(void **state)
{
	(void)state;
	snprintf(home, sizeof(home), "/tmp/lowport-unit-XXXXXX");
	if (!mkdtemp(home))
		return -1;
	setenv("HOME", home, 1);
	memset(&back, 0, sizeof(back));
	if (agent_init_systemd(&agent, "web", &why) < 0)
		return -1;
	agent.exit_timeout_s = 32;
	agent.backlog = 4096;
	snprintf(agent.program, sizeof(agent.program), "/usr/bin/lowport");
	agent_add_argument(&agent, "run", &why);
	return agent_place_systemd(&agent, false, &why);
}

static int tear_down(void **state)
{
	char command[100];

	(void)state;
	agent_free(&agent);
	agent_free(&back);
	snprintf(command, sizeof(command), "rm -r %s", home);
	return system(command);
}

static void listen_on(const char *where, bool first)
{
	if (agent_add_listener_systemd(&agent, where, first, &why) < 0)
		fail_msg("%s", why.text);
}

static void to(const char *backend)
{
	assert_int_equal(agent_add_argument(&agent, "--to", &why), 0);
	assert_int_equal(agent_add_argument(&agent, backend, &why), 0);
}

static const char *socket_text(size_t first)
{
	static char buf[4096];
	char *text = unit_socket(&agent, first);

	assert_non_null(text);
	snprintf(buf, sizeof(buf), "%s", text);
	free(text);
	return buf;
}

static const char *service_text(const char *user)
{
	static char buf[8192];
	char *text = unit_service(&agent, user);

	assert_non_null(text);
	snprintf(buf, sizeof(buf), "%s", text);
	free(text);
	return buf;
}

static void assert_silent_on(const char *text, const char *unwanted)
{
	if (strstr(text, unwanted))
		fail_msg("\"%s\" is said by: %s", unwanted, text);
}

static void one_address_is_one_socket(void **state)
{
	(void)state;
	listen_on("127.0.0.1:8000", true);
	to("3000");
	assert_string_equal(
		socket_text(0),
		"# Held by systemd. lowport-web.service starts with "
		"the first client.\n"
		"[Unit]\n"
		"Description=127.0.0.1:8000 for lowport\n"
		"Documentation=man:lowport(1)\n"
		"\n"
		"[Socket]\n"
		"ListenStream=127.0.0.1:8000\n"
		"FileDescriptorName=web\n"
		"Service=lowport-web.service\n"
		"Accept=no\n"
		"Backlog=4096\n"
		"NoDelay=yes\n"
		"\n"
		"[Install]\n"
		"WantedBy=sockets.target\n");
	assert_says(service_text(NULL),
		    "\nExecStart=/usr/bin/lowport run --listen "
		    "systemd:web@127.0.0.1:8000 --to 3000\n");
	assert_says(service_text(NULL), "\nType=notify\n");
	assert_says(service_text(NULL), "\nNonBlocking=true\n");
	assert_says(service_text(NULL), "\nTimeoutStopSec=32\n");
	assert_says(service_text(NULL), "\nRequires=lowport-web.socket\n");
}

static void addresses_of_a_group_share_a_socket_unit(void **state)
{
	(void)state;
	listen_on("127.0.0.1:8000", true);
	listen_on("[::1]:8000", false);
	to("3000");
	assert_int_equal(agent_next_name(&agent, 0), 2);
	assert_says(socket_text(0), "\nListenStream=127.0.0.1:8000\n"
				    "ListenStream=[::1]:8000\n");
	assert_says(service_text(NULL),
		    " run --listen systemd:web --to 3000\n");
}

static void another_group_has_a_socket_unit_of_its_own(void **state)
{
	char unit[UNIT_NAME];

	(void)state;
	listen_on("127.0.0.1:8000", true);
	to("3000");
	listen_on("127.0.0.1:8001", true);
	to("3001");
	assert_int_equal(agent_next_name(&agent, 0), 1);
	assert_string_equal(agent_socket_unit(&agent, 0, unit),
			    "lowport-web.socket");
	assert_string_equal(agent_socket_unit(&agent, 1, unit),
			    "lowport-web@2.socket");
	assert_says(socket_text(1), "\nFileDescriptorName=web-2\n"
				    "Service=lowport-web.service\n");
	assert_says(service_text(NULL), "\nSockets=lowport-web.socket "
					"lowport-web@2.socket\n");
	assert_says(service_text(NULL),
		    " --listen systemd:web@127.0.0.1:8000 --to 3000 --listen "
		    "systemd:web-2@127.0.0.1:8001 --to 3001\n");
}

static void both_wildcards_do_not_collide(void **state)
{
	(void)state;
	listen_on("*:8000", true);
	assert_says(socket_text(0), "\nListenStream=0.0.0.0:8000\n"
				    "ListenStream=[::]:8000\n"
				    "BindIPv6Only=ipv6-only\n");
	assert_silent_on(socket_text(0), "FreeBind");
}

static void an_address_that_may_come_later_is_bound_now(void **state)
{
	(void)state;
	listen_on("10.9.8.7:8000", true);
	assert_says(socket_text(0), "\nFreeBind=yes\n");
}

static void an_interface_is_a_socket_for_all_addresses(void **state)
{
	(void)state;
	listen_on("127.0.0.1:8000", true);
	listen_on("if:wg0+ll:8001", false);
	listen_on("127.0.0.1:8002", false);
	to("3000");
	assert_int_equal(agent_next_name(&agent, 0), 1);
	assert_int_equal(agent_next_name(&agent, 1), 2);
	assert_says(socket_text(1),
		    "\nListenStream=[::]:8001\nBindIPv6Only=both\n");
	assert_says(service_text(NULL),
		    " --listen systemd:web@127.0.0.1:8000 --listen "
		    "systemd:web-2@if:wg0+ll --listen "
		    "systemd:web-3@127.0.0.1:8002 --to 3000\n");
	assert_string_equal(agent.sockets[1].interface, "wg0");
}

static void a_user_gets_what_needs_no_rights(void **state)
{
	(void)state;
	listen_on("127.0.0.1:8000", true);
	assert_says(service_text("ann"), "\nNoNewPrivileges=yes\n");
	assert_says(service_text("ann"),
		    "\nSystemCallFilter=@system-service\n");
	assert_silent_on(service_text("ann"), "DynamicUser");
	assert_silent_on(service_text("ann"), "Private");
	assert_silent_on(service_text("ann"), "Protect");
	assert_silent_on(service_text("ann"), "Capability");
	assert_silent_on(service_text("ann"), "User=ann");
}

static void the_system_gives_a_user_of_its_own(void **state)
{
	(void)state;
	listen_on("127.0.0.1:80", true);
	assert_int_equal(agent_place_systemd(&agent, true, &why), 0);
	assert_string_equal(agent.file,
			    "/etc/systemd/system/lowport-web.service");
	assert_says(service_text("ann"), "\nDynamicUser=yes\n");
	assert_says(service_text("ann"), "\nCapabilityBoundingSet=\n");
	assert_says(service_text("ann"), "\nProtectHome=yes\n");
	assert_silent_on(service_text("ann"), "User=ann");
	agent.to_home = true;
	assert_says(service_text("ann"), "\nProtectHome=read-only\n");
}

static void an_app_runs_as_who_asked_and_may_do_more(void **state)
{
	(void)state;
	listen_on("127.0.0.1:80", true);
	agent.starts_app = true;
	assert_says(service_text(NULL), "\nKillMode=mixed\n");
	assert_silent_on(service_text(NULL), "SystemCallFilter");
	agent_place_systemd(&agent, true, &why);
	assert_says(service_text("ann"), "\nUser=ann\n");
	assert_says(service_text("ann"), "\nCapabilityBoundingSet=\n");
	assert_says(service_text("ann"), "\nProtectSystem=full\n");
	assert_silent_on(service_text("ann"), "MemoryDenyWriteExecute");
	assert_silent_on(service_text("ann"), "ProtectHome");
	assert_silent_on(service_text("ann"), "DynamicUser");
	assert_says(service_text(NULL), "\nDynamicUser=yes\n");
}

static void write_all(void)
{
	char unit[UNIT_NAME], path[AGENT_PATH], *text;

	for (size_t i = 0; i < agent.socket_count;
	     i = agent_next_name(&agent, i)) {
		agent_unit_file(&agent, agent_socket_unit(&agent, i, unit),
				path);
		text = unit_socket(&agent, i);
		assert_int_equal(file_make_parent(path), 0);
		assert_int_equal(file_replace(path, text, strlen(text), 0644),
				 0);
		free(text);
	}
	text = unit_service(&agent, NULL);
	assert_int_equal(file_replace(agent.file, text, strlen(text), 0644), 0);
	free(text);
}

static void what_is_written_is_read_back(void **state)
{
	(void)state;
	listen_on("127.0.0.1:8000", true);
	listen_on("[2001:db8::1]:8000", false);
	to("unix:/run/50% of $HOME \"x\".sock");
	listen_on("if:wg0:8001", true);
	to("3000");
	snprintf(agent.program, sizeof(agent.program), "%s/a b/lowport", home);
	write_all();
	assert_int_equal(agent_init_systemd(&back, "web", &why), 0);
	assert_int_equal(agent_place_systemd(&back, false, &why), 0);
	assert_int_equal(unit_read(&back, &why), 0);
	assert_string_equal(back.program, agent.program);
	assert_int_equal(back.exit_timeout_s, 32);
	assert_int_equal(back.argument_count, agent.argument_count);
	for (size_t i = 0; i < agent.argument_count; i++)
		assert_string_equal(back.arguments[i], agent.arguments[i]);
	assert_int_equal(back.socket_count, agent.socket_count);
	for (size_t i = 0; i < agent.socket_count; i++) {
		assert_true(addr_equal(&back.sockets[i].addr,
				       &agent.sockets[i].addr));
		assert_string_equal(back.sockets[i].name,
				    agent.sockets[i].name);
		assert_string_equal(back.sockets[i].interface,
				    agent.sockets[i].interface);
	}
}

static void a_file_s_sockets_are_taken_by_their_addresses(void **state)
{
	struct addr at;

	(void)state;
	assert_int_equal(addr_parse(&at, "127.0.0.1:8000"), 0);
	assert_int_equal(agent_add_socket_systemd(&agent, &at, false, &why), 0);
	assert_int_equal(addr_parse(&at, "[::]:8001"), 0);
	assert_int_equal(agent_add_socket_systemd(&agent, &at, true, &why), 0);
	assert_int_equal(agent_add_interface_systemd(&agent, "wg0", true, 8002,
						     &why),
			 0);
	assert_says(socket_text(0),
		    "\nListenStream=127.0.0.1:8000\nListenStream=[::]:8001\n"
		    "BindIPv6Only=ipv6-only\n");
	assert_silent_on(socket_text(0), "X-Lowport");
	assert_says(socket_text(2), "\nListenStream=[::]:8002\n"
				    "BindIPv6Only=both\n"
				    "X-Lowport-Interface=wg0\n");
	/* Nothing is said of them but what takes them. */
	assert_int_equal(agent.argument_count, 1);
	assert_int_equal(agent_add_interface_systemd(&agent, "wg1", false, 8002,
						     &why),
			 -EADDRINUSE);
	assert_says(why.text, "if:wg1:8002: systemd holds that port for all");
	/* And the interface is found again. */
	write_all();
	assert_int_equal(agent_init_systemd(&back, "web", &why), 0);
	assert_int_equal(agent_place_systemd(&back, false, &why), 0);
	assert_int_equal(unit_read(&back, &why), 0);
	assert_int_equal(back.socket_count, 3);
	assert_string_equal(back.sockets[0].interface, "");
	assert_string_equal(back.sockets[1].interface, "");
	assert_string_equal(back.sockets[2].interface, "wg0");
}

static void files_that_are_missing_or_odd_are_said(void **state)
{
	static const char odd[] = "[Service]\nExecStart=/bin/lowport run\n"
				  "Sockets=lowport-web.socket\n";

	(void)state;
	assert_int_equal(unit_read(&agent, &why), -ENOENT);
	file_make_parent(agent.file);
	file_replace(agent.file, "", 0, 0644);
	assert_int_equal(unit_read(&agent, &why), -EINVAL);
	assert_says(why.text, "lowport-web.service: no ExecStart=");
	file_replace(agent.file, odd, strlen(odd), 0644);
	assert_int_equal(unit_read(&agent, &why), -EINVAL);
	assert_says(why.text, "lowport-web.socket does not exist, though");
}

/* A package may replace it there; elsewhere it may be gone tomorrow, or not be
 * seen by a service that has no home. */
static void a_program_of_the_system_is_run_where_it_is(void **state)
{
	char own[AGENT_PATH];

	(void)state;
	agent_choose_program(&agent, "/bin/sh");
	assert_string_equal(agent.program, "/bin/sh");
	assert_false(agent_has_copy(&agent));
	snprintf(own, sizeof(own), "%s/lowport", home);
	file_replace(own, "", 0, 0755);
	agent_choose_program(&agent, own);
	snprintf(own, sizeof(own), "%s/.local/share/lowport/web/lowport", home);
	assert_string_equal(agent.program, own);
	assert_true(agent_has_copy(&agent));
	agent_place_systemd(&agent, true, &why);
	agent_choose_program(&agent, "/home/ann/lowport");
	assert_string_equal(agent.program,
			    "/usr/local/libexec/lowport/web/lowport");
}

static void what_systemd_cannot_hold_is_a_mistake(void **state)
{
	static const char *const bad[] = {"unix:/run/x", "systemd:web",
					  "fd:3",        "80",
					  "127.0.0.1:0", "if::80"};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_true(agent_add_listener_systemd(&agent, bad[i], true,
						       &why) < 0);
	assert_int_equal(agent.socket_count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_address_is_one_socket),
		TEST(addresses_of_a_group_share_a_socket_unit),
		TEST(another_group_has_a_socket_unit_of_its_own),
		TEST(both_wildcards_do_not_collide),
		TEST(an_address_that_may_come_later_is_bound_now),
		TEST(an_interface_is_a_socket_for_all_addresses),
		TEST(a_user_gets_what_needs_no_rights),
		TEST(the_system_gives_a_user_of_its_own),
		TEST(an_app_runs_as_who_asked_and_may_do_more),
		TEST(what_is_written_is_read_back),
		TEST(a_file_s_sockets_are_taken_by_their_addresses),
		TEST(files_that_are_missing_or_odd_are_said),
		TEST(a_program_of_the_system_is_run_where_it_is),
		TEST(what_systemd_cannot_hold_is_a_mistake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
