#include "process/program.h"

#include "process/pipes.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	CROWD = 150,
	DESCRIPTORS = 64,
	SHORT = 2000,
	BULK = 100,
	PATTERN = 1 << 20,
	CHUNK = 128 << 10,
	AHEAD = 5 << 20,  /* more than sockets hold, less than the system can */
	REST = 256 << 10, /* what is sent after the stall */
	WAITING = 200,
	WATCHED_MS = 2000,
	TRIES = 6,
	STALL_MS = 300, /* nobody moves for so long: all are stalled */
};

/* All at once: the first ends only when all have come, and when the program has
 * said that it can take no more. */
static void serve_a_crowd(struct proc *p, struct backend *b, const char *said)
{
	int fd[CROWD];

	for (int i = 0; i < CROWD; i++) {
		fd[i] = peer_dial(program_where(p, 0));
		peer_send(fd[i], "hello", 5);
	}
	assert_says(proc_line(p, said, 0),
		    "further clients wait in the backlog until one ends");
	for (int i = 0; i < CROWD; i++)
		peer_end(fd[i]);
	for (int i = 0; i < CROWD; i++)
		assert_string_equal(peer_hear(fd[i]),
				    backend_answer(b, "hello", 5));
}

static void a_crowd_beyond_the_descriptor_limit_is_served(void **state)
{
	struct proc_options opt = {.descriptors = DESCRIPTORS};
	struct backend *b = backend_start("127.0.0.1:0", "web");
	struct proc *p = RUN_WITH(&opt, "--listen", "127.0.0.1:0", "--to",
				  backend_where(b));

	(void)state;
	serve_a_crowd(p, b, "at the limit (max-connections) with ");
	program_stop(p);
	assert_int_equal(proc_count_lines(p, "Too many open files"), 0);
}

static void more_connections_than_descriptors_carry_wait(void **state)
{
	struct proc_options opt = {.descriptors = DESCRIPTORS};
	struct backend *b = backend_start("127.0.0.1:0", "web");
	struct proc *p =
		RUN_WITH(&opt, "--listen", "127.0.0.1:0", "--to",
			 backend_where(b), "--max-connections", "100000");

	(void)state;
	assert_says(proc_line(p, "max-connections 100000 is more than", 0),
		    "64 descriptors carry: 17 at a time");
	serve_a_crowd(p, b, "at the limit (max-connections) with ");
	serve_a_crowd(p, b, "at the limit (max-connections) with ");
	program_stop(p);
	assert_int_equal(proc_count_lines(p, "Too many open files"), 0);
}

static void without_a_status_socket_there_is_room_for_more(void **state)
{
	struct proc_options opt = {.descriptors = DESCRIPTORS};
	struct proc *p =
		RUN_WITH(&opt, "--listen", "127.0.0.1:0", "--to", "8080",
			 "--max-connections", "100000", "--status", "none");

	(void)state;
	assert_says(proc_line(p, "max-connections 100000 is more than", 0),
		    "64 descriptors carry: 22 at a time");
	program_stop(p);
}

static void the_descriptors_of_many_listeners_are_counted(void **state)
{
	struct proc_options opt = {.descriptors = DESCRIPTORS};
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *words[2 * 12 + 4] = {"run"};
	struct proc *p;
	size_t n = 1;

	(void)state;
	for (int i = 0; i < 12; i++) {
		words[n++] = "--listen";
		words[n++] = "127.0.0.1:0";
	}
	words[n++] = "--to";
	words[n++] = backend_where(b);
	p = program_start(words, &opt);
	proc_line(p, "listening on ", 11);
	serve_a_crowd(p, b, "at the limit (max-connections) with ");
	program_stop(p);
	assert_int_equal(proc_count_lines(p, "Too many open files"), 0);
}

