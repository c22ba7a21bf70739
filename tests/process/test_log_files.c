#include "process/logs.h"
#include "process/program.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* --log-to FILE and pipes: what is full, moved away or not to be had. */

static struct backend *web;
static int listener;

/* Each test has files of its own. */
static const char *file(const char *test, const char *name)
{
	return program_file(scrap("%s.%s", test, name));
}

/* A program on a socket of the test's, for its log is not on its stderr. */
static struct proc *run(const char *to, const char *format, int err)
{
	struct proc_options opt = {.fds = &listener, .fd_count = 1, .err = err};

	return program_start(
		(const char *const[]){"run", "--listen", "fd:3", "--to",
				      backend_where(web), "--log-to", to,
				      "--log-format", format, NULL},
		&opt);
}

/* A connection that sends `size` bytes, which tells its line from others. */
static void send_some(unsigned size)
{
	char bytes[4096];
	int fd = peer_dial(peer_where(listener));

	assert_in_range(size, 1, sizeof(bytes));
	memset(bytes, 'x', size);
	peer_send(fd, bytes, size);
	peer_end(fd);
	assert_string_equal(peer_hear(fd), backend_answer(web, bytes, size));
	peer_close(fd);
}

static int set_up(void **state)
{
	(void)state;
	web = backend_start("127.0.0.1:0", "web");
	listener = peer_listen("127.0.0.1:0");
	return 0;
}

static void lines_go_to_the_file_and_nothing_to_standard_error(void **state)
{
	const char *log = file("plain", "log");
	struct proc *p = run(log, "text", 0);
	struct stat st;

	(void)state;
	log_await(log, "listening on ");
	send_some(7);
	program_stop(p);
	assert_int_equal(stat(log, &st), 0);
	assert_int_equal(st.st_mode & 0137, 0);
	assert_memory_equal(log_read(log), "20", 2);
	assert_says(log_read(log), " up=7 ");
	assert_string_equal(proc_err(p), "");
}

static void a_file_that_is_there_is_continued(void **state)
{
	const char *log = file("continued", "log");

	(void)state;
	for (unsigned i = 1; i <= 2; i++) {
		struct proc *p = run(log, "text", 0);

		send_some(i);
		program_stop(p);
	}
	assert_int_equal(log_each_once(log_read(log), " up=", 2), 2);
}

static void a_file_that_cannot_be_had_is_said_at_the_start(void **state)
{
	static const char *const rows[][2] = {
		{"/nonexistent/log", "there is no such folder"},
		{"/dev", "Is a directory"},
	};
	const char *closed = file("closed", "dir");
	struct proc *p;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		p = run(rows[i][0], "text", 0);
		proc_end(p, 1);
		assert_says(proc_err(p), scrap("lowport: log-to: %s: %s",
					       rows[i][0], rows[i][1]));
	}
	if (geteuid() != 0)
		program_skip("root, for a folder that is another's");
	assert_int_equal(mkdir(closed, 0755), 0);
	p = run(scrap("%s/log", closed), "text", 0);
	proc_end(p, 1);
	assert_says(proc_err(p), scrap("user %u, who runs lowport, may not "
				       "write there",
				       proc_user()));
}

/* What logrotate does, while connections come and go. */
static void no_line_is_lost_or_doubled_when_files_are_rotated(void **state)
{
	enum { ROTATIONS = 8, EACH = 25 };
	static const char *const formats[][2] = {{"text", " up="},
						 {"json", "\"up\":"}};

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		const char *log = file("rotated", formats[f][0]), *all = "";
		struct proc *p = run(log, formats[f][0], 0);
		unsigned sent = 0;

		log_await(log, "listening on ");
		for (int i = 0; i < ROTATIONS; i++) {
			assert_int_equal(rename(log, scrap("%s.%d", log, i)),
					 0);
			proc_signal(p, SIGUSR2);
			for (int j = 0; j < EACH; j++)
				send_some(++sent);
			log_await(log, "opened anew");
		}
		program_stop(p);
		all = log_read(log);
		for (int i = 0; i < ROTATIONS; i++)
			all = scrap("%s%s", all,
				    log_read(scrap("%s.%d", log, i)));
		assert_int_equal(log_each_once(all, formats[f][1], sent), sent);
		assert_int_equal(log_count(all, "\n"), sent + ROTATIONS + 2);
	}
}

