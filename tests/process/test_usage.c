#include "process/program.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cmocka.h>

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

static void help_and_version_go_to_standard_output(void **state)
{
	static const struct {
		const char *argv[3], *says;
	} cases[] = {
		{{"--help"}, "usage: lowport COMMAND"},
		{{"-h"}, "usage: lowport COMMAND"},
		{{"run", "--help"}, "--listen SPEC"},
		{{"run", "-h"}, "--drain-timeout TIME"},
		{{"help", "run"}, "--drain-timeout TIME"},
		{{"help", "kill"}, "usage: lowport kill"},
		{{"completions", "--help"}, "lowport completions fish >"},
		{{"completions", "bash"}, "complete -F _lowport lowport"},
		{{"--version"}, "lowport 0."},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct proc *p = program_start(cases[i].argv, NULL);

		proc_end(p, 0);
		assert_says(proc_out(p), cases[i].says);
		assert_string_equal(proc_err(p), "");
	}
}

/* Arguments that are wrong, and what has to be said about them. */
struct mistake {
	const char *argv[12];
	const char *says[3];
};

#define GOOD_INSTALL "--listen", "127.0.0.1:80", "--to", "8080"
#define GOOD         "--listen", "127.0.0.1:0", "--to", "8080"

static const struct mistake mistakes[] = {
	{{NULL}, {"usage: lowport COMMAND"}},
	{{"walk"}, {"\"walk\" is not a command (try lowport run"}},
	{{"statsu"}, {"\"statsu\" is not a command (did you mean status?)"}},
	{{"help", "walk"}, {"\"walk\" is not a command"}},
	{{"check"}, {"nothing to listen on (try --listen", "or -c FILE)"}},
	{{"status", "--conections"},
	 {"status: \"--conections\" is not understood (did you mean "
	  "--connections?)"}},
	{{"kill", "--sockt", "web", "3"},
	 {"kill: \"--sockt\" is not understood (did you mean --socket?)"}},
	{{"reload", "--all"},
	 {"reload: \"--all\" is not understood (lowport reload --help"}},
	{{"install", GOOD_INSTALL, "--lable", "web"},
	 {"--lable: no such option (did you mean --label?)"}},
	{{"install", GOOD_INSTALL, "--label=we b"},
	 {"\"we b\" cannot be a label"}},
	{{"install", "--listen", "127.0.0.1:80"},
	 {"nothing says where to forward (try --to 127.0.0.1:8080)"}},
	{{"completions"}, {"completions: for one shell (try lowport"}},
	{{"completions", "bash", "zsh"}, {"completions: for one shell"}},
	{{"completions", "tcsh"},
	 {"completions: there are none for \"tcsh\" (try lowport"}},
	{{"run"}, {"nothing to listen on (try --listen 127.0.0.1:80"}},
	{{"run", "--listen", "127.0.0.1:0"},
	 {"--listen: \"127.0.0.1:0\": no --to behind it", "(try --to"}},
	{{"run", "--to", "8080"},
	 {"--to: \"8080\": no listener stands before it", "(try --listen"}},
	{{"run", "--listen", "127.0.0.1", "--to", "8080"},
	 {"--listen: \"127.0.0.1\" has no port (try 127.0.0.1:80)"}},
	{{"run", "--listen", "8000", "--to", "8080"},
	 {"--listen: \"8000\" does not say on which address",
	  "(try 127.0.0.1:8000, or *:8000 for all)"}},
	{{"run", "--listen", "::1:80", "--to", "8080"},
	 {"--listen: \"::1:80\": put an IPv6 address in brackets",
	  "(try [::1]:80)"}},
	{{"run", "--listen", "127.0.0.1:70000", "--to", "8080"},
	 {"\"70000\" is not a port (1 to 65535)"}},
	{{"run", "--listen", "web.example:80", "--to", "8080"},
	 {"\"web.example:80\" is a name, and no interface"}},
	{{"run", "--listen", "unix:web.sock", "--to", "8080"},
	 {"\"unix:web.sock\": the path of a Unix socket starts with /"}},
	{{"run", "--listen", "fd:three", "--to", "8080"},
	 {"\"fd:three\": fd: wants the number of a descriptor"}},
	{{"run", "--listen", "systemd:", "--to", "8080"},
	 {"\"systemd:\": systemd: wants a name behind it"}},
	{{"run", "--listen", "systemd@here", "--to", "8080"},
	 {"\"here\" behind the @ is not ADDR:PORT (try @127.0.0.1:80, or "
	  "@if:wg0)"}},
	{{"run", "--listen", "127.0.0.1:81", "--listen", "127.0.0.1:81", "--to",
	  "8080"},
	 {"\"127.0.0.1:81\" asks for what \"127.0.0.1:81\" has already taken",
	  "name each listener once"}},
	{{"run", "--listen", "127.0.0.1:0", "--to", "0.0.0.0:8080"},
	 {"--to: \"0.0.0.0:8080\" is where one listens", "(try 8080)"}},
	{{"run", "--listen", "127.0.0.1:0", "--to", "127.0.0.256:80"},
	 {"--to: \"127.0.0.256:80\" is not a backend (try 127.0.0.1:8080"}},
	{{"run", GOOD, "--to", "8080"},
	 {"--to: \"8080\" is a backend of these listeners already"}},
	{{"run", GOOD, "--idle-timout", "10s"},
	 {"--idle-timout: no such option (did you mean --idle-timeout?)"}},
	{{"run", GOOD, "--frobnicate"},
	 {"--frobnicate: no such option (lowport run --help lists them)"}},
	{{"run", GOOD, "--idle-timeout", "10x"},
	 {"--idle-timeout: \"10x\" is not a duration (try 30s, 10m, 2h)"}},
	{{"run", GOOD, "--connect-timeout=0"},
	 {"--connect-timeout: \"0\" is too short (try 5s)"}},
	{{"run", GOOD, "--drain-timeout"},
	 {"--drain-timeout: wants a value (see lowport run --help)"}},
	{{"run", GOOD, "--keepalive", "1500ms"},
	 {"--keepalive: \"1500ms\" is not in whole seconds (try 60s)"}},
	{{"run", GOOD, "--max-connections", "-3"},
	 {"--max-connections: \"-3\" is not a number from 1 to 1000000"}},
	{{"run", GOOD, "--backlog", "65536"},
	 {"--backlog: \"65536\" is not a number from 1 to 65535"}},
	{{"run", GOOD, "--splice", "on"},
	 {"--splice: \"on\" is neither auto nor off"}},
	{{"run", GOOD, "--access-log", "yes"},
	 {"--access-log: \"yes\" is neither on nor off"}},
	{{"run", GOOD, "--log-level", "loud"},
	 {"--log-level: \"loud\" is not a log level (try error, warn, info"}},
	{{"run", GOOD, "--log-level", "warn", "--log-level", "info"},
	 {"--log-level: given twice; once is enough"}},
	{{"run", "--listen", "unix:/tmp/x", "--to", "8080", "--unix-mode",
	  "0999"},
	 {"--unix-mode: \"0999\" is not a file mode (try 0600"}},
	{{"run", GOOD, "--unix-mode", "0660"},
	 {"--unix-mode: no listener is a unix:/path"}},
	{{"run", "--listen", "systemd", "--to", "8080", "--backlog", "5"},
	 {"--backlog: every listener is handed over"}},
	{{"run", GOOD, "8081"}, {"\"8081\" stands alone (listeners need"}},
	{{"run", GOOD, "-v"},
	 {"\"-v\" is not understood (options are --long)"}},
	{{"run", "--listen", "127.0.0.1:x", "--to", "no port", "--bogus",
	  "--idle-timeout", "soon"},
	 {"\"x\" is not a port", "--bogus: no such option",
	  "\"soon\" is not a duration"}},
};

