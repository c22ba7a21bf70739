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
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

/* What a command says that ends well. */
#define SAY(...) say(ARGV(__VA_ARGS__))

static const char *say(const char *const argv[])
{
	struct proc *p = program_start(argv, NULL);

	proc_end(p, 0);
	assert_string_equal(proc_err(p), "");
	return proc_out(p);
}

/* What one complains of that does not. */
#define COMPLAIN(status, ...) complain(status, ARGV(__VA_ARGS__))

static const char *complain(int status, const char *const argv[])
{
	struct proc *p = program_start(argv, NULL);

	proc_end(p, status);
	assert_string_equal(proc_out(p), "");
	return proc_err(p);
}

static void need_python(void)
{
	if (!proc_has("python3"))
		program_skip("python3");
}

/* What a Python expression about the status s says. */
static const char *look(const char *expression)
{
	const char *script =
		scrap("import json, subprocess, sys\n"
		      "run = subprocess.run([sys.argv[1], 'status', '--json',"
		      " '--connections'], stdout=-1, check=True)\n"
		      "s = json.loads(run.stdout)\n"
		      "print(%s)\n",
		      expression);
	struct proc_options opt = {.drop = geteuid() == 0};
	struct proc *p =
		proc_start(ARGV("python3", "-c", script, program_path()), &opt);

	proc_end(p, 0);
	return scrap("%.*s", (int)strcspn(proc_out(p), "\n"), proc_out(p));
}

/* Ask until that is so. */
static void await(const char *expression, const char *wanted)
{
	const char *is = "";

	for (time_t end = time(NULL) + PROC_PATIENCE_MS / 1000;
	     time(NULL) < end;) {
		is = look(expression);
		if (strcmp(is, wanted) == 0)
			return;
	}
	fail_msg("%s is %s, and not %s", expression, is, wanted);
}

static const char *socket_of(const struct proc *p)
{
	return program_file(scrap("lowport/%d.sock", (int)proc_pid(p)));
}

static void status_shows_listeners_backends_and_what_passed(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	struct proc *p =
		RUN("--listen", "127.0.0.1:0", "--to", backend_where(b));
	const char *where = program_where(p, 0), *said;

	(void)state;
	assert_served(where, b);
	proc_line(p, "closed client=", 0);
	said = SAY("status");
	assert_says(said,
		    scrap("lowport 0.1.0, pid %d, up ", (int)proc_pid(p)));
	assert_says(said,
		    scrap("  listener     %s  open  127.0.0.1:0\n", where));
	assert_says(said, scrap("  backend      %s ", backend_where(b)));
	assert_says(said, " up    0 now, 1 in all\n");
	assert_says(said, "  connections  0 now, 1 in all\n");
	assert_says(said, "  ended        done 1\n");
	assert_says(said, scrap("  bytes        5 B up, %zu B down\n",
				strlen(backend_answer(b, "hello", 5))));
	assert_says(said, "  rate         0 B/s up, 0 B/s down\n");
	assert_null(strchr(said, '\x1b'));
	program_stop(p);
	assert_int_equal(access(socket_of(p), F_OK), -1);
}

static void the_json_is_json_and_counts_open_connections_too(void **state)
{
	int listener = peer_listen("127.0.0.1:0"), client, backend;
	struct proc *p;
	char byte;

	(void)state;
	need_python();
	p = RUN("--listen", "127.0.0.1:0", "--to", peer_where(listener));
	client = peer_dial(program_where(p, 0));
	backend = peer_accept(listener);
	peer_send(client, "12345", 5);
	peer_send(backend, "123", 3);
	assert_int_equal(read(client, &byte, 1), 1);
	await("[s['stats'][k] for k in ('open', 'accepted', 'up', 'down')]",
	      "[1, 1, 5, 3]");
	assert_string_equal(look("s['relays'][0]['stats']['up']"), "5");
	assert_string_equal(look("[s['relays'][0]['backends'][0][k] for k in "
				 "('health', 'open', 'total', 'up', 'down')]"),
			    "['up', 1, 1, 5, 3]");
	assert_string_equal(look("s['pid']"), scrap("%d", (int)proc_pid(p)));
	assert_string_equal(look("[(c['phase'], c['client'], c['local'], "
				 "c['backend'], c['up'], c['down']) "
				 "for c in s['connections']]"),
			    scrap("[('relaying', '%s', '%s', '%s', 5, 3)]",
				  peer_where(client), program_where(p, 0),
				  peer_where(listener)));
	peer_close(client);
	peer_close(backend);
	await("[s['stats'][k] for k in ('open', 'up', 'down')]", "[0, 5, 3]");
	program_stop(p);
}