static void a_file_that_cannot_be_reopened_is_used_further(void **state)
{
	const char *dir = file("reopen", "dir");
	const char *log = scrap("%s/log", dir);
	struct proc *p;

	(void)state;
	assert_int_equal(mkdir(dir, 0755), 0);
	assert_true(geteuid() != 0 || chown(dir, proc_user(), 0) == 0);
	p = run(log, "text", 0);
	log_await(log, "listening on ");
	assert_int_equal(rename(dir, scrap("%s.away", dir)), 0);
	proc_signal(p, SIGUSR2);
	log_await(scrap("%s.away/log", dir),
		  scrap("error log-to: %s could not be opened anew, going on "
			"with the file that is open: No such file",
			log));
	send_some(9);
	assert_int_equal(rename(scrap("%s.away", dir), dir), 0);
	log_await(log, " up=9 ");
	program_stop(p);
}

/* Reads until the text has come, and returns all of it. */
static const char *read_until(int fd, const char *text)
{
	size_t length = 0, room = 1 << 20;
	char *all = malloc(room);
	const char *kept;

	assert_non_null(all);
	all[0] = '\0';
	while (!strstr(all, text)) {
		ssize_t n = read(fd, all + length, room - length - 1);

		assert_true(n > 0);
		length += (size_t)n;
		all[length] = '\0';
	}
	kept = scrap("%s", all);
	free(all);
	return kept;
}

/* The number in "N log lines were lost". */
static unsigned lost_in(const char *log)
{
	const char *end = strstr(log, " log lines were lost");

	assert_non_null(end);
	while (end[-1] >= '0' && end[-1] <= '9')
		end--;
	return (unsigned)strtoul(end, NULL, 10);
}

/* A pipe that nobody reads: all are served, and what is missing is counted. */
static void what_a_full_pipe_could_not_take_is_counted(void **state)
{
	enum { CLIENTS = 1200 }; /* more lines than the pipe and lowport hold */
	static const char *const formats[] = {"text", "json"};

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		const char *all, *closed = f ? "\"closed\"" : " closed ";
		struct proc *p;
		int log[2];

		assert_int_equal(pipe(log), 0);
		p = run("stderr", formats[f], log[1]);
		close(log[1]);
		for (unsigned i = 0; i < CLIENTS; i++)
			send_some(1 + i % 5);
		all = read_until(log[0], " log lines were lost");
		/* The log goes on. */
		send_some(11);
		all = scrap("%s%s", all,
			    read_until(log[0], f ? "\"up\":11," : " up=11 "));
		assert_int_equal(log_count(all, closed) + lost_in(all),
				 CLIENTS + 1);
		assert_int_equal(log_count(all, "were lost"), 1);
		program_stop(p);
		close(log[0]);
	}
}

static void reload(const char *name)
{
	struct proc *p = program_start(
		(const char *const[]){"reload", "--socket", name, NULL}, NULL);

	proc_end(p, 0);
}

/* Nobody has read it yet, and lowport holds it: it is not lost. */
static void what_a_full_pipe_has_not_taken_outlives_a_reload(void **state)
{
	enum { CLIENTS = 700 }; /* more lines than the pipe holds */
	struct proc_options opt = {.fds = &listener, .fd_count = 1};
	const char *all;
	struct proc *p;
	int log[2];

	(void)state;
	assert_int_equal(pipe(log), 0);
	opt.err = log[1];
	p = program_start((const char *const[]){"run", "--status", "web",
						"--listen", "fd:3", "--to",
						backend_where(web), NULL},
			  &opt);
	close(log[1]);
	for (unsigned i = 0; i < CLIENTS; i++)
		send_some(1 + i % 5);
	reload("web");
	send_some(11);
	all = read_until(log[0], " up=11 ");
	assert_null(strstr(all, "lost"));
	assert_int_equal(log_count(all, " closed "), CLIENTS + 1);
	program_stop(p);
	close(log[0]);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, set_up, program_end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lines_go_to_the_file_and_nothing_to_standard_error),
		TEST(a_file_that_is_there_is_continued),
		TEST(a_file_that_cannot_be_had_is_said_at_the_start),
		TEST(no_line_is_lost_or_doubled_when_files_are_rotated),
		TEST(a_file_that_cannot_be_reopened_is_used_further),
		TEST(what_a_full_pipe_could_not_take_is_counted),
		TEST(what_a_full_pipe_has_not_taken_outlives_a_reload),
	};

	return cmocka_run_group_tests(tests, program_set_up, program_tear_down);
}