static void
a_mistake_is_named_with_its_place_and_what_would_be_right(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++) {
		const struct mistake *m = &mistakes[i];
		struct proc *p = program_start(m->argv, NULL);

		proc_end(p, 2);
		assert_string_equal(proc_out(p), "");
		for (size_t j = 0; j < 3 && m->says[j]; j++)
			assert_says(proc_err(p), m->says[j]);
		program_end_test(NULL);
	}
}

/* What ends with exit status 1, and what has to be said about it. */
static const char *refusal(const char *const argv[],
			   const struct proc_options *opt)
{
	struct proc *p = program_start(argv, opt);

	proc_end(p, 1);
	assert_string_equal(proc_out(p), "");
	return proc_err(p);
}

static void a_port_that_another_program_holds_is_named(void **state)
{
	const char *held = peer_where(peer_listen("127.0.0.1:0"));
	const char *said =
		refusal(ARGV("run", "--listen", held, "--to", "8080"), NULL);

	(void)state;
	assert_says(said, held);
	assert_says(said, "another program holds this port");
}

static void an_address_that_the_machine_lacks_is_named(void **state)
{
	const char *said = refusal(ARGV("run", "--listen", "203.0.113.77:8000",
					"--to", "8080"),
				   NULL);

	(void)state;
	assert_says(said, "203.0.113.77:8000: this machine does not have that "
			  "address now");
	assert_says(said, "Is the interface up?");
}

