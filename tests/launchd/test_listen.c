#include "os/listen.h"

#include "process/peers.h"
#include "support/scrap.h"

#include <errno.h>
#include <fcntl.h>
#include <launch.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * The listener source of the Mac, in this process, which plays the job: what
 * launchd would hand over is written where liblaunch looks. It remembers what
 * was activated, so each test has names of its own.
 */

static void hand_over(const char *entries)
{
	setenv("LOWPORT_STANDIN_PID", scrap("%d", (int)getpid()), 1);
	setenv("LOWPORT_STANDIN_SOCKETS", entries, 1);
}

static int end_test(void **state)
{
	(void)state;
	peers_close();
	scrap_free();
	unsetenv("LOWPORT_STANDIN_PID");
	unsetenv("LOWPORT_STANDIN_SOCKETS");
	return 0;
}

static int open_listener(const char *name, struct listeners *out,
			 struct fault *why)
{
	const struct listen_request want = {.text = scrap("launchd:%s", name),
					    .name = name};

	return listen_open_launchd(&want, out, why);
}

/* A socket of which the test is not the owner: it is closed by others. */
static int lend(int fd)
{
	int lent = dup(fd);

	assert_in_range(lent, 0, INT32_MAX);
	return lent;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void one_socket_becomes_a_listener(void **state)
{
	int fd = lend(peer_listen("127.0.0.1:0"));
	struct listeners out = {0};
	char text[ADDR_TEXT];
	struct fault why;

	(void)state;
	hand_over(scrap("%d=one\n", fd));
	assert_int_equal(open_listener("one", &out, &why), 0);
	assert_int_equal(out.count, 1);
	assert_int_equal(out.at[0].fd, fd);
	assert_string_equal(addr_print(&out.at[0].addr, text), peer_where(fd));
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	listen_close(&out, 0);
	assert_false(is_open(fd));
}

static void two_sockets_become_two_listeners(void **state)
{
	int first = lend(peer_listen("127.0.0.1:0"));
	int second = lend(peer_listen("127.0.0.1:0"));
	struct listeners out = {0};
	struct fault why;

	(void)state;
	hand_over(scrap("%d=two\n7=other\n%d=two\n", first, second));
	assert_int_equal(open_listener("two", &out, &why), 0);
	assert_int_equal(out.count, 2);
	assert_int_equal(out.at[0].fd, first);
	assert_int_equal(out.at[1].fd, second);
	listen_close(&out, 0);
}

static void no_socket_is_a_failure(void **state)
{
	struct listeners out = {0};
	struct fault why;

	(void)state;
	hand_over("=none\n");
	assert_int_equal(open_listener("none", &out, &why), -ENOENT);
	assert_non_null(strstr(why.text, "handed over no socket"));
	assert_int_equal(out.count, 0);
}

static void the_same_name_twice_is_a_failure(void **state)
{
	int fd = lend(peer_listen("127.0.0.1:0"));
	struct listeners out = {0};
	struct fault why;

	(void)state;
	hand_over(scrap("%d=twice\n", fd));
	assert_int_equal(open_listener("twice", &out, &why), 0);
	assert_int_equal(open_listener("twice", &out, &why), -EALREADY);
	assert_non_null(strstr(why.text, "was taken before"));
	assert_int_equal(out.count, 1);
	assert_true(is_open(fd));
	listen_close(&out, 0);
}

static void a_name_that_is_not_there_is_a_failure(void **state)
{
	struct listeners out = {0};
	struct fault why;

	(void)state;
	hand_over("7=almost\n");
	assert_int_equal(open_listener("almos", &out, &why), -ENOENT);
	assert_int_equal(open_listener("almost2", &out, &why), -ENOENT);
	assert_int_equal(open_listener("7", &out, &why), -ENOENT);
	assert_non_null(strstr(why.text, "launchd knows no socket \"7\""));
}

static void a_process_of_another_is_a_failure(void **state)
{
	struct listeners out = {0};
	struct fault why;

	(void)state;
	assert_int_equal(open_listener("shell", &out, &why), -ESRCH);
	hand_over("7=shell\n");
	setenv("LOWPORT_STANDIN_PID", "1", 1);
	assert_int_equal(open_listener("shell", &out, &why), -ESRCH);
	assert_non_null(strstr(why.text, "did not start this process"));
}

static void one_bad_socket_closes_all_of_that_name_and_no_other(void **state)
{
	int before = lend(peer_listen("127.0.0.1:0"));
	int good = lend(peer_listen("127.0.0.1:0"));
	int unbound = socket(AF_INET, SOCK_STREAM, 0);
	int after = lend(peer_listen("127.0.0.1:0"));
	struct listeners out = {0};
	struct fault why;

	(void)state;
	hand_over(scrap("%d=before\n%d %d %d=bad\n", before, good, unbound,
			after));
	assert_int_equal(open_listener("before", &out, &why), 0);
	assert_int_equal(open_listener("bad", &out, &why), -EADDRNOTAVAIL);
	assert_non_null(strstr(why.text, "is not bound: its bind failed"));
	assert_int_equal(out.count, 1);
	assert_false(is_open(good));
	assert_false(is_open(unbound));
	assert_false(is_open(after));
	assert_true(is_open(before));
	listen_close(&out, 0);
}

static void a_bound_socket_that_does_not_listen_is_a_failure(void **state)
{
	int fd = lend(peer_bind("127.0.0.1:0"));
	struct listeners out = {0};
	struct fault why;

	(void)state;
	hand_over(scrap("%d=deaf\n", fd));
	assert_int_equal(open_listener("deaf", &out, &why), -EINVAL);
	assert_non_null(strstr(why.text, "does not listen"));
	assert_false(is_open(fd));
}

static void launch_activate_socket_leaves_errno_alone(void **state)
{
	size_t count;
	int *fds;

	(void)state;
	hand_over("7=quiet\n");
	errno = ENXIO;
	assert_int_equal(launch_activate_socket("missing", &fds, &count),
			 ENOENT);
	assert_int_equal(errno, ENXIO);
	assert_int_equal(launch_activate_socket("quiet", &fds, &count), 0);
	assert_int_equal(errno, ENXIO);
	assert_int_equal(count, 1);
	assert_int_equal(fds[0], 7);
	free(fds);
}

#define TEST(name) cmocka_unit_test_teardown(name, end_test)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(one_socket_becomes_a_listener),
		TEST(two_sockets_become_two_listeners),
		TEST(no_socket_is_a_failure),
		TEST(the_same_name_twice_is_a_failure),
		TEST(a_name_that_is_not_there_is_a_failure),
		TEST(a_process_of_another_is_a_failure),
		TEST(one_bad_socket_closes_all_of_that_name_and_no_other),
		TEST(a_bound_socket_that_does_not_listen_is_a_failure),
		TEST(launch_activate_socket_leaves_errno_alone),
	};

	unsetenv("LOWPORT_STANDIN_DIR");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
