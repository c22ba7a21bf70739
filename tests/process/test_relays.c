#include "process/program.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { STARTS = 6, ROUNDS = 20 };

static struct backend *web(void)
{
	return backend_start("127.0.0.1:0", "web");
}

static void an_ipv4_listener_serves(void **state)
{
	struct backend *b = web();
	struct proc *p =
		RUN("--listen", "127.0.0.1:0", "--to", backend_where(b));

	(void)state;
	assert_says(program_where(p, 0), "127.0.0.1:");
	assert_served(program_where(p, 0), b);
	program_stop(p);
}

static void need_ipv6(void)
{
	if (peer_try_listen("[::1]:0") < 0)
		program_skip("IPv6 on the loopback interface");
}

static void an_ipv6_listener_serves_an_ipv6_backend(void **state)
{
	struct backend *b;
	struct proc *p;

	(void)state;
	need_ipv6();
	b = backend_start("[::1]:0", "web");
	p = RUN("--listen", "[::1]:0", "--to", backend_where(b));
	assert_says(program_where(p, 0), "[::1]:");
	assert_served(program_where(p, 0), b);
	program_stop(p);
}

static void a_star_serves_both_families_on_one_port(void **state)
{
	unsigned port = peer_free_port();
	struct backend *b;
	struct proc *p;

	(void)state;
	need_ipv6();
	b = web();
	p = RUN("--listen", scrap("*:%u", port), "--to", backend_where(b));
	assert_string_equal(program_where(p, 0), scrap("0.0.0.0:%u", port));
	assert_string_equal(program_where(p, 1), scrap("[::]:%u", port));
	assert_served(scrap("127.0.0.1:%u", port), b);
	assert_served(scrap("[::1]:%u", port), b);
	/* The address that was reached, not the wildcard. */
	assert_says(proc_line(p, "closed client=", 1),
		    scrap(" local=[::1]:%u ", port));
	program_stop(p);
}

static void a_backend_by_port_alone_is_localhost(void **state)
{
	struct backend *b = web();
	const char *port = strrchr(backend_where(b), ':') + 1;
	struct proc *p = RUN("--listen", "127.0.0.1:0", "--to", port);

	(void)state;
	assert_served(program_where(p, 0), b);
	program_stop(p);
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	return st.st_mode & 0777;
}

static void a_unix_listener_is_private_and_goes_at_the_end(void **state)
{
	struct backend *b = web();
	const char *path = program_file("private.sock");
	struct proc *p = RUN("--listen", scrap("unix:%s", path), "--to",
			     backend_where(b));

	(void)state;
	assert_int_equal(mode_of(path), 0600);
	assert_served(scrap("unix:%s", path), b);
	program_stop(p);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(errno, ENOENT);
}

static void a_unix_listener_has_the_mode_that_was_asked_for(void **state)
{
	const char *path = program_file("group.sock");
	struct backend *b = backend_start(
		scrap("unix:%s", program_file("back.sock")), "web");
	struct proc *p = RUN("--unix-mode", "0660", "--listen",
			     scrap("unix:%s", path), "--to", backend_where(b));

	(void)state;
	assert_int_equal(mode_of(path), 0660);
	assert_served(scrap("unix:%s", path), b);
	program_stop(p);
	unlink(program_file("back.sock"));
}

static void a_socket_file_left_by_a_killed_program_is_replaced(void **state)
{
	struct backend *b = web();
	const char *path = program_file("stale.sock");
	const char *where = scrap("unix:%s", path);
	struct proc *p = RUN("--listen", where, "--to", backend_where(b));

	(void)state;
	proc_signal(p, SIGKILL);
	proc_end(p, 128 + SIGKILL);
	assert_int_equal(access(path, F_OK), 0);
	p = RUN("--listen", where, "--to", backend_where(b));
	assert_served(where, b);
	program_stop(p);
}

static void a_socket_file_that_is_served_is_left_alone(void **state)
{
	struct backend *b = web();
	const char *where = scrap("unix:%s", program_file("live.sock"));
	struct proc *first = RUN("--listen", where, "--to", backend_where(b));
	struct proc *second =
		program_start((const char *const[]){"run", "--listen", where,
						    "--to", "8080", NULL},
			      NULL);

	(void)state;
	proc_end(second, 1);
	assert_says(proc_err(second), where);
	assert_says(proc_err(second), "another program serves this socket");
	assert_served(where, b);
	program_stop(first);
}

/* Wait until one of them listens and the others have ended, who has to have
 * done so because of it. */
static struct proc *await_winner(struct proc *const starts[STARTS])
{
	const struct timespec tick = {.tv_nsec = 5000000};
	struct proc *winner = NULL;
	int running = STARTS;

