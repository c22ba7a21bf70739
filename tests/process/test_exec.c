#include "process/app.h"
#include "process/program.h"

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

enum { CROWD = 20 };

#define EXEC(command, ...) \
	RUN("--listen", "127.0.0.1:0", "--exec", command, "--to", __VA_ARGS__)

/* The last line about a backend that was started: its process. */
static pid_t pid_in(const char *line)
{
	const char *at = strstr(line, "(pid ");

	assert_non_null(at);
	return (pid_t)atol(at + 5);
}

static void a_client_starts_the_app_and_is_served(void **state)
{
	struct proc *p;
	int client;

	(void)state;
	app_need();
	p = EXEC("python3 -u -m http.server --bind {address} {port}", "auto");
	assert_int_equal(proc_count_lines(p, "started \""), 0);
	client = peer_dial(program_where(p, 0));
	peer_send(client, "GET / HTTP/1.0\r\n\r\n", 18);
	assert_says(peer_hear(client), "200 OK");
	peer_close(client);
	/* What it prints is in the log, under its name. */
	proc_line(p, "]: Serving HTTP on 127.0.0.1 port", 0);
	assert_says(proc_err(p), "info python3[");
	program_stop(p);
}

static void a_crowd_starts_it_once(void **state)
{
	static const char *const to[] = {"auto", "unix:auto"};

	(void)state;
	app_need();
	for (size_t i = 0; i < 2; i++) {
		struct proc *p =
			EXEC(i == 0 ? app_command("") : app_unix_command(""),
			     to[i], "--threads", "3");
		int clients[CROWD];
		pid_t pid;

		for (int n = 0; n < CROWD; n++) {
			clients[n] = peer_dial(program_where(p, 0));
			peer_send(clients[n], "hello", 5);
			peer_end(clients[n]);
		}
		for (int n = 0; n < CROWD; n++)
			assert_says(peer_hear(clients[n]), " heard hello");
		assert_int_equal(proc_count_lines(p, "started \""), 1);
		pid = pid_in(proc_line(p, "started \"", 0));
		program_stop(p);
		app_await_gone(pid);
	}
}

static void no_to_at_all_is_auto(void **state)
{
	struct proc *p;

	(void)state;
	app_need();
	p = RUN("--listen", "127.0.0.1:0", "--exec", app_command(""));
	app_ask(program_where(p, 0));
	program_stop(p);
}

static void each_group_has_its_own(void **state)
{
	unsigned port;
	struct proc *p;
	pid_t first;

	(void)state;
	app_need();
	port = peer_free_port();
	p = RUN("--listen", "127.0.0.1:0", "--to", scrap("127.0.0.1:%u", port),
		"--exec", app_command(""), "--listen", "127.0.0.1:0", "--exec",
		app_unix_command(""), "--to", "unix:auto");
	first = app_ask(program_where(p, 0));
	assert_int_not_equal(first, app_ask(program_where(p, 1)));
	assert_says(proc_line(p, "started \"", 0),
		    scrap("to listen on 127.0.0.1:%u", port));
	program_stop(p);
}

/* Even where both say the same. */
static void each_group_that_leaves_the_place_to_us_has_its_own(void **state)
{
	struct proc *p;
	pid_t first;

	(void)state;
	app_need();
	p = RUN("--listen", "127.0.0.1:0", "--to", "auto", "--exec",
		app_command(""), "--listen", "127.0.0.1:0", "--to", "auto",
		"--exec", app_command(""));
	first = app_ask(program_where(p, 0));
	assert_int_not_equal(first, app_ask(program_where(p, 1)));
	program_stop(p);
}

static void groups_with_one_place_share_what_listens_there(void **state)
{
	const char *to;
	struct proc *p;
	pid_t first;

	(void)state;
	app_need();
	to = scrap("127.0.0.1:%u", peer_free_port());
	p = RUN("--listen", "127.0.0.1:0", "--to", to, "--exec",
		app_command(""), "--listen", "127.0.0.1:0", "--to", to,
		"--exec", app_command(""));
	first = app_ask(program_where(p, 0));
	assert_int_equal(first, app_ask(program_where(p, 1)));
	program_stop(p);
}

/* The path is the app's alone, and nothing of it stays. */
static void a_unix_backend_is_private_and_goes(void **state)
{
	const char *path, *folder;
	struct proc *p;
	struct stat st;

	(void)state;
	app_need();
	p = EXEC(app_unix_command(""), "unix:auto");
	app_ask(program_where(p, 0));
	path = strstr(proc_line(p, "to listen on unix:", 0), "unix:") + 5;
	folder = scrap("%.*s", (int)(strrchr(path, '/') - path), path);
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	program_stop(p);
	assert_int_equal(stat(folder, &st), -1);
}

