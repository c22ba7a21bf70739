#include "os/sock.h"

#include "support/pairs.h"

/* A clock of 100 Hz is the coarsest. */
enum { PAUSE_MS = 100, TICK_MS = 10 };

static void await_end(int fd)
{
	while (sock_far_end(fd) == SOCK_THERE)
		fd_wait(fd, POLLIN);
}

static void an_end_that_comes_later_is_told_so(void **state)
{
	(void)state;
	for (int kind = PAIR_TCP4; kind <= PAIR_TCP6; kind++) {
		int fds[2];

		if (!pair_open((enum pair_kind)kind, fds))
			continue;
		assert_int_equal(send(fds[1], "x", 1, 0), 1);
		poll(NULL, 0, PAUSE_MS);
		shutdown(fds[1], SHUT_WR);
		await_end(fds[0]);
		assert_in_range(sock_end_after_ms(fds[0]), PAUSE_MS - TICK_MS,
				INT32_MAX);
		pair_close(fds);
	}
}

/* However late the question comes, and we look. */
static void one_that_comes_with_the_last_byte_is_told_so(void **state)
{
	(void)state;
	for (int kind = PAIR_TCP4; kind <= PAIR_TCP6; kind++) {
		int fds[2];

		if (!pair_open((enum pair_kind)kind, fds))
			continue;
		poll(NULL, 0, PAUSE_MS);
		assert_int_equal(send(fds[1], "x", 1, MSG_MORE), 1);
		shutdown(fds[1], SHUT_WR);
		await_end(fds[0]);
		poll(NULL, 0, PAUSE_MS);
		assert_in_range(sock_end_after_ms(fds[0]), 0, TICK_MS);
		pair_close(fds);
	}
}

static void a_unix_socket_does_not_tell(void **state)
{
	int fds[2];

	(void)state;
	assert_true(pair_open(PAIR_UNIX, fds));
	shutdown(fds[1], SHUT_WR);
	assert_int_equal(sock_end_after_ms(fds[0]), -ENOTSUP);
	pair_close(fds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_end_that_comes_later_is_told_so),
		cmocka_unit_test(one_that_comes_with_the_last_byte_is_told_so),
		cmocka_unit_test(a_unix_socket_does_not_tell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
