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

#include <cmocka.h>

/*
 * Each call that the program makes fails once, in a run of its own. All of them
 * take an hour; without LOWPORT_FAULT_ALL it is some, spread over the life of
 * the program.
 */

enum { SOME = 4, STRIDE = 37, EXTRA_BLOCKS = 24, WRONG_SHOWN = 10 };

struct row {
	enum plan_call call;
	bool own;
	int errors[10]; /* that it may say (see its page), and 0 behind them */
};

static const char *const names[PLAN_COUNT] = {
#define NAME(call) [PLAN_##call] = #call,
	PLAN_CALLS(NAME)};

/* libuv reads and writes only what cannot fail. */
static const struct row rows[] = {
	{PLAN_socket, false, {EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES}},
	{PLAN_connect,
	 false,
	 {EINTR, EADDRNOTAVAIL, ECONNREFUSED, ENETUNREACH, EPERM, EAGAIN,
	  ENOBUFS}},
	{PLAN_accept4,
	 false,
	 {EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED, EINTR, EPERM, EPROTO}},
	{PLAN_bind, false, {EADDRINUSE, EADDRNOTAVAIL, EACCES, ENOMEM}},
	{PLAN_listen, false, {EADDRINUSE}},
	{PLAN_pipe2, false, {EMFILE, ENFILE}},
	{PLAN_splice, false, {ENOMEM, EINTR, EINVAL}},
	{PLAN_fcntl, true, {EPERM, ENOMEM}},
	{PLAN_ioctl, true, {ENOMEM}},
	{PLAN_poll, true, {EINTR, ENOMEM}},
	{PLAN_epoll_create1, false, {EMFILE, ENOMEM}},
	{PLAN_epoll_ctl, false, {ENOMEM, ENOSPC}},
	{PLAN_epoll_wait, false, {EINTR}},
	{PLAN_epoll_pwait, false, {EINTR}},
	{PLAN_eventfd, false, {EMFILE, ENOMEM}},
	{PLAN_setsockopt, false, {ENOMEM, EPERM, ENOPROTOOPT}},
	{PLAN_getsockopt, false, {ENOMEM}},
	{PLAN_getsockname, false, {ENOBUFS}},
	{PLAN_getaddrinfo,
	 false,
	 {EAI_AGAIN, EAI_MEMORY, EAI_NONAME, EAI_SYSTEM, EAI_FAIL}},
	{PLAN_getrandom, false, {EINTR, ENOSYS}},
	{PLAN_pthread_create, false, {EAGAIN}},
	{PLAN_open, false, {EMFILE, EACCES, ENOMEM}},
	{PLAN_fopen, false, {EMFILE, ENOMEM}},
	{PLAN_read, true, {EINTR, EIO}},
	{PLAN_write, true, {EINTR, ENOSPC, EIO, EAGAIN, PLAN_SHORT}},
	{PLAN_recv, false, {EINTR, ECONNRESET, ENOMEM}},
	{PLAN_send, false, {EINTR, ENOBUFS, ENOMEM, ECONNRESET, PLAN_SHORT}},
	{PLAN_recvmsg, false, {EINTR, ENOMEM}},
	{PLAN_sendmsg, false, {EINTR, ENOBUFS, EPIPE}},
	{PLAN_malloc, false, {ENOMEM}},
	{PLAN_calloc, false, {ENOMEM}},
	{PLAN_realloc, false, {ENOMEM}},
};

/* How many of each a run takes. */
static unsigned counts[PLAN_COUNT];
static int blocks; /* that it leaves over */

static void a_run_without_a_fault_is_faultless(void **state)
{
	struct plan *plan = scene_plan();
	const char *wrong;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		plan->row[rows[i].call].own = rows[i].own;
	wrong = scene_play();
	if (wrong)
		fail_msg("%s", wrong);
	assert_int_equal(scene_lost(), 0);
	for (int i = 0; i < PLAN_COUNT; i++)
		counts[i] = plan->row[i].calls;
	blocks = plan->left_over;
	assert_in_range(blocks, 0, INT32_MAX);
	assert_in_range(counts[PLAN_splice], 1, UINT32_MAX);
}

/* libuv ends the program where it has no way to say that a call failed, and so
 * does the dynamic loader. */
static bool is_their_end(const struct plan *plan, const char *wrong)
{
	bool aborts = strstr(wrong, scrap("ended with %d;", 128 + SIGABRT));

	/* Also of a thread that has no memory. */
	if (strncmp(plan->who, "ld-", 3) == 0)
		return aborts || strstr(wrong, "ended with 127;");
	return strcmp(plan->who, plan->libuv) == 0 && aborts;
}

/* Returns whether it was as it should be. */
static bool play(const struct row *row, int error, unsigned number)
{
	struct plan *plan = scene_plan();
	struct plan_row *r = &plan->row[row->call];
	const char *wrong;

	r->fail_at = number;
	r->error[0] = error;
	r->ways = 1;
	r->own = row->own;
	wrong = scene_play();
	if (getenv("LOWPORT_FAULT_TELL"))
		print_message("%s %u %d by %s: %s, lost %u, left %d\n",
			      names[row->call], number, error, plan->who,
			      scene_began() ? "began" : "refused", scene_lost(),
			      plan->left_over);
	if (!wrong && plan->left_over > blocks + EXTRA_BLOCKS)
		wrong = scrap("%d blocks are left, not %d", plan->left_over,
			      blocks);
	if (!wrong || is_their_end(plan, wrong))
		return true;
	print_message("%s, call %u of %u, error %d, by %s: %s\n",
		      names[row->call], number, counts[row->call], error,
		      plan->who, wrong);
	return false;
}

static void each_may_fail(void **state)
{
	const struct row *row = *state;
	bool all = getenv("LOWPORT_FAULT_ALL") != NULL;
	unsigned count = counts[row->call], wrong = 0, turn = 0;
	unsigned kinds = 0, some;

	while (row->errors[kinds] != 0)
		kinds++;
	some = kinds < SOME ? SOME / kinds : 1;

	for (int i = 0; row->errors[i] != 0; i++) {
		unsigned step = all || count <= some ? 1 : count / some;
		/* Other errors fail elsewhere. */
		unsigned first = all ? 1 : 1 + turn++ * STRIDE % step;

		for (unsigned n = first; n <= count; n += step)
			wrong += !play(row, row->errors[i], n);
		if (wrong >= WRONG_SHOWN)
			break;
	}
	if (wrong > 0)
		fail_msg("%s: %u times something was not as it should be",
			 names[row->call], wrong);
}

static int set_up(void **state)
{
	return program_set_up(state) < 0 ? -1 : scene_set_up();
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[1 + sizeof(rows) / sizeof(rows[0])] = {
		cmocka_unit_test_teardown(a_run_without_a_fault_is_faultless,
					  program_end_test),
	};
	size_t n = 1;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (argc > 1 && strcmp(argv[1], names[rows[i].call]) != 0)
			continue;
		tests[n++] = (struct CMUnitTest){
			.name = names[rows[i].call],
			.test_func = each_may_fail,
			.teardown_func = program_end_test,
			.initial_state = (void *)(uintptr_t)&rows[i],
		};
	}
	return _cmocka_run_group_tests("fault/calls", tests, n, set_up,
				       program_tear_down);
}