static void the_app_is_told_where_in_its_environment(void **state)
{
	static const char *const env[] = {
		"NOTIFY_SOCKET=/none", "WATCHDOG_USEC=1000000",
		"WATCHDOG_PID=1",      "PORT=1",
		"LISTEN_ADDR=mine",    NULL};
	const char *script = program_file("app.sh");
	int listener = peer_listen("127.0.0.1:0");
	struct proc_options opt = {.env = env,
				   .fds = &listener,
				   .fd_count = 1,
				   .activated = "web"};
	struct proc *p;
	const char *to;
	FILE *f;

	(void)state;
	app_need();
	f = fopen(script, "w");
	fprintf(f,
		"env | grep -E 'LISTEN|NOTIFY|WATCHDOG|UV_|JOURNAL'\n"
		"echo on $LOWPORT_BACKEND_ADDRESS $LOWPORT_BACKEND_PORT $PORT\n"
		"exec python3 %s $LOWPORT_BACKEND_ADDRESS $PORT\n",
		program_file("app.py"));
	fclose(f);
	p = RUN_WITH(&opt, "--listen", "systemd:web", "--exec",
		     scrap("sh %s", script));
	app_ask(program_where(p, 0));
	to = strstr(proc_line(p, "listening on ", 0), "-> 127.0.0.1:") + 13;
	to = scrap("%.*s", (int)strcspn(to, " "), to);
	proc_line(p, scrap("]: on 127.0.0.1 %s %s", to, to), 0);
	proc_line(p, "]: LISTEN_ADDR=mine", 0);
	assert_null(strstr(proc_err(p), "NOTIFY_SOCKET="));
	assert_null(strstr(proc_err(p), "WATCHDOG"));
	assert_null(strstr(proc_err(p), "UV_"));
	assert_int_equal(proc_count_lines(p, "LISTEN"), 1);
	program_stop(p);
}

/* The number behind a word in a line of /proc/PID/status. */
static unsigned long long mask_of(struct proc *p, const char *word)
{
	const char *line = proc_line(p, word, 0);

	/* A tab stands between them. */
	return strtoull(line + strlen(word) + strlen("\\x09"), NULL, 16);
}

static void the_app_inherits_nothing_of_ours(void **state)
{
	const char *command =
		scrap("sh -c 'echo descriptors $(ls /proc/self/fd);"
		      "echo limit $(ulimit -Sn); echo in $(pwd);"
		      "exec python3 %s {address} {port}'",
		      program_file("app.py"));
	const char *script = scrap("ulimit -Sn 217 && cd / && exec \"$@\"");
	int others[2] = {peer_listen("127.0.0.1:0"),
			 peer_listen("127.0.0.1:0")};
	struct proc_options opt = {.fds = others, .fd_count = 2};
	struct proc *p;
	pid_t pid;

	(void)state;
	app_need();
	if (access("/proc/self/fd", F_OK) < 0)
		program_skip("/proc");
	opt.drop = geteuid() == 0;
	p = program_listening(proc_start(
		(const char *const[]){"sh", "-c", script, "sh", program_path(),
				      "run", "--threads", "3", "--listen",
				      "fd:3", "--exec", command, NULL},
		&opt));
	pid = app_ask(program_where(p, 0));
	proc_line(p, "]: descriptors 0 1 2 3", 0);
	assert_null(strstr(proc_err(p), "descriptors 0 1 2 3 "));
	proc_line(p, "]: limit 217", 0);
	proc_line(p, "]: in /", 0);
	assert_int_equal(getpgid(pid), pid);
	program_stop(p);
}

/* A shell would put them right. */
static void the_app_may_be_signalled(void **state)
{
	struct proc *p;

	(void)state;
	if (access("/proc/self/status", F_OK) < 0)
		program_skip("/proc");
	p = EXEC("grep -E 'Sig(Blk|Ign)' /proc/self/status", "auto",
		 "--drain-timeout", "0");
	peer_dial(program_where(p, 0));
	assert_true(mask_of(p, "SigBlk:") == 0);
	assert_true((mask_of(p, "SigIgn:") & 1ull << (SIGPIPE - 1)) == 0);
	program_stop(p);
}

static void one_that_is_killed_is_started_again(void **state)
{
	struct proc *p;
	int client;
	pid_t first, second;

	(void)state;
	app_need();
	p = EXEC(app_unix_command(""), "unix:auto");
	first = app_ask(program_where(p, 0));
	/* Within a client's time: it breaks, and the next one is served. */
	client = peer_dial(program_where(p, 0));
	peer_send(client, "hello", 5);
	proc_line(p, "]: hears", 1);
	kill(first, SIGKILL);
	peer_hear(client);
	peer_close(client);
	/* Until then its socket takes clients still, and breaks them too. */
	assert_says(proc_line(p, "was killed by signal 9", 0), "Killed");
	second = app_ask(program_where(p, 0));
	assert_int_not_equal(first, second);
	program_stop(p);
}

