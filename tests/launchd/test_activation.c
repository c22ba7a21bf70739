#include "launchd/rig.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char *one(const char *name, const struct place *p)
{
	return rig_key(name, rig_dict(p));
}

/* lowport behind one socket, and its backend. */
static struct backend *load_web(const struct place *p)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");

	RELAY("web", one("web", p), "--listen",
	      scrap("launchd:web@%s", p->where), "--to", backend_where(b));
	return b;
}

static void the_first_client_starts_the_job_and_is_served(void **state)
{
	struct place p = rig_place4();
	struct backend *b;

	(void)state;
	rig_start(NULL);
	b = load_web(&p);
	assert_string_equal(rig_print("web", "state"), "not running");
	assert_string_equal(rig_print("web", "active"), "0");
	assert_served(p.where, b);
	assert_string_equal(rig_print("web", "state"), "running");
	assert_string_equal(rig_print("web", "active"), "1");
	assert_string_equal(rig_print("web", "runs"), "1");
	assert_string_equal(rig_print("web", "immediate reason"),
			    "ipc (socket)");
	assert_served(p.where, b);
	assert_string_equal(rig_print("web", "runs"), "1");
}

static void an_ipv6_address_is_served(void **state)
{
	struct place p = rig_place6();
	struct backend *b;

	(void)state;
	rig_start(NULL);
	b = load_web(&p);
	assert_served(p.where, b);
}

static void one_name_serves_both_families(void **state)
{
	struct place v4 = rig_place4(), v6 = rig_place6();
	struct backend *b = backend_start("127.0.0.1:0", "both");

	(void)state;
	rig_start(NULL);
	RELAY("both",
	      rig_key("web", scrap("<array>%s%s</array>", rig_dict(&v4),
				   rig_dict(&v6))),
	      "--listen", "launchd:web", "--to", backend_where(b));
	assert_served(v6.where, b);
	assert_served(v4.where, b);
	assert_string_equal(rig_print("both", "runs"), "1");
}

static void each_name_has_its_own_backend(void **state)
{
	struct place web = rig_place4(), api = rig_place4();
	struct backend *to_web = backend_start("127.0.0.1:0", "web");
	struct backend *to_api = backend_start("127.0.0.1:0", "api");

	(void)state;
	rig_start(NULL);
	RELAY("two", scrap("%s%s", one("web", &web), one("api", &api)),
	      "--listen", scrap("launchd:api@%s", api.where), "--to",
	      backend_where(to_api), "--listen",
	      scrap("launchd:web@%s", web.where), "--to",
	      backend_where(to_web));
	assert_served(web.where, to_web);
	assert_served(api.where, to_api);
}

static void a_socket_file_is_served(void **state)
{
	const char *path = rig_file("web.sock");
	struct backend *b = backend_start("127.0.0.1:0", "web");
	struct stat st;

	(void)state;
	rig_start(NULL);
	/* SockPathMode is decimal: 432 is 0660. */
	RELAY("file",
	      rig_key("web", scrap("<dict><key>SockPathName</key>"
				   "<string>%s</string>"
				   "<key>SockPathMode</key>"
				   "<integer>432</integer></dict>",
				   path)),
	      "--listen", scrap("launchd:web@unix:%s", path), "--to",
	      backend_where(b));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_int_equal(st.st_uid, rig_user());
	assert_served(scrap("unix:%s", path), b);
}

static void an_unprivileged_launchd_serves_a_high_port(void **state)
{
	const struct rig_options opt = {.unprivileged = true};
	struct backend *b;
	struct place p;

	(void)state;
	rig_start(&opt);
	p = rig_place4();
	b = load_web(&p);
	assert_served(p.where, b);
}

static void the_port_is_privileged_and_the_job_is_not(void **state)
{
	struct place p = rig_place4();
	struct backend *b;
	struct stat st;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		rig_skip("root, to hold a port below 1024");
	rig_start(NULL);
	b = load_web(&p);
	assert_string_equal(p.service, "80");
	assert_served(p.where, b);
	pid = rig_pid("web");
	/* The owner of /proc/PID is whom it runs as (proc(5)). */
	assert_int_equal(stat(scrap("/proc/%d", (int)pid), &st), 0);
	assert_int_equal(st.st_uid, proc_user());
	assert_int_equal(st.st_gid, proc_user());
	assert_int_equal(getpgid(pid), pid);
}

