#include "process/program.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROUNDS = 5, WAITING = 8 };

static struct proc *activated(int listener, const struct backend *b)
{
	struct proc_options opt = {
		.fds = &listener, .fd_count = 1, .activated = "web"};

	return RUN_WITH(&opt, "--listen",
			scrap("systemd:web@%s", peer_where(listener)), "--to",
			backend_where(b));
}

/* The test is the activator: the socket is its own, and the backlog with it. */
static void clients_that_came_while_it_was_dead_are_served(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	int listener = peer_listen("127.0.0.1:0");
	const char *where = peer_where(listener);
	struct proc *p = activated(listener, b);

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		unsigned before = backend_clients(b);
		int open = peer_dial(where), waiting[WAITING];

		backend_await_clients(b, before + 1);
		proc_signal(p, SIGKILL);
		proc_end(p, 128 + SIGKILL);
		for (int i = 0; i < WAITING; i++) {
			waiting[i] = peer_dial(where);
			peer_send(waiting[i], "hello", 5);
			peer_end(waiting[i]);
		}
		/* Who was being served hears that nobody is there any more. */
		assert_string_equal(peer_hear(open), "");
		p = activated(listener, b);
		for (int i = 0; i < WAITING; i++)
			assert_string_equal(peer_hear(waiting[i]),
					    backend_answer(b, "hello", 5));
		assert_served(where, b);
	}
	program_stop(p);
}

static void a_client_that_gave_up_waiting_harms_nobody(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	int listener = peer_listen("127.0.0.1:0");
	const char *where = peer_where(listener);
	struct proc *p;

	(void)state;
	for (int i = 0; i < WAITING; i += 2) {
		peer_close(peer_dial(where));
		peer_reset(peer_dial(where));
	}
	p = activated(listener, b);
	assert_served(where, b);
	program_stop(p);
}

#define TEST(name) cmocka_unit_test_teardown(name, program_end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(clients_that_came_while_it_was_dead_are_served),
		TEST(a_client_that_gave_up_waiting_harms_nobody),
	};

	return cmocka_run_group_tests(tests, program_set_up, program_tear_down);
}