/* A new socket for each try would cost eight times as much. */
static void a_full_unix_backlog_is_waited_for_at_little_cost(void **state)
{
	const char *where = scrap("unix:%s", program_file("full.sock"));
	const struct timespec watched = {.tv_sec = WATCHED_MS / 1000};
	int clients[WAITING], backend, listener = peer_listen(where);
	struct proc *p;
	long before_ms;

	(void)state;
	assert_int_equal(listen(listener, 0), 0);
	p = RUN("--listen", "127.0.0.1:0", "--to", where, "--connect-timeout",
		"60s");
	for (int i = 0; i < WAITING; i++)
		clients[i] = peer_dial(program_where(p, 0));
	before_ms = program_worked_ms(p);
	nanosleep(&watched, NULL);
	if (before_ms >= 0)
		assert_in_range(program_worked_ms(p) - before_ms, 0,
				WATCHED_MS * 8 / 100);
	assert_int_equal(listen(listener, 1024), 0);
	for (int i = 0; i < WAITING; i++) {
		backend = peer_accept(listener);
		peer_send(backend, "served", 6);
		peer_close(backend);
	}
	for (int i = 0; i < WAITING; i++) {
		peer_end(clients[i]);
		assert_string_equal(peer_hear(clients[i]), "served");
	}
	program_stop(p);
	unlink(program_file("full.sock"));
}

static void the_sixth_of_five_waits_for_its_turn(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	struct proc *p = RUN("--listen", "127.0.0.1:0", "--to",
			     backend_where(b), "--max-connections", "5");
	int fd[6];

	(void)state;
	for (int i = 0; i < 5; i++) {
		fd[i] = peer_dial(program_where(p, 0));
		peer_send(fd[i], "hello", 5);
	}
	backend_await_bytes(b, 25);
	fd[5] = peer_dial(program_where(p, 0));
	peer_send(fd[5], "hello", 5);
	peer_end(fd[5]);
	proc_line(p, "at the limit (max-connections) with 5 connections open",
		  0);
	assert_true(peer_is_silent(fd[5], 200));
	assert_int_equal(backend_clients(b), 5);
	for (int i = 0; i < 5; i++)
		assert_true(peer_is_silent(fd[i], 0));
	peer_end(fd[2]);
	assert_string_equal(peer_hear(fd[2]), backend_answer(b, "hello", 5));
	assert_string_equal(peer_hear(fd[5]), backend_answer(b, "hello", 5));
	for (int i = 0; i < 5; i++)
		if (i != 2)
			peer_close(fd[i]);
	program_stop(p);
}

static void short_connections_leave_no_descriptor_behind(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	struct proc *p =
		RUN("--listen", "127.0.0.1:0", "--to", backend_where(b));
	const char *where = program_where(p, 0);
	int before;

	(void)state;
	assert_served(where, b);
	proc_line(p, "closed client=", 0);
	before = program_descriptors(p, NULL);
	if (before < 0)
		program_skip("/proc");
	for (unsigned i = 0; i < SHORT; i++)
		assert_served(where, b);
	proc_line(p, "closed client=", SHORT);
	assert_int_equal(program_descriptors(p, NULL), before);
	program_stop(p);
}

/* A stream from a backend to a client, both of them the test's. */
struct stream {
	int from, to;
	uint64_t sent, heard;
};

/* Each stream is this pattern, from another place on. */
static char pattern[PATTERN + CHUNK];
static struct stream streams[BULK];

static const char *pattern_at(const struct stream *s, uint64_t place)
{
	return pattern + (place + (uint64_t)(s - streams) * 7919) % PATTERN;
}

static void open_streams(const char *where, int listener)
{
	peer_fill(pattern, PATTERN, 0);
	memcpy(pattern + PATTERN, pattern, CHUNK);
	for (int i = 0; i < BULK; i++) {
		streams[i] = (struct stream){.to = peer_dial(where)};
		streams[i].from = peer_accept(listener);
	}
}

/* Send up to the goal, as far as it goes without waiting. Returns whether more
 * is to be sent, as soon as it can be. */
