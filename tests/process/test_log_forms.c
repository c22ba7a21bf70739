#include "process/logs.h"
#include "process/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* What lines look like for a parser, the journal and a syslog daemon. */

static void every_line_of_a_busy_json_log_can_be_parsed(void **state)
{
	enum { CLIENTS = 200, REFUSED = 20 };
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *log = program_file("busy.json");
	int fds[] = {peer_listen("127.0.0.1:0"), peer_listen("127.0.0.1:0")};
	struct proc_options opt = {.fds = fds, .fd_count = 2};
	struct proc *p = program_start(
		(const char *const[]){
			"run", "--listen", "fd:3", "--to", backend_where(b),
			"--listen", "fd:4", "--to",
			/* Nobody is there, under a name of all kinds. */
			"unix:/nonexistent/\xc3\xa4\xff\"\\\x1b[2J\n\xc2\x9b",
			"--log-format", "json", "--log-to", log, "--log-level",
			"debug", NULL},
		&opt);

	(void)state;
	for (int i = 0; i < CLIENTS; i++) {
		assert_served(peer_where(fds[0]), b);
		if (i % (CLIENTS / REFUSED) == 0)
			assert_string_equal(
				peer_ask(peer_where(fds[1]), "hello"), "reset");
		if (i % 50 == 0)
			proc_signal(p, SIGUSR1);
	}
	program_stop(p);
	assert_says(log_parse(log), scrap("%d ", CLIENTS + REFUSED));
	assert_says(log_read(log),
		    "\"backend\":\"unix:/nonexistent/\xc3\xa4\\\\xff\\\"\\\\"
		    "\\\\x1b[2J\\n\\\\xc2\\\\x9b\"");
}

/* The device and inode of standard error, as systemd tells them. */
static struct proc *run_for_the_journal(const char *options)
{
	const char *script = scrap("JOURNAL_STREAM=$(stat -L -c %%d:%%i "
				   "/proc/self/fd/2) exec %s run --listen "
				   "127.0.0.1:0 %s",
				   program_path(), options);

	if (access("/proc/self/fd/2", F_OK) < 0)
		program_skip("/proc");
	return program_listening(
		proc_start((const char *const[]){"sh", "-c", script, NULL},
			   &(struct proc_options){.drop = geteuid() == 0}));
}

static const char *first_line(const char *text)
{
	return scrap("%.*s", (int)strcspn(text, "\n"), text);
}

static void each_line_for_the_journal_has_its_priority(void **state)
{
	struct proc *p = run_for_the_journal("--exec /nonexistent/app "
					     "--log-level debug");
	const char *err;

	(void)state;
	peer_ask(program_where(p, 0), "hello");
	proc_line(p, "<3>error ", 0);
	proc_signal(p, SIGUSR2);
	proc_line(p, "<7>debug the log goes to no file", 0);
	program_stop(p);
	err = proc_err(p);
	assert_memory_equal(err, "<6>info listening on ", 21);
	assert_says(err, "cannot be run");
	assert_says(err, "\n<3>  Clients are refused");
	assert_int_equal(log_count(err, "\n"), log_count(err, "\n<") + 1);
}

static void json_for_the_journal_has_its_priority_and_its_time(void **state)
{
	struct proc *p = run_for_the_journal("--to 1 --log-format json");

	(void)state;
	program_stop(p);
	assert_memory_equal(proc_err(p), "<6>{\"time\":\"20", 14);
	assert_says(first_line(proc_err(p)), "\"level\":\"info\"");
}

/* A daemon that receives what is logged, at a path of the test's. */
static int start_daemon(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	assert_true(fd >= 0);
	assert_in_range(strlen(path), 1, sizeof(at.sun_path) - 1);
	strcpy(at.sun_path, path);
	assert_int_equal(bind(fd, (void *)&at, sizeof(at)), 0);
	assert_int_equal(chmod(path, 0666), 0);
	return fd;
}