static void all_listeners_that_fail_are_named_at_once(void **state)
{
	const char *held = peer_where(peer_listen("127.0.0.1:0"));
	const char *said = refusal(ARGV("run", "--listen", held, "--listen",
					"203.0.113.77:8000", "--to", "8080",
					"--listen", "fd:9", "--to", "8081"),
				   NULL);

	(void)state;
	assert_says(said, held);
	assert_says(said, "203.0.113.77:8000");
	assert_says(said, "fd:9");
}

static bool low_ports_are_free(void)
{
	FILE *f = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "r");
	unsigned first = 1024;

	if (f && fscanf(f, "%u", &first) != 1)
		first = 1024;
	if (f)
		fclose(f);
	return first < 1024;
}

static void
a_low_port_points_an_ordinary_user_to_the_service_manager(void **state)
{
	struct utsname system;
	const char *said;

	(void)state;
	if (low_ports_are_free())
		program_skip("ports below 1024 that only root may bind");
	said = refusal(ARGV("run", "--listen", "127.0.0.1:999", "--to", "8080"),
		       NULL);
	assert_says(said, "127.0.0.1:999: this user may not bind a port below "
			  "1024");
	uname(&system);
	assert_says(said, strcmp(system.sysname, "Darwin") == 0 ? "launchd"
								: "systemd");
}

static void systemd_without_sockets_says_how_to_start(void **state)
{
	const char *said = refusal(
		ARGV("run", "--listen", "systemd", "--to", "8080"), NULL);

	(void)state;
	assert_says(said, "systemd: systemd handed over no socket (LISTEN_FDS "
			  "is not set)");
	assert_says(said, "systemd-socket-activate");
}

static void launchd_is_for_macos_alone(void **state)
{
	struct utsname system;
	const char *said;

	(void)state;
	uname(&system);
	if (strcmp(system.sysname, "Darwin") == 0)
		program_skip("a system without launchd");
	said = refusal(ARGV("run", "--listen", "launchd:web", "--to", "8080"),
		       NULL);
	assert_says(said, "launchd:web: not on this system");
	assert_says(said, "here use systemd");
}

/* What is said about this descriptor as number 3. */
static const char *refusal_of(int fd, const char *spec)
{
	struct proc_options opt = {.fds = &fd, .fd_count = 1};

	return refusal(ARGV("run", "--listen", spec, "--to", "8080"), &opt);
}