static void refused_clients_are_counted_by_reason(void **state)
{
	struct proc *p = RUN("--listen", "127.0.0.1:0", "--to", "8080",
			     "--deny", "127.0.0.0/8");

	(void)state;
	assert_string_equal(peer_ask(program_where(p, 0), "x"), "reset");
	assert_says(SAY("status"), "  refused      1: denied 1\n");
	program_stop(p);
}

static void connections_are_listed_and_can_be_reset(void **state)
{
	int listener = peer_listen("127.0.0.1:0"), clients[2], backends[2];
	struct proc *p;
	const char *id, *said;

	(void)state;
	need_python();
	p = RUN("--listen", "127.0.0.1:0", "--to", peer_where(listener));
	for (int i = 0; i < 2; i++) {
		clients[i] = peer_dial(program_where(p, 0));
		backends[i] = peer_accept(listener);
	}
	await("len([c for c in s['connections'] "
	      "if c['phase'] == 'relaying'])",
	      "2");
	said = SAY("status", "--connections");
	assert_says(said, peer_where(clients[0]));
	assert_says(said, peer_where(clients[1]));
	assert_says(said, "id  client ");
	id = look(scrap("[c['id'] for c in s['connections'] "
			"if c['client'] == '%s'][0]",
			peer_where(clients[1])));
	assert_string_equal(SAY("kill", id), "");
	assert_string_equal(peer_hear(clients[1]), "reset");
	assert_string_equal(peer_hear(backends[1]), "reset");
	assert_says(proc_line(p, "closed client=", 0), " why=killed");
	assert_says(COMPLAIN(1, "kill", id),
		    scrap("there is no connection %s (any more)", id));
	peer_send(clients[0], "x", 1);
	peer_end(clients[0]);
	assert_string_equal(peer_hear(backends[0]), "x");
	peer_end(backends[0]);
	assert_string_equal(peer_hear(clients[0]), "");
	program_stop(p);
}

static void an_id_that_is_none_is_wrong_usage(void **state)
{
	static const char *const bad[] = {"0", "-1", "x", "1 2", ""};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_says(COMPLAIN(2, "kill", bad[i]), "lowport: kill: ");
	assert_says(COMPLAIN(2, "kill"), "kill wants the id of a connection");
	assert_says(COMPLAIN(2, "status", "--all"),
		    "\"--all\" is not understood");
	assert_says(COMPLAIN(2, "status", "--watch", "0"),
		    "--watch: \"0\" is no time from 100ms to 1d");
	assert_says(COMPLAIN(2, "status", "--socket"), "--socket: wants");
}

static void nobody_running_is_said(void **state)
{
	(void)state;
	assert_says(COMPLAIN(1, "status"), "no lowport is running");
	assert_says(COMPLAIN(1, "kill", "1"), "no lowport is running");
	assert_says(COMPLAIN(1, "status", "--socket", "web"),
		    "there is no lowport called \"web\"");
	assert_says(COMPLAIN(1, "status", "--socket", "/nowhere/s"),
		    "/nowhere/s: there is no such socket");
	assert_says(COMPLAIN(1, "status", "--socket", "/dev/null"),
		    "/dev/null: is not a socket");
}

static void two_at_once_are_both_shown_and_told_apart(void **state)
{
	struct proc *p = RUN("--listen", "127.0.0.1:0", "--to", "8080");
	struct proc *web = RUN("--listen", "127.0.0.1:0", "--to", "8080",
			       "--status", "web");
	const char *said = SAY("status");

	(void)state;
	assert_says(said, scrap("pid %d,", (int)proc_pid(p)));
	assert_says(said, scrap("pid %d,", (int)proc_pid(web)));
	assert_says(said, scrap("%s\nlowport", socket_of(p)));
	assert_says(said, "/lowport/web.sock\nlowport");
	said = SAY("status", "--socket", "web");
	assert_says(said, program_where(web, 0));
	assert_null(strstr(said, program_where(p, 0)));
	said = COMPLAIN(1, "kill", "1");
	assert_says(said, "several lowports are running: say which by "
			  "--socket:\n");
	assert_says(said, socket_of(p));
	assert_says(COMPLAIN(1, "kill", "1", "--socket=web"),
		    "there is no connection 1");
	program_stop(p);
	program_stop(web);
}

static void what_a_killed_one_left_is_removed(void **state)
{
	struct proc *p = RUN("--listen", "127.0.0.1:0", "--to", "8080");
	const char *left = socket_of(p);

	(void)state;
	proc_signal(p, SIGKILL);
	proc_end(p, 128 + SIGKILL);
	assert_int_equal(access(left, F_OK), 0);
	assert_says(COMPLAIN(1, "status"), "no lowport is running");
	assert_int_equal(access(left, F_OK), -1);
}