static void one_that_never_listens_is_told_and_its_clients_refused(void **state)
{
	struct proc *p;

	(void)state;
	p = EXEC("sleep 1000", "auto", "--wait-for-backend", "400ms");
	assert_string_equal(peer_ask(program_where(p, 0), "hello"), "reset");
	assert_says(proc_line(p, "\"sleep 1000\" (pid ", 0),
		    "to listen on 127.0.0.1:");
	assert_says(proc_line(p, "but does not answer on 127.0.0.1:", 0),
		    "$LOWPORT_BACKEND_PORT");
	/* Once, not for each client. */
	assert_string_equal(peer_ask(program_where(p, 0), "hello"), "reset");
	proc_line(p, "why=unreachable", 1);
	assert_int_equal(proc_count_lines(p, "but does not answer"), 1);
	program_stop(p);
}

static void one_that_dies_at_once_is_tried_less_and_less(void **state)
{
	struct proc *p;
	int client;

	(void)state;
	/* Whoever waits for it would be given the time, too. */
	p = EXEC("sh -c 'echo no database; exit 3'", "auto", "--drain-timeout",
		 "0");
	client = peer_dial(program_where(p, 0));
	for (unsigned i = 0; i < 5; i++)
		proc_line(p, "ended with status 3 after ", i);
	proc_line(p, "has died 5 times soon after its start", 0);
	proc_line(p, "]: no database", 4);
	/* Nobody waits for one that is hopeless; who waits already goes on. */
	assert_string_equal(peer_ask(program_where(p, 0), "hello"), "reset");
	assert_true(peer_is_silent(client, 50));
	peer_close(client);
	program_stop(p);
	assert_in_range(proc_count_lines(p, "started \""), 5, 6);
}

static void one_that_cannot_be_run_is_told_once(void **state)
{
	const char *program = program_file("late");
	struct proc *p;
	FILE *f;

	(void)state;
	app_need();
	p = EXEC(scrap("%s {address} {port}", program), "auto");
	for (int i = 0; i < 3; i++)
		assert_string_equal(peer_ask(program_where(p, 0), "hello"),
				    "reset");
	assert_says(proc_line(p, "cannot be run: ", 0),
		    "No such file or directory");
	proc_line(p, "Clients are refused until it can: look at the path", 0);
	assert_int_equal(proc_count_lines(p, "cannot be run"), 1);
	/* It comes, but may not be run. */
	f = fopen(program, "w");
	fprintf(f, "#!/bin/sh\nexec python3 %s \"$@\"\n",
		program_file("app.py"));
	fclose(f);
	chmod(program, 0644);
	while (proc_count_lines(p, "Permission denied") == 0)
		assert_string_equal(peer_ask(program_where(p, 0), "hello"),
				    "reset");
	proc_line(p, "chmod +x", 0);
	/* And now it may. */
	chmod(program, 0755);
	while (strcmp(peer_ask(program_where(p, 0), "hello"), "reset") == 0)
		;
	app_ask(program_where(p, 0));
	program_stop(p);
	unlink(program);
}

static void one_that_nobody_wants_is_stopped_and_started_again(void **state)
{
	pid_t first, second;
	struct proc *p;
	int client;

	(void)state;
	app_need();
	p = EXEC(app_command(""), "auto", "--stop-idle", "300ms");
	client = peer_dial(program_where(p, 0));
	peer_send(client, "hello", 5);
	first = pid_in(proc_line(p, "started \"", 0));
	/* Somebody is there, however still. */
	assert_true(peer_is_silent(client, 700));
	peer_end(client);
	assert_says(peer_hear(client), " heard hello");
	proc_line(p, "nobody was connected for 0.3s: stopping", 0);
	app_await_gone(first);
	second = app_ask(program_where(p, 0));
	assert_int_not_equal(first, second);
	program_stop(p);
	/* That it was asked to end is no death. */
	assert_int_equal(proc_count_lines(p, "was killed by signal"), 0);
}

/* It serves on for a while when it is asked to end, and would take clients that
 * it cannot serve to their end. */
static void who_comes_while_it_stops_gets_the_next_one(void **state)
{
	pid_t first;
	struct proc *p;

	(void)state;
	app_need();
	p = EXEC(app_command("--slow"), "auto", "--stop-idle", "100ms");
	first = app_ask(program_where(p, 0));
	proc_line(p, "stopping \"", 0);
	assert_int_not_equal(app_ask(program_where(p, 0)), first);
	program_stop(p);
}

