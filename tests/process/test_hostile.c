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
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * Peers that mean no good: others are served meanwhile, within bounds, each
 * connection gets its line, and nothing is left behind.
 */

enum {
	CROWD = 2000, /* who come to stay */
	EACH = 100,   /* of one source */
	MOST = 400,   /* of all */
	DESCRIPTORS = 4000,
	FLOOD = 1000,
	STALLED = 100,
	RESETS = 25,
	URGENT = 300,
	IN_A_ROW = 30000,
	LOOKED_AT_MS = 2000, /* conn.c */
	STOPPED = 300,
	SERVED_MS = 3000, /* at most, with a machine that is busy otherwise */
	STILL_MS = 300,
	WORKS_MS = 100, /* most, while it has nothing to do */
	PIECE = 64 << 10,
	PASS_RIGHTS = 83, /* SO_PASSRIGHTS, which headers lack */
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void pass(unsigned ms)
{
	const struct timespec t = {.tv_sec = ms / 1000,
				   .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&t, NULL);
}

static void need_descriptors(void)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_cur >= DESCRIPTORS)
		return;
	limit.rlim_cur = DESCRIPTORS;
	if (limit.rlim_max < DESCRIPTORS ||
	    setrlimit(RLIMIT_NOFILE, &limit) < 0)
		program_skip("4000 descriptors");
}

static void need_more_addresses(void)
{
	int fd = peer_try_listen("127.0.0.2:0");

	if (fd < 0)
		program_skip("127.0.0.2");
	peer_close(fd);
}

static void assert_still(const struct proc *p)
{
	long before = program_worked_ms(p);

	pass(STILL_MS);
	assert_in_range(program_worked_ms(p) - before, 0, WORKS_MS);
}

static void assert_served_soon(const char *where, struct backend *b)
{
	int64_t asked_ms = now_ms();

	assert_served(where, b);
	assert_in_range(now_ms() - asked_ms, 0, SERVED_MS);
}

/* Wait until it has no more than so many descriptors; caches aside. */
static void assert_left(struct proc *p, int sockets)
{
	for (int waited = 0; program_descriptors(p, "socket:") > sockets;
	     waited += 10) {
		if (waited > PROC_PATIENCE_MS)
			fail_msg("%d sockets are left, not %d",
				 program_descriptors(p, "socket:"), sockets);
		pass(10);
	}
}