static void a_name_that_is_taken_is_a_warning(void **state)
{
	struct proc *p = RUN("--listen", "127.0.0.1:0", "--to", "8080",
			     "--status", "web");
	struct backend *b = backend_start("127.0.0.1:0", "web");
	struct proc *second = RUN("--listen", "127.0.0.1:0", "--to",
				  backend_where(b), "--status", "web");

	(void)state;
	assert_says(proc_line(second, "there is no status socket: ", 0),
		    "another program serves this socket");
	assert_served(program_where(second, 0), b);
	program_stop(second);
	assert_says(SAY("status"), scrap("pid %d,", (int)proc_pid(p)));
	proc_signal(p, SIGKILL);
	proc_end(p, 128 + SIGKILL);
	p = RUN("--listen", "127.0.0.1:0", "--to", "8080", "--status", "web");
	assert_says(SAY("status"), scrap("pid %d,", (int)proc_pid(p)));
	program_stop(p);
}

static void none_means_none_and_a_path_is_a_path(void **state)
{
	const char *path = program_file("here.sock");
	struct proc *p = RUN("--listen", "127.0.0.1:0", "--to", "8080",
			     "--status", "none");
	struct stat st;

	(void)state;
	assert_says(COMPLAIN(1, "status"), "no lowport is running");
	program_stop(p);
	p = RUN("--listen", "127.0.0.1:0", "--to", "8080", "--status", path);
	assert_says(SAY("status", "--socket", path),
		    scrap("pid %d,", (int)proc_pid(p)));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	program_stop(p);
	assert_int_equal(access(path, F_OK), -1);
}

static void a_folder_that_others_may_write_to_is_not_used(void **state)
{
	const char *folder = program_file("lowport");
	struct proc *p;

	(void)state;
	rmdir(folder);
	assert_int_equal(mkdir(folder, 0700), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(folder, proc_user(), proc_user()), 0);
	assert_int_equal(chmod(folder, 0777), 0);
	p = RUN("--listen", "127.0.0.1:0", "--to", "8080");
	SAY("status");
	assert_int_equal(access(socket_of(p), F_OK), -1);
	program_stop(p);
	assert_int_equal(chmod(folder, 0700), 0);
}

static void another_user_is_told_so(void **state)
{
	const char *path = program_file("here.sock");
	struct proc *p = RUN("--listen", "127.0.0.1:0", "--to", "8080",
			     "--status", path);
	struct proc *other;

	(void)state;
	if (geteuid() != 0 || !proc_has("setpriv"))
		program_skip("root's rights and setpriv (package util-linux)");
	proc_line(p, "listening on ", 0);
	SAY("status", "--socket", path);
	other = proc_start(ARGV("setpriv", "--reuid", "65533", "--regid",
				"65533", "--clear-groups", program_path(),
				"status", "--socket", path),
			   NULL);
	proc_end(other, 1);
	assert_says(proc_err(other), "permission denied");
	assert_int_equal(chmod(path, 0666), 0);
	other = proc_start(ARGV("setpriv", "--reuid", "65533", "--regid",
				"65533", "--clear-groups", program_path(),
				"status", "--socket", path),
			   NULL);
	proc_end(other, 1);
	assert_says(proc_err(other), "answers its own user");
	/* And root is served. */
	other = proc_start(ARGV(program_path(), "status", "--socket", path),
			   NULL);
	proc_end(other, 0);
	assert_says(proc_out(other), scrap("pid %d,", (int)proc_pid(p)));
	program_stop(p);
}

/* Answers as another version would. */
static void another_version_is_named(void **state)
{
	const char *path = program_file("old.sock");
	static const char script[] =
		"import os, socket, sys\n"
		"s = socket.socket(socket.AF_UNIX)\n"
		"s.bind(sys.argv[1])\n"
		"s.listen()\n"
		"print('listening', file=sys.stderr, flush=True)\n"
		"c, _ = s.accept()\n"
		"c.recv(100)\n"
		"c.sendall(b'{\"format\":9,\"version\":\"7.7\"}\\n')\n"
		"c.close()\n"
		"os.unlink(sys.argv[1])\n";
	struct proc_options opt = {.drop = geteuid() == 0};
	struct proc *p;

	(void)state;
	need_python();
	p = proc_start(ARGV("python3", "-c", script, path), &opt);
	proc_line(p, "listening", 0);
	assert_says(COMPLAIN(1, "status", "--socket", path),
		    "does not understand the status of lowport 7.7");
	proc_end(p, 0);
}