static void all_of_its_group_is_killed_if_it_does_not_end(void **state)
{
	struct proc *p;
	pid_t app, child;

	(void)state;
	app_need();
	p = EXEC(app_command("--deaf --family"), "auto");
	app = app_ask(program_where(p, 0));
	child = (pid_t)atol(proc_line(p, "]: child ", 0) + strlen("]: child "));
	assert_int_equal(getpgid(child), app);
	program_stop(p);
	assert_says(proc_err(p), "ended when asked: killing what is left");
	app_await_gone(app);
	app_await_gone(child);
}

static void what_a_dead_one_leaves_behind_ends_too(void **state)
{
	struct proc *p;
	pid_t app, child;

	(void)state;
	app_need();
	p = EXEC(app_command("--family"), "auto");
	app = app_ask(program_where(p, 0));
	child = (pid_t)atol(proc_line(p, "]: child ", 0) + strlen("]: child "));
	kill(app, SIGKILL);
	proc_line(p, "was killed by signal 9", 0);
	app_await_gone(child);
	assert_int_not_equal(app_ask(program_where(p, 0)), app);
	program_stop(p);
}

static void a_second_signal_waits_no_longer(void **state)
{
	struct proc *p;
	pid_t app;

	(void)state;
	app_need();
	p = EXEC(app_command("--deaf"), "auto");
	app = app_ask(program_where(p, 0));
	proc_signal(p, SIGTERM);
	proc_line(p, "SIGTERM: accepting no more", 0);
	proc_signal(p, SIGTERM);
	proc_line(p, "SIGTERM: ending at once", 0);
	proc_signal(p, SIGTERM);
	proc_end(p, 0);
	app_await_gone(app);
}

static void a_connection_may_finish_before_it_is_stopped(void **state)
{
	struct proc *p;
	int client;

	(void)state;
	app_need();
	p = EXEC(app_command(""), "auto");
	client = peer_dial(program_where(p, 0));
	peer_send(client, "hel", 3);
	proc_line(p, "started \"", 0);
	proc_signal(p, SIGTERM);
	proc_line(p, "accepting no more, 1 connections may finish", 0);
	peer_send(client, "lo", 2);
	peer_end(client);
	assert_says(peer_hear(client), " heard hello");
	proc_end(p, 0);
}

static void it_does_not_outlive_one_that_is_killed(void **state)
{
	struct proc *p;
	pid_t app;

	(void)state;
	app_need();
	if (access("/proc/self/fd", F_OK) < 0)
		program_skip("a system that tells children of a death");
	p = EXEC(app_command(""), "auto");
	app = app_ask(program_where(p, 0));
	proc_signal(p, SIGKILL);
	proc_end(p, 128 + SIGKILL);
	app_await_gone(app);
}

static void what_it_prints_holds_nobody_up(void **state)
{
	struct proc *p;

	(void)state;
	app_need();
	p = EXEC(app_command("--loud"), "auto");
	app_ask(program_where(p, 0));
	proc_line(p, "]: xxx", 0);
	program_stop(p);
}

#define TEST(name) cmocka_unit_test_teardown(name, program_end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_client_starts_the_app_and_is_served),
		TEST(a_crowd_starts_it_once),
		TEST(no_to_at_all_is_auto),
		TEST(each_group_has_its_own),
		TEST(each_group_that_leaves_the_place_to_us_has_its_own),
		TEST(groups_with_one_place_share_what_listens_there),
		TEST(a_unix_backend_is_private_and_goes),
		TEST(the_app_is_told_where_in_its_environment),
		TEST(the_app_inherits_nothing_of_ours),
		TEST(the_app_may_be_signalled),
		TEST(one_that_is_killed_is_started_again),
		TEST(one_that_never_listens_is_told_and_its_clients_refused),
		TEST(one_that_dies_at_once_is_tried_less_and_less),
		TEST(one_that_cannot_be_run_is_told_once),
		TEST(one_that_nobody_wants_is_stopped_and_started_again),
		TEST(who_comes_while_it_stops_gets_the_next_one),
		TEST(all_of_its_group_is_killed_if_it_does_not_end),
		TEST(what_a_dead_one_leaves_behind_ends_too),
		TEST(a_second_signal_waits_no_longer),
		TEST(a_connection_may_finish_before_it_is_stopped),
		TEST(it_does_not_outlive_one_that_is_killed),
		TEST(what_it_prints_holds_nobody_up),
	};

	return cmocka_run_group_tests(tests, program_set_up, program_tear_down);
}