/* Says a byte of a request that will never be whole. */
static void say_a_byte(int fd)
{
	send(fd, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void slow_ones_of_one_source_leave_room_for_others(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	static int fd[CROWD];
	struct proc *p;
	unsigned reset = 0;
	int sockets;

	(void)state;
	need_descriptors();
	need_more_addresses();
	p = RUN("--listen", "127.0.0.1:0", "--to", backend_where(b),
		"--max-connections-per-source", scrap("%d", EACH),
		"--drain-timeout", "0");
	sockets = program_descriptors(p, "socket:");
	for (int i = 0; i < CROWD; i++) {
		fd[i] = peer_try_dial(program_where(p, 0));
		if (fd[i] >= 0)
			say_a_byte(fd[i]);
	}
	for (int round = 0; round < 3; round++) {
		int other;

		for (int i = 0; i < CROWD; i++)
			if (fd[i] >= 0)
				say_a_byte(fd[i]);
		other = peer_try_dial_from("127.0.0.2", program_where(p, 0));
		assert_true(other >= 0);
		peer_send(other, "hello", 5);
		peer_end(other);
		assert_string_equal(peer_hear(other),
				    backend_answer(b, "hello", 5));
		peer_close(other);
	}
	for (int i = 0; i < CROWD; i++) {
		struct pollfd poll_fd = {.fd = fd[i], .events = POLLIN};

		if (fd[i] < 0 || poll(&poll_fd, 1, 0) > 0)
			reset++;
		if (fd[i] >= 0)
			peer_reset(fd[i]);
	}
	assert_int_equal(reset, CROWD - EACH);
	proc_line(p, "why=client-reset", EACH - 1);
	assert_left(p, sockets);
	assert_served_soon(program_where(p, 0), b);
	program_stop(p);
}

static void slow_ones_of_all_the_world_are_ended_in_time(void **state)
{
	int silent = peer_listen("127.0.0.1:0");
	struct backend *b = backend_start("127.0.0.1:0", "web");
	static int fd[CROWD];
	struct proc *p;
	int64_t asked_ms;
	int sockets;

	(void)state;
	need_descriptors();
	assert_int_equal(listen(silent, CROWD), 0);
	p = RUN("--listen", "127.0.0.1:0", "--to", peer_where(silent),
		"--listen", "127.0.0.1:0", "--to", backend_where(b),
		"--max-connections", scrap("%d", MOST), "--idle-timeout",
		"300ms", "--drain-timeout", "0");
	sockets = program_descriptors(p, "socket:");
	/* Five times as many as there is room for: each goes when its time is
	 * over. */
	for (int i = 0; i < CROWD; i++)
		fd[i] = peer_dial(program_where(p, 0));
	proc_line(p, "at the limit (max-connections) with ", 0);
	asked_ms = now_ms();
	assert_served(program_where(p, 1), b);
	assert_in_range(now_ms() - asked_ms, 0, 2 * SERVED_MS);
	for (int i = 0; i < CROWD; i++) {
		assert_string_equal(peer_hear(fd[i]), "reset");
		peer_close(fd[i]);
	}
	proc_line(p, "why=idle", CROWD - 1);
	assert_left(p, sockets);
	assert_still(p);
	program_stop(p);
}

static void who_reads_nothing_for_ever_is_ended_in_time(void **state)
{
	int listener = peer_listen("127.0.0.1:0");
	struct backend *b = backend_start("127.0.0.1:0", "web");
	struct proc *p =
		RUN("--listen", "127.0.0.1:0", "--to", peer_where(listener),
		    "--idle-timeout", "500ms", "--listen", "127.0.0.1:0",
		    "--to", backend_where(b), "--drain-timeout", "0");
	int sockets = program_descriptors(p, "socket:");
	static char bytes[PIECE];
	int client[STALLED], server[STALLED];

	(void)state;
	for (int i = 0; i < STALLED; i++) {
		client[i] = peer_dial(program_where(p, 0));
		server[i] = peer_accept(listener);
	}
	for (int i = 0; i < STALLED; i++)
		while (send(server[i], bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
			;
	assert_served_soon(program_where(p, 1), b);
	proc_line(p, "why=idle", STALLED - 1);
	for (int i = 0; i < STALLED; i++) {
		peer_close(client[i]);
		peer_close(server[i]);
	}
	assert_left(p, sockets);
	assert_still(p);
	program_stop(p);
}

static void ends_without_a_word_by_the_thousand_are_done(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	struct proc *p =
		RUN("--listen", "127.0.0.1:0", "--to", backend_where(b));
	int sockets = program_descriptors(p, "socket:");

	(void)state;
	for (int i = 0; i < FLOOD; i++) {
		int fd = peer_dial(program_where(p, 0));

		if (i % 2)
			peer_end(fd);
		peer_close(fd);
		if (i % 250 == 0)
			assert_served_soon(program_where(p, 0), b);
	}
	proc_line(p, "closed client=", FLOOD + 4 - 1);
	assert_left(p, sockets);
	assert_still(p);
	program_stop(p);
}

static void who_has_gone_before_the_accept_harms_nobody(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	struct proc *p =
		RUN("--listen", "127.0.0.1:0", "--to", backend_where(b));
	int sockets = program_descriptors(p, "socket:");

	(void)state;
	proc_signal(p, SIGSTOP);
	for (int i = 0; i < STOPPED; i++) {
		int fd = peer_dial(program_where(p, 0));

		if (i % 3 == 0)
			peer_send(fd, "hello", 5);
		if (i % 3 == 2)
			peer_close(fd);
		else
			peer_reset(fd);
	}
	proc_signal(p, SIGCONT);
	assert_served_soon(program_where(p, 0), b);
	assert_left(p, sockets);
	assert_still(p);
	program_stop(p);
}

static void a_long_sleep_breaks_nothing(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	struct proc *p = RUN("--listen", "127.0.0.1:0", "--to",
			     backend_where(b), "--idle-timeout", "2s");
	int fd = peer_dial(program_where(p, 0)), during;

	(void)state;
	peer_send(fd, "hel", 3);
	backend_await_bytes(b, 3);
	proc_signal(p, SIGSTOP);
	during = peer_dial(program_where(p, 0));
	peer_send(during, "hello", 5);
	peer_end(during);
	pass(2 * STILL_MS);
	proc_signal(p, SIGCONT);
	assert_string_equal(peer_hear(during), backend_answer(b, "hello", 5));
	peer_send(fd, "lo", 2);
	peer_end(fd);
	assert_string_equal(peer_hear(fd), backend_answer(b, "hello", 5));
	program_stop(p);
}

/* Where a client is when it breaks off. */
enum moment { AT_ONCE, ASKING, BULK_UP, STALLED_DOWN, HALF_CLOSED, MOMENTS };

static void break_off(int fd, enum moment moment)
{
	static char bytes[PIECE];

	if (moment == ASKING || moment == STALLED_DOWN)
		peer_send(fd, "get", 3);
	if (moment == BULK_UP)
		while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
			;
	if (moment == HALF_CLOSED)
		peer_end(fd);
	peer_reset(fd);
}

/* The backend never reads, and sends all that it can. */
static void resets_at_every_moment_are_resets(void **state)
{
	int listener = peer_listen("127.0.0.1:0");
	struct proc *p = RUN("--listen", "127.0.0.1:0", "--to",
			     peer_where(listener), "--drain-timeout", "0");
	int sockets = program_descriptors(p, "socket:");
	static char bytes[PIECE];

	(void)state;
	for (int i = 0; i < RESETS; i++) {
		enum moment moment = (enum moment)(i % MOMENTS);
		int fd = peer_dial(program_where(p, 0));
		int server = peer_accept(listener);

		if (moment == STALLED_DOWN)
			while (send(server, bytes, sizeof(bytes),
				    MSG_DONTWAIT) > 0)
				;
		break_off(fd, moment);
		/* What came before the reset comes before it here too. */
		while (recv(server, bytes, sizeof(bytes), 0) > 0)
			;
		assert_int_equal(errno, ECONNRESET);
		proc_line(p, "why=client-reset", (unsigned)i);
		peer_close(server);
	}
	assert_left(p, sockets);
	assert_still(p);
	program_stop(p);
}

/* No read tells of it, and a connection that nobody polls is looked at only now
 * and then. */
static void a_reset_right_behind_the_end_is_heard_with_it(void **state)
{
	int listener = peer_listen("127.0.0.1:0");
	struct proc *p =
		RUN("--listen", "127.0.0.1:0", "--to", peer_where(listener));
	int fd = peer_dial(program_where(p, 0));
	int server = peer_accept(listener);
	int64_t since_ms;
	char byte;

	(void)state;
	peer_send(fd, "1", 1);
	assert_int_equal(recv(server, &byte, 1, 0), 1);
	proc_signal(p, SIGSTOP);
	peer_end(server);
	peer_reset(server);
	since_ms = now_ms();
	proc_signal(p, SIGCONT);
	proc_line(p, "why=backend-reset", 0);
	assert_true(now_ms() - since_ms < LOOKED_AT_MS);
	peer_close(fd);
	program_stop(p);
}

static void urgent_bytes_in_a_flood_are_bytes(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	struct proc *p =
		RUN("--listen", "127.0.0.1:0", "--to", backend_where(b));
	int fd = peer_dial(program_where(p, 0));
	char bytes[2 * URGENT];

	(void)state;
	peer_fill(bytes, sizeof(bytes), 0);
	for (int i = 0; i < URGENT; i++) {
		peer_send(fd, bytes + 2 * i, 1);
		assert_int_equal(send(fd, bytes + 2 * i + 1, 1, MSG_OOB), 1);
	}
	peer_end(fd);
	assert_string_equal(peer_hear(fd),
			    backend_answer(b, bytes, sizeof(bytes)));
	program_stop(p);
}

static ssize_t pass_file(int to, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)),
			      .cmsg_level = SOL_SOCKET,
			      .cmsg_type = SCM_RIGHTS}};
	struct iovec bytes = {.iov_base = "abc", .iov_len = 3};
	struct msghdr message = {.msg_iov = &bytes,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};

	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	return sendmsg(to, &message, 0);
}