static void it_still_answers_while_it_drains(void **state)
{
	int listener = peer_listen("127.0.0.1:0"), client, backend;
	struct proc *p =
		RUN("--listen", "127.0.0.1:0", "--to", peer_where(listener));

	(void)state;
	client = peer_dial(program_where(p, 0));
	backend = peer_accept(listener);
	proc_signal(p, SIGTERM);
	proc_line(p, "SIGTERM: accepting no more", 0);
	assert_says(SAY("status"), ", draining\n");
	peer_close(client);
	peer_close(backend);
	proc_end(p, 0);
}

static void it_answers_when_descriptors_are_short(void **state)
{
	enum { CROWD = 40, DESCRIPTORS = 64 };
	struct proc_options opt = {.descriptors = DESCRIPTORS};
	int listener = peer_listen("127.0.0.1:0"), fds[CROWD];
	struct proc *p = RUN_WITH(&opt, "--listen", "127.0.0.1:0", "--to",
				  peer_where(listener));

	(void)state;
	for (int i = 0; i < CROWD; i++)
		fds[i] = peer_dial(program_where(p, 0));
	proc_line(p, "at the limit (max-connections)", 0);
	assert_says(SAY("status"), "  paused  127.0.0.1:0\n");
	for (int i = 0; i < CROWD; i++)
		peer_close(fds[i]);
	proc_signal(p, SIGTERM);
	proc_signal(p, SIGINT);
	proc_end(p, 0);
}

static void watching_into_a_pipe_prints_again_and_again(void **state)
{
	struct proc *p = RUN("--listen", "127.0.0.1:0", "--to", "8080");
	const char *script =
		scrap("%s status --watch 100ms | grep --line-buffered -m 3 "
		      "-e '^lowport ' >&2",
		      program_path());
	struct proc_options opt = {.drop = geteuid() == 0};
	struct proc *watch = proc_start(ARGV("sh", "-c", script), &opt);

	(void)state;
	proc_line(watch, "lowport 0.1.0", 2);
	proc_end(watch, 0);
	assert_null(strchr(proc_err(watch), '\x1b'));
	program_stop(p);
}

/* The steps are in watch.py; meanwhile bytes go through, for the bars. */
static void watching_on_a_terminal_refreshes_in_place(void **state)
{
	const struct timespec tick = {.tv_nsec = 2000000};
	int listener = peer_listen("127.0.0.1:0"), client, backend;
	struct proc_options opt = {.drop = geteuid() == 0};
	const char *steps = program_file("watch.py");
	struct proc *p, *watch;
	char bytes[1000] = "";

	(void)state;
	need_python();
	assert_int_equal(proc_copy(WATCH_STEPS, steps), 0);
	assert_int_equal(chmod(steps, 0644), 0);
	p = RUN("--listen", "127.0.0.1:0", "--to", peer_where(listener));
	client = peer_dial(program_where(p, 0));
	backend = peer_accept(listener);
	watch = proc_start(ARGV("python3", steps, program_path()), &opt);
	while (proc_runs(watch)) {
		peer_send(client, bytes, sizeof(bytes));
		assert_true(recv(backend, bytes, sizeof(bytes), 0) > 0);
		nanosleep(&tick, NULL);
	}
	assert_string_equal(proc_err(watch), "");
	proc_end(watch, 0);
	assert_string_equal(proc_out(watch), "fine\n");
	peer_close(client);
	peer_close(backend);
	program_stop(p);
}

#define TEST(name) cmocka_unit_test_teardown(name, program_end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(status_shows_listeners_backends_and_what_passed),
		TEST(the_json_is_json_and_counts_open_connections_too),
		TEST(refused_clients_are_counted_by_reason),
		TEST(connections_are_listed_and_can_be_reset),
		TEST(an_id_that_is_none_is_wrong_usage),
		TEST(nobody_running_is_said),
		TEST(two_at_once_are_both_shown_and_told_apart),
		TEST(what_a_killed_one_left_is_removed),
		TEST(a_name_that_is_taken_is_a_warning),
		TEST(none_means_none_and_a_path_is_a_path),
		TEST(a_folder_that_others_may_write_to_is_not_used),
		TEST(another_user_is_told_so),
		TEST(another_version_is_named),
		TEST(it_still_answers_while_it_drains),
		TEST(it_answers_when_descriptors_are_short),
		TEST(watching_into_a_pipe_prints_again_and_again),
		TEST(watching_on_a_terminal_refreshes_in_place),
	};

	return cmocka_run_group_tests(tests, program_set_up, program_tear_down);
}