static void a_descriptor_that_is_not_open_is_refused(void **state)
{
	const char *said =
		refusal(ARGV("run", "--listen", "fd:7", "--to", "8080"), NULL);

	(void)state;
	assert_says(said, "fd:7: descriptor 7 is not open");
	assert_says(said, "(without close-on-exec)");
}

static void a_descriptor_that_does_not_listen_is_refused(void **state)
{
	int fd = peer_bind("127.0.0.1:0");
	const char *said = refusal_of(fd, "fd:3");

	(void)state;
	assert_says(said, peer_where(fd));
	assert_says(said, "does not listen; expected a listening socket");
	assert_says(said, "Hand over a socket on which bind() and listen()");
}

static void a_descriptor_that_is_not_bound_is_refused(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	const char *said = refusal_of(fd, "fd:3@127.0.0.1:80");

	(void)state;
	close(fd);
	assert_says(said, "is not bound; expected 127.0.0.1:80");
}

static void a_udp_socket_is_refused(void **state)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	const char *said = refusal_of(fd, "fd:3");

	(void)state;
	close(fd);
	assert_says(said, "is a datagram (UDP) socket; expected a listening "
			  "stream");
}

static void a_file_is_refused(void **state)
{
	int fd = open("/dev/null", O_RDONLY);
	const char *said = refusal_of(fd, "fd:3");

	(void)state;
	close(fd);
	assert_says(said, "is not a socket; expected a listening stream");
}

static void a_descriptor_that_is_bound_elsewhere_is_refused(void **state)
{
	int fd = peer_listen("127.0.0.1:0");
	const char *said = refusal_of(fd, "fd:3@127.0.0.1:80");

	(void)state;
	assert_says(said, scrap("is bound to %s; expected 127.0.0.1:80",
				peer_where(fd)));
}

static void a_wildcard_is_refused_where_an_address_was_asked_for(void **state)
{
	int fd = peer_listen("0.0.0.0:0");
	const char *port = strrchr(peer_where(fd), ':');
	const char *said = refusal_of(fd, scrap("fd:3@127.0.0.1%s", port));

	(void)state;
	assert_says(said, scrap("is bound to 0.0.0.0%s; expected 127.0.0.1%s",
				port, port));
}

static void a_descriptor_that_two_listeners_name_is_refused(void **state)
{
	int fd = peer_listen("127.0.0.1:0");
	struct proc_options opt = {
		.fds = &fd, .fd_count = 1, .activated = "web"};
	const char *said =
		refusal(ARGV("run", "--listen", "fd:3", "--to", "8080",
			     "--listen", "systemd", "--to", "8081"),
			&opt);

	(void)state;
	assert_says(said, "systemd: descriptor 3 is served by another "
			  "--listen already");
}

#define TEST(name) cmocka_unit_test_teardown(name, program_end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(help_and_version_go_to_standard_output),
		TEST(a_mistake_is_named_with_its_place_and_what_would_be_right),
		TEST(a_port_that_another_program_holds_is_named),
		TEST(an_address_that_the_machine_lacks_is_named),
		TEST(all_listeners_that_fail_are_named_at_once),
		TEST(a_low_port_points_an_ordinary_user_to_the_service_manager),
		TEST(systemd_without_sockets_says_how_to_start),
		TEST(launchd_is_for_macos_alone),
		TEST(a_descriptor_that_is_not_open_is_refused),
		TEST(a_descriptor_that_does_not_listen_is_refused),
		TEST(a_descriptor_that_is_not_bound_is_refused),
		TEST(a_udp_socket_is_refused),
		TEST(a_file_is_refused),
		TEST(a_descriptor_that_is_bound_elsewhere_is_refused),
		TEST(a_wildcard_is_refused_where_an_address_was_asked_for),
		TEST(a_descriptor_that_two_listeners_name_is_refused),
	};

	return cmocka_run_group_tests(tests, program_set_up, program_tear_down);
}
