#include "fault/scene.h"
#include "process/program.h"

#include <errno.h>
#include <netdb.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * A call fails for a while, all of the time or now and then, and is fine again:
 * the program waits without working, says what is wrong, and goes on.
 */

enum {
	ALWAYS = 1000000, /* of a million */
	CLIENTS = 20,
	STORM_MS = 400,
	WORKS_MS = 100, /* most, in a storm */
	SMALL = 100,
	LARGE = 3 << 20,
	JUMP_MS = 100,
	SEED = 7,
	RATE = 5000,
	LOAD_S = 3, /* LOWPORT_FAULT_SECONDS says otherwise */
};

static struct proc *start(void)
{
	struct proc *p;

	scene_plan();
	p = scene_start();
	if (!scene_began())
		fail_msg("it does not begin: %s", proc_err(p));
	return p;
}

static void fail_calls(struct plan *plan, enum plan_call call, unsigned rate,
		       int error)
{
	struct plan_row *row = &plan->row[call];

	row->error[0] = error;
	row->ways = 1;
	row->own = 1;
	row->rate = rate;
}

static void pass(unsigned ms)
{
	const struct timespec t = {.tv_sec = ms / 1000,
				   .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

/* Whoever comes while every call fails is served when they do no longer. */
static struct proc *weather(enum plan_call call, int error, unsigned listener)
{
	struct proc *p = start();
	struct plan *plan = scene_mapped();
	int sockets = program_descriptors(p, "socket:"), fd[CLIENTS];
	double before;

	assert_int_equal(scene_ask(listener, SMALL), SCENE_FINE);
	fail_calls(plan, call, ALWAYS, error);
	for (int i = 0; i < CLIENTS; i++)
		fd[i] = peer_dial(scene_at(listener));
	for (int i = 0; i < CLIENTS; i++)
		peer_send(fd[i], "hello", 5);
	before = scene_worked_ms(p);
	pass(STORM_MS);
	assert_in_range((int)(scene_worked_ms(p) - before), 0, WORKS_MS);
	assert_true(plan->row[call].failed > 0);
	plan->row[call].rate = 0;
	for (int i = 0; i < CLIENTS; i++)
		assert_int_equal(scene_finish(fd[i], listener, "hello", 5),
				 SCENE_FINE);
	assert_true(scene_settles(p, sockets));
	return p;
}

static void without_memory_to_watch_with_clients_wait(void **state)
{
	struct proc *p = weather(PLAN_epoll_ctl, ENOMEM, SCENE_TCP);

	(void)state;
	assert_says(proc_line(p, "Cannot allocate memory with", 0),
		    "further clients wait");
	program_stop(p);
}

static void the_limit_of_watches_is_named(void **state)
{
	struct proc *p = weather(PLAN_epoll_ctl, ENOSPC, SCENE_UNIX);

	(void)state;
	assert_says(proc_line(p, "fs.epoll.max_user_watches", 0),
		    "further clients wait");
	program_stop(p);
}

static void who_may_not_accept_waits_and_says_so(void **state)
{
	struct proc *p = weather(PLAN_accept4, EPERM, SCENE_TCP);

	(void)state;
	assert_says(proc_line(p, "lets nobody be accepted at ", 0),
		    "Operation not permitted");
	assert_int_equal(proc_count_lines(p, "lets nobody be accepted"), 1);
	program_stop(p);
}

static void without_descriptors_clients_wait(void **state)
{
	(void)state;
	program_stop(weather(PLAN_socket, EMFILE, SCENE_TCP));
	program_end_test(NULL);
	program_stop(weather(PLAN_accept4, ENFILE, SCENE_UNIX));
}

static void without_memory_to_send_bytes_wait(void **state)
{
	(void)state;
	program_stop(weather(PLAN_send, ENOBUFS, SCENE_UNIX));
	program_end_test(NULL);
	program_stop(weather(PLAN_send, ENOMEM, SCENE_TCP));
}

static void a_reset_is_one_where_no_option_can_be_set(void **state)
{
	struct proc *p = start();
	int fd = peer_dial(scene_at(SCENE_DEAD));

	(void)state;
	assert_string_equal(peer_hear(fd), "reset");
	fail_calls(scene_mapped(), PLAN_setsockopt, ALWAYS, EPERM);
	fd = peer_dial(scene_at(SCENE_DEAD));
	assert_string_equal(peer_hear(fd), "reset");
	program_stop(p);
}

/* Nothing has to be served meanwhile, but all afterwards. */
static void without_any_memory_it_lives(void **state)
{
	struct proc *p = start();
	struct plan *plan = scene_mapped();
	int sockets = program_descriptors(p, "socket:"), staying[CLIENTS];
	double before;

	(void)state;
	for (int i = 0; i < CLIENTS; i++) {
		staying[i] = peer_dial(scene_at(SCENE_TCP));
		peer_send(staying[i], "hello", 5);
	}
	scene_await_bytes(5 * CLIENTS);
	assert_int_equal(scene_ask(SCENE_TCP, LARGE), SCENE_FINE);
	fail_calls(plan, PLAN_malloc, ALWAYS, ENOMEM);
	fail_calls(plan, PLAN_calloc, ALWAYS, ENOMEM);
	fail_calls(plan, PLAN_realloc, ALWAYS, ENOMEM);
	/* Those that end take no memory to do so. */
	for (int i = 0; i < CLIENTS / 2; i++)
		assert_int_equal(scene_finish(staying[i], SCENE_TCP, "hello",
					      5),
				 SCENE_FINE);
	for (int i = 0; i < CLIENTS; i++)
		scene_ask((unsigned)i % SCENE_LISTENERS, SMALL);
	before = scene_worked_ms(p);
	pass(STORM_MS);
	assert_in_range((int)(scene_worked_ms(p) - before), 0, WORKS_MS);
	plan->row[PLAN_malloc].rate = 0;
	plan->row[PLAN_calloc].rate = 0;
	plan->row[PLAN_realloc].rate = 0;
	for (int i = CLIENTS / 2; i < CLIENTS; i++)
		assert_int_equal(scene_finish(staying[i], SCENE_TCP, "hello",
					      5),
				 SCENE_FINE);
	for (unsigned i = 0; i < SCENE_DEAD; i++)
		assert_int_equal(scene_ask(i, LARGE), SCENE_FINE);
	assert_true(scene_settles(p, sockets));
	proc_line(p, "closed client=", CLIENTS);
	program_stop(p);
}

static void an_end_without_memory_ends_all(void **state)
{
	struct proc *p = start();
	struct plan *plan = scene_mapped();

	(void)state;
	for (int i = 0; i < CLIENTS; i++)
		peer_send(peer_dial(scene_at(SCENE_TCP)), "hello", 5);
	scene_await_bytes(5 * CLIENTS);
	fail_calls(plan, PLAN_malloc, ALWAYS, ENOMEM);
	fail_calls(plan, PLAN_calloc, ALWAYS, ENOMEM);
	proc_signal(p, SIGTERM);
	proc_line(p, "SIGTERM: ", 0);
	proc_signal(p, SIGTERM);
	proc_end(p, 0);
}

/* The time of day is for the log; what has to wait goes by another clock. */
static void a_clock_that_jumps_ends_nobody(void **state)
{
	static const int jumps_s[] = {86400, -86400, 1 << 30, -(1 << 30), 0};
	struct proc *p = start();
	int fd = peer_dial(scene_at(SCENE_TCP));

	(void)state;
	peer_send(fd, "hello", 5);
	for (size_t i = 0; i < sizeof(jumps_s) / sizeof(jumps_s[0]); i++) {
		double before = scene_worked_ms(p);

		scene_mapped()->clock_s = jumps_s[i];
		for (unsigned k = 0; k < SCENE_DEAD; k++)
			assert_int_equal(scene_ask(k, SMALL), SCENE_FINE);
		assert_true(peer_is_silent(fd, JUMP_MS));
		assert_in_range((int)(scene_worked_ms(p) - before), 0,
				WORKS_MS);
	}
	assert_int_equal(scene_finish(fd, SCENE_TCP, "hello", 5), SCENE_FINE);
	program_stop(p);
}

/* --- now and then, under load --- */

static void some_fail(struct plan *plan, unsigned rate)
{
	static const struct {
		enum plan_call call;
		int errors[PLAN_WAYS];
	} rows[] = {
		{PLAN_accept4, {EMFILE, ENOBUFS, ECONNABORTED, EPERM}},
		{PLAN_socket, {EMFILE, ENFILE, ENOBUFS, ENOMEM}},
		{PLAN_connect, {EINTR, EADDRNOTAVAIL, ECONNREFUSED, EPERM}},
		{PLAN_pipe2, {EMFILE, ENFILE}},
		{PLAN_splice, {ENOMEM, EINTR, EINVAL}},
		{PLAN_fcntl, {EPERM, ENOMEM}},
		{PLAN_poll, {EINTR, ENOMEM}},
		{PLAN_ioctl, {ENOMEM}},
		{PLAN_epoll_ctl, {ENOMEM, ENOSPC}},
		{PLAN_epoll_wait, {EINTR}},
		{PLAN_setsockopt, {ENOMEM, EPERM}},
		{PLAN_getsockname, {ENOBUFS}},
		{PLAN_getaddrinfo, {EAI_AGAIN, EAI_MEMORY, EAI_NONAME}},
		{PLAN_send, {EINTR, ENOBUFS, ENOMEM, PLAN_SHORT}},
		{PLAN_recv, {EINTR, ECONNRESET}},
		{PLAN_write, {ENOSPC, EIO, EINTR, PLAN_SHORT}},
		{PLAN_malloc, {ENOMEM}},
		{PLAN_calloc, {ENOMEM}},
		{PLAN_realloc, {ENOMEM}},
	};
	const char *wanted;

	wanted = getenv("LOWPORT_FAULT_SEED");
	plan->seed = wanted ? (uint32_t)atoi(wanted) : SEED;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct plan_row *r = &plan->row[rows[i].call];

		memcpy(r->error, rows[i].errors, sizeof(r->error));
		r->ways = 0;
		while (r->ways < PLAN_WAYS && r->error[r->ways] != 0)
			r->ways++;
		/* Names are the resolver's, which libuv asks. */
		r->own = rows[i].call != PLAN_getaddrinfo;
		r->rate = rate;
	}
}

static unsigned tell(const struct plan *plan)
{
	unsigned all = 0;

	for (int i = 0; i < PLAN_COUNT; i++)
		all += plan->row[i].failed;
	return all;
}

static void load_goes_on_through_faults_now_and_then(void **state)
{
	const char *wanted = getenv("LOWPORT_FAULT_SECONDS");
	double seconds = wanted ? atof(wanted) : LOAD_S;
	struct proc *p = start();
	struct plan *plan = scene_mapped();
	int sockets = program_descriptors(p, "socket:");
	unsigned words[SCENE_HANGS + 1] = {0}, failed;
	double worked = scene_worked_ms(p);
	struct timespec began, now;

	(void)state;
	some_fail(plan, RATE);
	clock_gettime(CLOCK_MONOTONIC, &began);
	do {
		for (unsigned i = 0; i < SCENE_DEAD; i++) {
			words[scene_ask(i, SMALL)]++;
			words[scene_ask(i, LARGE / 8)]++;
		}
		words[scene_ask(SCENE_TCP, LARGE)]++;
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((double)(now.tv_sec - began.tv_sec) < seconds);
	failed = tell(plan);
	some_fail(plan, 0);
	print_message("%u calls failed: %u served, %u cut off, %.0f ms of "
		      "work\n",
		      failed, words[SCENE_FINE], words[SCENE_CUT],
		      scene_worked_ms(p) - worked);
	if (words[SCENE_WRONG] > 0)
		fail_msg("%s", scene_wrong());
	assert_int_equal(words[SCENE_HANGS], 0);
	assert_true(words[SCENE_FINE] > words[SCENE_CUT]);
	assert_true(words[SCENE_CUT] <= failed);
	for (unsigned i = 0; i < SCENE_DEAD; i++)
		assert_int_equal(scene_ask(i, LARGE), SCENE_FINE);
	assert_true(scene_settles(p, sockets));
	program_stop(p);
}

static int set_up(void **state)
{
	return program_set_up(state) < 0 ? -1 : scene_set_up();
}

#define TEST(name) cmocka_unit_test_teardown(name, program_end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_memory_to_watch_with_clients_wait),
		TEST(the_limit_of_watches_is_named),
		TEST(who_may_not_accept_waits_and_says_so),
		TEST(without_descriptors_clients_wait),
		TEST(without_memory_to_send_bytes_wait),
		TEST(a_reset_is_one_where_no_option_can_be_set),
		TEST(without_any_memory_it_lives),
		TEST(an_end_without_memory_ends_all),
		TEST(a_clock_that_jumps_ends_nobody),
		TEST(load_goes_on_through_faults_now_and_then),
	};

	return cmocka_run_group_tests(tests, set_up, program_tear_down);
}