static void what_launchd_hands_over_is_not_inherited_further(void **state)
{
	struct place p = rig_place4();
	struct backend *b;
	const char *said, *info;
	unsigned long flags;
	int fd;

	(void)state;
	rig_start(NULL);
	b = load_web(&p);
	assert_served(p.where, b);
	LAUNCHCTL(&said, "print", rig_target("web"));
	assert_int_equal(sscanf(strstr(said, "\t\t\tsockets = {"),
				" sockets = { %d", &fd),
			 1);
	info = rig_read(scrap("/proc/%d/fdinfo/%d", (int)rig_pid("web"), fd));
	assert_non_null(strstr(info, "flags:"));
	flags = strtoul(strstr(info, "flags:") + 6, NULL, 8);
	assert_true(flags & O_CLOEXEC);
	assert_true(flags & O_NONBLOCK);
}

static void run_at_load_starts_it_without_a_client(void **state)
{
	struct place p = rig_place4();

	(void)state;
	rig_start(NULL);
	rig_load(&(struct agent){.label = "eager",
				 .arguments = ARGV(rig_program(), "run",
						   "--listen", "launchd:web",
						   "--to", "127.0.0.1:9"),
				 .sockets = one("web", &p),
				 .more = rig_key("RunAtLoad", "<true/>")});
	rig_await_log("eager", scrap("listening on %s", p.where));
	assert_string_equal(rig_print("eager", "immediate reason"),
			    "speculative");
}

static void the_list_sets_up_the_process(void **state)
{
	const char *said, *out = rig_file("out");

	(void)state;
	rig_start(NULL);
	rig_load(&(struct agent){
		.label = "sh",
		.arguments = ARGV("/bin/sh", "-c",
				  "echo soft=`ulimit -Sn` hard=`ulimit -Hn` "
				  "in=`pwd` greeting=$GREETING "
				  "label=$XPC_SERVICE_NAME user=`id -u`; "
				  "echo problem &gt;&amp;2"),
		.more = scrap("%s%s%s%s%s%s", rig_key("RunAtLoad", "<true/>"),
			      rig_key("StandardOutPath",
				      scrap("<string>%s</string>", out)),
			      rig_key("WorkingDirectory",
				      "<string>/usr</string>"),
			      rig_key("EnvironmentVariables",
				      "<dict><key>GREETING</key>"
				      "<string>hello</string></dict>"),
			      rig_key("SoftResourceLimits",
				      "<dict><key>NumberOfFiles</key>"
				      "<integer>300</integer></dict>"),
			      rig_key("HardResourceLimits",
				      "<dict><key>NumberOfFiles</key>"
				      "<integer>400</integer></dict>"))});
	said = rig_await_text(out, "\n");
	assert_string_equal(
		said, scrap("soft=300 hard=400 in=/usr greeting=hello label=sh "
			    "user=%u\n",
			    (unsigned)rig_user()));
	rig_await_log("sh", "problem\n");
	rig_await("sh", "last exit code", "0");
}

static void without_a_word_the_soft_limit_is_that_of_an_agent(void **state)
{
	(void)state;
	rig_start(NULL);
	rig_load(&(struct agent){.label = "sh",
				 .arguments = ARGV("/bin/sh", "-c",
						   "ulimit -Sn &gt;&amp;2"),
				 .more = rig_key("RunAtLoad", "<true/>")});
	rig_await_log("sh", "256\n");
}

static void lowport_raises_the_limit_that_launchd_gave_it(void **state)
{
	struct place p = rig_place4();
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *limits;
	unsigned soft, hard;

	(void)state;
	rig_start(NULL);
	rig_load(&(struct agent){
		.label = "web",
		.arguments = ARGV(rig_program(), "run", "--listen",
				  "launchd:web", "--to", backend_where(b)),
		.sockets = one("web", &p),
		.more = rig_key("HardResourceLimits",
				"<dict><key>NumberOfFiles</key>"
				"<integer>1000</integer></dict>")});
	assert_served(p.where, b);
	limits = rig_read(scrap("/proc/%d/limits", (int)rig_pid("web")));
	limits = strstr(limits, "Max open files");
	assert_non_null(limits);
	assert_int_equal(sscanf(limits, "Max open files %u %u", &soft, &hard),
			 2);
	assert_int_equal(soft, 1000);
	assert_int_equal(hard, 1000);
}

#define TEST(name) cmocka_unit_test_teardown(name, rig_end_test)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(the_first_client_starts_the_job_and_is_served),
		TEST(an_ipv6_address_is_served),
		TEST(one_name_serves_both_families),
		TEST(each_name_has_its_own_backend),
		TEST(a_socket_file_is_served),
		TEST(an_unprivileged_launchd_serves_a_high_port),
		TEST(the_port_is_privileged_and_the_job_is_not),
		TEST(what_launchd_hands_over_is_not_inherited_further),
		TEST(run_at_load_starts_it_without_a_client),
		TEST(the_list_sets_up_the_process),
		TEST(without_a_word_the_soft_limit_is_that_of_an_agent),
		TEST(lowport_raises_the_limit_that_launchd_gave_it),
	};

	return cmocka_run_group_tests(tests, rig_set_up, rig_tear_down);
}