/* It would be lowport who closes it, and waits: of a socket with SO_LINGER as long
 * as that says. */
static void no_descriptor_is_passed_whose_close_takes_long(void **state)
{
	const char *at = scrap("unix:%s", program_file("files.sock"));
	const char *to = scrap("unix:%s", program_file("to.sock"));
	int on = 0, listener = peer_listen(to), fd, backend;
	socklen_t size = sizeof(on);
	struct proc *p;

	(void)state;
	if (getsockopt(listener, SOL_SOCKET, PASS_RIGHTS, &on, &size) < 0)
		program_skip("Unix sockets that refuse descriptors (Linux "
			     "6.16)");
	p = RUN("--listen", at, "--to", to, "--drain-timeout", "0");
	program_listening(p);
	fd = peer_dial(at);
	backend = peer_accept(listener);
	assert_int_equal(pass_file(fd, listener), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(pass_file(backend, listener), -1);
	assert_int_equal(errno, EPERM);
	peer_close(fd);
	program_stop(p);
}

static void a_backend_that_says_nothing_takes_only_its_own_clients(void **state)
{
	int silent = peer_listen("127.0.0.1:0");
	struct backend *b = backend_start("127.0.0.1:0", "web");
	struct proc *p =
		RUN("--listen", "127.0.0.1:0", "--to", peer_where(silent),
		    "--idle-timeout", "300ms", "--listen", "127.0.0.1:0",
		    "--to", backend_where(b), "--drain-timeout", "0");
	int fd[STALLED];

	(void)state;
	for (int i = 0; i < STALLED; i++) {
		fd[i] = peer_dial(program_where(p, 0));
		peer_send(fd[i], "anybody?", 8);
		peer_accept(silent);
	}
	assert_served_soon(program_where(p, 1), b);
	for (int i = 0; i < STALLED; i++)
		assert_string_equal(peer_hear(fd[i]), "reset");
	proc_line(p, "why=idle", STALLED - 1);
	program_stop(p);
}

static void a_backend_that_answers_before_it_is_asked_is_heard(void **state)
{
	int listener = peer_listen("127.0.0.1:0");
	struct proc *p =
		RUN("--listen", "127.0.0.1:0", "--to", peer_where(listener));

	(void)state;
	for (int i = 0; i < RESETS; i++) {
		int fd = peer_dial(program_where(p, 0));
		int server = peer_accept(listener);

		peer_send(server, "go away", 7);
		peer_close(server);
		assert_string_equal(peer_hear(fd), "go away");
		peer_close(fd);
		assert_says(proc_line(p, "closed client=", (unsigned)i),
			    " up=0 down=7 ");
	}
	program_stop(p);
}

static void half_closed_for_ever_is_ended_in_time(void **state)
{
	int listener = peer_listen("127.0.0.1:0");
	struct proc *p =
		RUN("--listen", "127.0.0.1:0", "--to", peer_where(listener),
		    "--half-close-timeout", "200ms");
	int sockets = program_descriptors(p, "socket:");
	int client[STALLED], server[STALLED];

	(void)state;
	for (int i = 0; i < STALLED; i++) {
		client[i] = peer_dial(program_where(p, 0));
		server[i] = peer_accept(listener);
		peer_end(i % 2 ? client[i] : server[i]);
	}
	proc_line(p, "why=half-open", STALLED - 1);
	assert_left(p, sockets);
	assert_still(p);
	program_stop(p);
}

static void thirty_thousand_in_a_row_leave_nothing(void **state)
{
	const char *to = scrap("unix:%s", program_file("row.sock"));
	struct backend *b = backend_start(to, "web");
	const char *where = scrap("unix:%s", program_file("front.sock"));
	const char *answer = backend_answer(b, "hello", 5);
	struct proc *p = RUN("--listen", where, "--to", to, "--access-log",
			     "off", "--unix-mode", "0666");
	int sockets = program_descriptors(p, "socket:");

	(void)state;
	for (int i = 0; i < IN_A_ROW; i++) {
		char heard[128];
		int fd = peer_dial(where);
		ssize_t n;

		peer_send(fd, "hello", 5);
		peer_end(fd);
		n = recv(fd, heard, sizeof(heard), MSG_WAITALL);
		assert_int_equal(n, strlen(answer));
		assert_memory_equal(heard, answer, (size_t)n);
		peer_close(fd);
	}
	assert_left(p, sockets);
	assert_still(p);
	proc_signal(p, SIGUSR1);
	assert_says(proc_line(p, "running for ", 0),
		    scrap(" %d in all", IN_A_ROW));
	program_stop(p);
	unlink(program_file("row.sock"));
}

#define TEST(name) cmocka_unit_test_teardown(name, program_end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(slow_ones_of_one_source_leave_room_for_others),
		TEST(slow_ones_of_all_the_world_are_ended_in_time),
		TEST(who_reads_nothing_for_ever_is_ended_in_time),
		TEST(ends_without_a_word_by_the_thousand_are_done),
		TEST(who_has_gone_before_the_accept_harms_nobody),
		TEST(a_long_sleep_breaks_nothing),
		TEST(resets_at_every_moment_are_resets),
		TEST(a_reset_right_behind_the_end_is_heard_with_it),
		TEST(urgent_bytes_in_a_flood_are_bytes),
		TEST(no_descriptor_is_passed_whose_close_takes_long),
		TEST(a_backend_that_says_nothing_takes_only_its_own_clients),
		TEST(a_backend_that_answers_before_it_is_asked_is_heard),
		TEST(half_closed_for_ever_is_ended_in_time),
		TEST(thirty_thousand_in_a_row_leave_nothing),
	};

	return cmocka_run_group_tests(tests, program_set_up, program_tear_down);
}