static bool feed(struct stream *s, uint64_t goal)
{
	while (s->sent < goal) {
		uint64_t left = goal - s->sent;
		ssize_t n =
			send(s->from, pattern_at(s, s->sent),
			     left < CHUNK ? (size_t)left : CHUNK, MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			return true;
		if (n < 0)
			fail_msg("send: %s", strerror(errno));
		s->sent += (uint64_t)n;
	}
	return false;
}

/* Send ahead on all of them until none has moved for a while. */
static void stall(void)
{
	struct pollfd polls[BULK];

	do {
		for (int i = 0; i < BULK; i++) {
			bool more = feed(&streams[i], AHEAD);

			polls[i] = (struct pollfd){.fd = more ? streams[i].from
							      : -1,
						   .events = POLLOUT};
		}
	} while (poll(polls, BULK, STALL_MS) > 0);
}

/* Returns false at the end. */
static bool hear(struct stream *s)
{
	static char buf[CHUNK];
	ssize_t n = recv(s->to, buf, sizeof(buf), 0);

	if (n < 0)
		fail_msg("recv: %s", strerror(errno));
	assert_memory_equal(buf, pattern_at(s, s->heard), (size_t)n);
	s->heard += (uint64_t)n;
	return n > 0;
}

/* Read all of them to the end, while each is given the rest. */
static void resume(void)
{
	struct pollfd polls[2 * BULK];
	int left = BULK;

	for (int i = 0; i < 2 * BULK; i += 2) {
		polls[i] = (struct pollfd){.fd = streams[i / 2].from,
					   .events = POLLOUT};
		polls[i + 1] = (struct pollfd){.fd = streams[i / 2].to,
					       .events = POLLIN};
	}
	while (left > 0) {
		if (poll(polls, 2 * BULK, PROC_PATIENCE_MS) <= 0)
			fail_msg("%d streams do not end", left);
		for (int i = 0; i < 2 * BULK; i += 2) {
			struct stream *s = &streams[i / 2];

			if (polls[i].revents && !feed(s, AHEAD + REST)) {
				peer_end(s->from);
				polls[i].fd = -1;
			}
			if (polls[i + 1].revents && !hear(s)) {
				polls[i + 1].fd = -1;
				left--;
			}
		}
	}
	for (int i = 0; i < BULK; i++)
		assert_int_equal(streams[i].heard, AHEAD + REST);
}

/* Streams that all stall at once and then go on. Returns how many pipes were
 * held meanwhile, or a negative number where that cannot be seen. */
static int stall_and_resume(const char *splice)
{
	int pipes, before, listener = peer_listen("127.0.0.1:0");
	struct proc *p = RUN("--listen", "127.0.0.1:0", "--to",
			     peer_where(listener), "--splice", splice);

	open_streams(program_where(p, 0), listener);
	before = program_descriptors(p, "pipe:");
	/* Asleep, it finds full sockets everywhere when it wakes. */
	proc_signal(p, SIGSTOP);
	stall();
	proc_signal(p, SIGCONT);
	stall();
	pipes = program_descriptors(p, "pipe:");
	resume();
	for (int i = 0; i < BULK; i++)
		peer_close(streams[i].to);
	proc_line(p, "why=done", BULK - 1);
	program_stop(p);
	return before < 0 ? -1 : (pipes - before) / 2;
}

static void a_hundred_stalled_streams_share_the_pipes(void **state)
{
	/* An ordinary user must be alone for it. */
	int least = geteuid() == 0, pipes = least - 1;

	(void)state;
	/* A slow machine may stall where copying is at work still. */
	for (int i = 0; i < TRIES && pipes < least; i++) {
		pipes = stall_and_resume("auto");
		if (pipes < 0)
			program_skip("/proc, to count the pipes");
		/* Half of what an ordinary user may have. */
		assert_in_range(pipes, 0, 32);
	}
	assert_in_range(pipes, least, 32);
}

static void a_hundred_stalled_streams_need_no_splice(void **state)
{
	int pipes = stall_and_resume("off");

	(void)state;
	assert_true(pipes <= 0);
}

static void a_hundred_stalled_streams_need_no_pipe(void **state)
{
	int pipes;

	(void)state;
	if (!pipes_use_up())
		program_skip("a limit on the pipes of a user");
	pipes = stall_and_resume("auto");
	pipes_give_back();
	/* Others of the same user may have given some back meanwhile. */
	if (geteuid() == 0)
		assert_true(pipes <= 0);
}

#define TEST(name) cmocka_unit_test_teardown(name, program_end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_crowd_beyond_the_descriptor_limit_is_served),
		TEST(more_connections_than_descriptors_carry_wait),
		TEST(without_a_status_socket_there_is_room_for_more),
		TEST(the_descriptors_of_many_listeners_are_counted),
		TEST(a_full_unix_backlog_is_waited_for_at_little_cost),
		TEST(the_sixth_of_five_waits_for_its_turn),
		TEST(short_connections_leave_no_descriptor_behind),
		TEST(a_hundred_stalled_streams_share_the_pipes),
		TEST(a_hundred_stalled_streams_need_no_splice),
		TEST(a_hundred_stalled_streams_need_no_pipe),
	};

	return cmocka_run_group_tests(tests, program_set_up, program_tear_down);
}