	for (int ms = 0; ms < PROC_PATIENCE_MS && running > 1; ms += 5) {
		running = 0;
		for (int i = 0; i < STARTS; i++)
			running += proc_runs(starts[i]);
		nanosleep(&tick, NULL);
	}
	for (int i = 0; i < STARTS; i++) {
		if (!proc_runs(starts[i])) {
			proc_end(starts[i], 1);
			assert_says(proc_err(starts[i]),
				    "another program serves this socket");
		} else if (!winner) {
			winner = program_listening(starts[i]);
		} else {
			fail_msg("two of them go on");
		}
	}
	assert_non_null(winner);
	return winner;
}

static void of_many_that_start_on_a_stale_socket_file_one_serves(void **state)
{
	const char *path = program_file("race.sock");
	const char *where = scrap("unix:%s", path);
	struct backend *b = web();

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct proc *starts[STARTS], *winner;

		peer_close(peer_bind(where));
		if (geteuid() == 0)
			assert_int_equal(chown(path, proc_user(), (gid_t)-1),
					 0);
		for (int i = 0; i < STARTS; i++)
			starts[i] = program_start(
				(const char *const[]){"run", "--listen", where,
						      "--to", backend_where(b),
						      NULL},
				NULL);
		winner = await_winner(starts);
		assert_served(where, b);
		program_stop(winner);
	}
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
	const char *path = program_file("precious");
	FILE *f = fopen(path, "w");
	struct proc *p = program_start(
		(const char *const[]){"run", "--listen", scrap("unix:%s", path),
				      "--to", "8080", NULL},
		NULL);

	(void)state;
	assert_non_null(f);
	fclose(f);
	proc_end(p, 1);
	assert_says(proc_err(p), "exists and is not a socket");
	assert_int_equal(access(path, F_OK), 0);
}

static void each_group_has_its_own_backend(void **state)
{
	struct backend *b = web();
	struct backend *api = backend_start("127.0.0.1:0", "api");
	struct proc *p =
		RUN("--listen", "127.0.0.1:0", "--to", backend_where(b),
		    "--listen", "127.0.0.1:0", "--to", backend_where(api));

	(void)state;
	assert_served(program_where(p, 0), b);
	assert_served(program_where(p, 1), api);
	program_stop(p);
}

static void all_listeners_of_a_group_serve(void **state)
{
	struct backend *b = web();
	const char *path = scrap("unix:%s", program_file("third.sock"));
	struct proc *p =
		RUN("--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0",
		    "--listen", path, "--to", backend_where(b));

	(void)state;
	assert_served(program_where(p, 0), b);
	assert_served(program_where(p, 1), b);
	assert_served(path, b);
	program_stop(p);
}

static void a_backend_that_refuses_gives_way_to_the_next(void **state)
{
	const char *gone = scrap("unix:%s", program_file("gone.sock"));
	const char *dead = peer_where(peer_bind("127.0.0.1:0"));
	struct backend *b = web();
	struct proc *p = RUN("--listen", "127.0.0.1:0", "--to", gone, "--to",
			     dead, "--to", backend_where(b));

	(void)state;
	assert_says(proc_line(p, "listening on ", 0),
		    scrap("-> %s %s %s", gone, dead, backend_where(b)));
	assert_served(program_where(p, 0), b);
	assert_says(proc_line(p, "closed client=", 0),
		    scrap(" backend=%s ", backend_where(b)));
	program_stop(p);
}

static void a_refused_backend_looks_refused(void **state)
{
	const char *dead = peer_where(peer_bind("127.0.0.1:0"));
	struct proc *p = RUN("--listen", "127.0.0.1:0", "--to", dead);
	const char *line;

	(void)state;
	assert_string_equal(peer_ask(program_where(p, 0), "hello"), "reset");
	/* And where no unread byte makes a reset of it anyway. */
	assert_string_equal(peer_ask(program_where(p, 0), ""), "reset");
	line = proc_line(p, "closed client=", 0);
	assert_says(line, scrap(" backend=%s up=0 down=0 ", dead));
	assert_says(line, " why=unreachable error=\"Connection refused\"");
	program_stop(p);
}

static void the_access_line_tells_who_where_how_much_and_why(void **state)
{
	struct backend *b = web();
	struct proc *p =
		RUN("--listen", "127.0.0.1:0", "--to", backend_where(b));
	const char *where = program_where(p, 0), *client;
	char said_client[64], local[64], backend[64], why[16];
	unsigned up, down, ms;
	int fd = peer_dial(where);

	(void)state;
	client = peer_where(fd);
	peer_send(fd, "hello", 5);
	peer_end(fd);
	assert_string_equal(peer_hear(fd), backend_answer(b, "hello", 5));
	assert_int_equal(sscanf(proc_line(p, "closed client=", 0),
				"closed client=%63s local=%63s backend=%63s "
				"up=%u down=%u ms=%u why=%15s",
				said_client, local, backend, &up, &down, &ms,
				why),
			 7);
	assert_string_equal(said_client, client);
	assert_string_equal(local, where);
	assert_string_equal(backend, backend_where(b));
	assert_int_equal(up, 5);
	assert_int_equal(down, strlen(backend_answer(b, "hello", 5)));
	assert_in_range(ms, 0, PROC_PATIENCE_MS);
	assert_string_equal(why, "done");
	program_stop(p);
}