/* The next datagram with this text; others are passed over. */
static const char *hear(int daemon, const char *text)
{
	struct pollfd p = {.fd = daemon, .events = POLLIN};
	char got[4096];

	do {
		ssize_t n;

		if (poll(&p, 1, PROC_PATIENCE_MS) <= 0)
			fail_msg("it was never said: %s", text);
		n = recv(daemon, got, sizeof(got) - 1, 0);
		assert_true(n > 0);
		got[n] = '\0';
	} while (!strstr(got, text));
	return scrap("%s", got);
}

static void a_syslog_daemon_gets_a_datagram_for_each_line(void **state)
{
	const char *path = program_file("devlog"), *line;
	int daemon = start_daemon(path), fd = peer_listen("127.0.0.1:0");
	struct proc_options opt = {.fds = &fd, .fd_count = 1};
	struct proc *p = program_start(
		(const char *const[]){"run", "--listen", "fd:3", "--exec",
				      "/nonexistent/app", "--log-to",
				      scrap("syslog:local3@%s", path), NULL},
		&opt);
	char month[4], time[9];
	unsigned priority, day;
	long pid;
	int length = 0;

	(void)state;
	line = hear(daemon, "listening on ");
	assert_int_equal(sscanf(line, "<%u>%3s %2u %8s lowport[%ld]: %n",
				&priority, month, &day, time, &pid, &length),
			 5);
	assert_int_equal(priority, 19 * 8 + 6);
	assert_int_equal(pid, proc_pid(p));
	assert_memory_equal(line + length, "info listening on ", 18);
	assert_null(strchr(line, '\n'));
	peer_ask(peer_where(fd), "hello");
	line = hear(daemon, "cannot be run");
	assert_memory_equal(line, "<155>", 5);
	assert_says(line, ". Clients are refused");
	program_stop(p);
	assert_string_equal(proc_err(p), "");
	close(daemon);
}

static void a_syslog_daemon_that_restarts_misses_nothing(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *path = program_file("restart"), *line;
	int daemon = start_daemon(path), fd = peer_listen("127.0.0.1:0");
	struct proc_options opt = {.fds = &fd, .fd_count = 1};
	struct proc *p = program_start(
		(const char *const[]){"run", "--listen", "fd:3", "--to",
				      backend_where(b), "--log-format", "json",
				      "--log-to", scrap("syslog@%s", path),
				      NULL},
		&opt);

	(void)state;
	hear(daemon, "listening on ");
	close(daemon);
	assert_int_equal(unlink(path), 0);
	for (int i = 0; i < 5; i++)
		assert_served(peer_where(fd), b);
	daemon = start_daemon(path);
	for (int i = 0; i < 5; i++) {
		line = hear(daemon, "closed");
		assert_memory_equal(line, "<30>", 4);
		assert_says(line, "]: {\"time\":\"");
		assert_int_equal(line[strlen(line) - 1], '}');
	}
	program_stop(p);
	close(daemon);
}

static void a_syslog_daemon_that_is_not_there_is_said(void **state)
{
	struct proc *p = program_start(
		(const char *const[]){"run", "--listen", "127.0.0.1:0", "--to",
				      "1", "--log-to", "syslog@/nonexistent/x",
				      NULL},
		NULL);

	(void)state;
	proc_end(p, 1);
	assert_says(proc_err(p), "log-to: no syslog daemon listens at "
				 "/nonexistent/x: No such file");
}

#define TEST(name) cmocka_unit_test_teardown(name, program_end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_line_of_a_busy_json_log_can_be_parsed),
		TEST(each_line_for_the_journal_has_its_priority),
		TEST(json_for_the_journal_has_its_priority_and_its_time),
		TEST(a_syslog_daemon_gets_a_datagram_for_each_line),
		TEST(a_syslog_daemon_that_restarts_misses_nothing),
		TEST(a_syslog_daemon_that_is_not_there_is_said),
	};

	return cmocka_run_group_tests(tests, program_set_up, program_tear_down);
}