/* Of the connections of p, how many have a keepalive timer. */
static unsigned kept_alive(struct proc *p)
{
	const char *mine = scrap("pid=%d,", (int)proc_pid(p));
	struct proc *ss =
		proc_start((const char *const[]){"ss", "-Htnop", NULL}, NULL);
	unsigned count = 0;

	proc_end(ss, 0);
	for (const char *at = proc_out(ss); (at = strstr(at, mine)); at++) {
		const char *timer = strstr(at, "timer:(keepalive,");

		count += timer && timer < at + strcspn(at, "\n");
	}
	return count;
}

static void assert_kept_alive(bool half_closed)
{
	int listener = peer_listen("127.0.0.1:0");
	struct proc *p = RUN("--listen", "127.0.0.1:0", "--to",
			     peer_where(listener), "--keepalive", "60s");
	int client, backend;

	if (!proc_has("ss")) {
		print_message("skipped: ss (package iproute2) is missing\n");
		skip();
	}
	client = peer_dial(program_where(p, 0));
	backend = peer_accept(listener);
	if (half_closed)
		peer_end(client);
	/* The backend's side is once the connection has lived for a second. */
	for (int asked = 0; kept_alive(p) < 2; asked++)
		assert_in_range(asked, 0, 2000);
	peer_close(client);
	peer_close(backend);
	program_stop(p);
}

static void both_legs_are_kept_alive(void **state)
{
	(void)state;
	assert_kept_alive(false);
}

static void both_legs_of_a_half_closed_one_are_kept_alive(void **state)
{
	(void)state;
	assert_kept_alive(true);
}

static void the_access_log_can_be_turned_off(void **state)
{
	struct backend *b = web();
	struct proc *p = RUN("--access-log", "off", "--listen", "127.0.0.1:0",
			     "--to", backend_where(b));

	(void)state;
	assert_served(program_where(p, 0), b);
	program_stop(p);
	assert_int_equal(proc_count_lines(p, "closed client="), 0);
}

static void lines_below_the_log_level_are_left_out(void **state)
{
	int fd = peer_listen("127.0.0.1:0");
	struct proc_options opt = {.fds = &fd, .fd_count = 1};
	struct backend *b = web();
	struct proc *p = program_start(
		(const char *const[]){"run", "--listen", "fd:3", "--to",
				      backend_where(b), "--log-level", "warn",
				      NULL},
		&opt);

	(void)state;
	assert_served(peer_where(fd), b);
	program_stop(p);
	assert_string_equal(proc_err(p), "");
}

/* systemd.exec(5): the device and inode of standard error. */
static struct proc *run_with_stream(const char *stream)
{
	const char *script = scrap("JOURNAL_STREAM=%s exec %s run --listen "
				   "127.0.0.1:0 --to 127.0.0.1:8080",
				   stream, program_path());

	return program_listening(
		proc_start((const char *const[]){"sh", "-c", script, NULL},
			   &(struct proc_options){.drop = geteuid() == 0}));
}

static void lines_for_the_journal_carry_no_time(void **state)
{
	struct proc *p = run_with_stream("$(stat -L -c %d:%i /proc/self/fd/2)");

	(void)state;
	assert_memory_equal(proc_err(p), "<6>info listening on ", 21);
	program_stop(p);
}

static void a_journal_that_is_somebody_elses_changes_nothing(void **state)
{
	struct proc *p = run_with_stream("8:1");

	(void)state;
	assert_memory_equal(proc_err(p), "20", 2);
	program_stop(p);
}

#define TEST(name) cmocka_unit_test_teardown(name, program_end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_ipv4_listener_serves),
		TEST(an_ipv6_listener_serves_an_ipv6_backend),
		TEST(a_star_serves_both_families_on_one_port),
		TEST(a_backend_by_port_alone_is_localhost),
		TEST(a_unix_listener_is_private_and_goes_at_the_end),
		TEST(a_unix_listener_has_the_mode_that_was_asked_for),
		TEST(a_socket_file_left_by_a_killed_program_is_replaced),
		TEST(a_socket_file_that_is_served_is_left_alone),
		TEST(of_many_that_start_on_a_stale_socket_file_one_serves),
		TEST(a_file_that_is_no_socket_is_left_alone),
		TEST(each_group_has_its_own_backend),
		TEST(all_listeners_of_a_group_serve),
		TEST(a_backend_that_refuses_gives_way_to_the_next),
		TEST(a_refused_backend_looks_refused),
		TEST(the_access_line_tells_who_where_how_much_and_why),
		TEST(both_legs_are_kept_alive),
		TEST(both_legs_of_a_half_closed_one_are_kept_alive),
		TEST(the_access_log_can_be_turned_off),
		TEST(lines_below_the_log_level_are_left_out),
		TEST(lines_for_the_journal_carry_no_time),
		TEST(a_journal_that_is_somebody_elses_changes_nothing),
	};

	return cmocka_run_group_tests(tests, program_set_up, program_tear_down);
}
