#include "os/sock.h"

#include "support/pairs.h"

#include "os/platform.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>

static void assert_prepared(int fd)
{
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

/* A listener of the test on a free port, or -1 where there is no such
 * address. */
static int listen_at(const char *text, struct addr *at)
{
	struct sockaddr_storage ss;
	socklen_t length;
	int fd, off = 0;

	assert_int_equal(addr_parse(at, text), 0);
	length = addr_to_sockaddr(at, &ss);
	fd = socket(at->family, SOCK_STREAM, 0);
	if (fd < 0)
		return -1;
	if (at->family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, (struct sockaddr *)&ss, length) < 0) {
		close(fd);
		return -1;
	}
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(sock_local(fd, at), 0);
	fd_nonblocking(fd);
	return fd;
}

/* Connect, and wait until that is decided. Returns how. */
static int connect_to(const struct addr *to, int *fd)
{
	int err;

	*fd = sock_open(to->family);
	assert_true(*fd >= 0);
	assert_prepared(*fd);
	err = sock_connect(*fd, to);
	if (err != -EINPROGRESS)
		return err;
	fd_wait(*fd, POLLOUT);
	return sock_error(*fd);
}

static void connections_are_made_and_taken_over_both_families(void **state)
{
	static const char *const texts[] = {"127.0.0.1:0", "[::1]:0"};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct addr at, peer, near, far;
		int listener = listen_at(texts[i], &at), near_fd, far_fd;

		if (listener < 0)
			continue;
		assert_int_equal(sock_accept(listener, &peer), -EAGAIN);
		assert_int_equal(connect_to(&at, &near_fd), 0);
		fd_wait(listener, POLLIN);
		far_fd = sock_accept(listener, &peer);
		assert_true(far_fd >= 0);
		assert_prepared(far_fd);
		assert_int_equal(sock_local(near_fd, &near), 0);
		assert_int_equal(sock_local(far_fd, &far), 0);
		assert_true(addr_equal(&peer, &near));
		assert_true(addr_equal(&far, &at));
		close(near_fd);
		close(far_fd);
		close(listener);
	}
}

static void an_ipv4_client_of_an_ipv6_listener_is_an_ipv4_client(void **state)
{
	struct addr at, to, peer;
	int near, far, listener = listen_at("[::]:0", &at);

	(void)state;
	if (listener < 0)
		skip();
	assert_int_equal(addr_parse(&to, "127.0.0.1:0"), 0);
	to.port = at.port;
	assert_int_equal(connect_to(&to, &near), 0);
	fd_wait(listener, POLLIN);
	far = sock_accept(listener, &peer);
	assert_true(far >= 0);
	assert_int_equal(peer.family, AF_INET);
	close(near);
	close(far);
	close(listener);
}

static void where_nobody_listens_it_says_refused(void **state)
{
	struct addr at;
	int fd, listener = listen_at("127.0.0.1:0", &at);

	(void)state;
	close(listener);
	assert_int_equal(connect_to(&at, &fd), -ECONNREFUSED);
	assert_int_equal(sock_error(fd), 0);
	close(fd);
}

static void what_is_no_address_cannot_be_connected_to(void **state)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	struct addr none = {0}, too_long = {.family = AF_UNIX, .path = path};
	int fd = sock_open(AF_UNIX);

	(void)state;
	memset(path, 'p', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(sock_connect(fd, &none), -EINVAL);
	assert_int_equal(sock_connect(fd, &too_long), -ENAMETOOLONG);
	close(fd);
	assert_true(sock_open(AF_MAX) < 0);
}

/* A listener at a path of its own. Returns the descriptor. */
static int listen_unix(char path[64], struct addr *at, int backlog)
{
	struct sockaddr_storage ss;
	socklen_t length;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(path, 64, "/tmp/lowport-XXXXXX");
	assert_non_null(mkdtemp(path));
	strcat(path, "/s");
	*at = (struct addr){.family = AF_UNIX};
	at->path = path;
	length = addr_to_sockaddr(at, &ss);
	assert_int_equal(bind(fd, (struct sockaddr *)&ss, length), 0);
	assert_int_equal(listen(fd, backlog), 0);
	fd_nonblocking(fd);
	return fd;
}

static void forget_path(char *path)
{
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
}

static void a_unix_peer_has_no_path_that_could_dangle(void **state)
{
	struct addr at, peer, local;
	char path[64];
	int near, far, listener = listen_unix(path, &at, 8);

	(void)state;
	assert_int_equal(connect_to(&at, &near), 0);
	far = sock_accept(listener, &peer);
	assert_true(far >= 0);
	assert_int_equal(peer.family, AF_UNIX);
	assert_null(peer.path);
	assert_int_equal(sock_local(far, &local), 0);
	assert_int_equal(local.family, AF_UNIX);
	assert_null(local.path);
	close(near);
	close(far);
	close(listener);
	forget_path(path);
}

static void a_unix_listener_whose_backlog_is_full_says_again(void **state)
{
	struct addr at;
	char path[64];
	int fds[64], n = 0, err = 0, listener = listen_unix(path, &at, 0);

	(void)state;
	while (err == 0 && n < (int)COUNT(fds)) {
		fds[n] = sock_open(AF_UNIX);
		err = sock_connect(fds[n++], &at);
	}
	/* Darwin refuses instead. */
	assert_true(err == -EAGAIN || err == -ECONNREFUSED);
	while (n > 0)
		close(fds[--n]);
	close(listener);
	forget_path(path);
}

static void a_reset_is_a_reset_for_the_far_side(void **state)
{
	char byte;
	int fds[2];

	(void)state;
	assert_true(pair_open(PAIR_TCP4, fds));
	sock_reset(fds[0]);
	fd_wait(fds[1], POLLIN);
	assert_int_equal(read(fds[1], &byte, 1), -1);
	assert_int_equal(errno, ECONNRESET);
	close(fds[1]);
}

static void a_unix_reset_drops_the_connection(void **state)
{
	char byte;
	int fds[2];

	(void)state;
	assert_true(pair_open(PAIR_UNIX, fds));
	sock_reset(fds[0]);
	assert_int_equal(read(fds[1], &byte, 1), 0);
	close(fds[1]);
}

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t length = sizeof(value);

	assert_int_equal(getsockopt(fd, level, name, &value, &length), 0);
	return value;
}

static void options_are_set_on_tcp_and_no_error_on_unix(void **state)
{
	int tcp[2], local[2];

	(void)state;
	assert_true(pair_open(PAIR_TCP4, tcp));
	assert_true(pair_open(PAIR_UNIX, local));
	assert_int_equal(sock_nodelay(tcp[0]), 0);
	assert_int_not_equal(option(tcp[0], IPPROTO_TCP, TCP_NODELAY), 0);
	assert_int_equal(sock_keepalive(tcp[0], 60), 0);
	assert_int_not_equal(option(tcp[0], SOL_SOCKET, SO_KEEPALIVE), 0);
	assert_int_equal(option(tcp[0], IPPROTO_TCP, platform_keepidle), 60);
	assert_int_equal(option(tcp[0], IPPROTO_TCP, TCP_KEEPINTVL), 15);
	assert_int_equal(option(tcp[0], IPPROTO_TCP, TCP_KEEPCNT), 4);

	assert_int_equal(sock_nodelay(local[0]), 0);
	assert_int_equal(sock_keepalive(local[0], 60), 0);
	pair_close(tcp);
	pair_close(local);
}

static void the_shortest_and_the_longest_keepalive_are_taken(void **state)
{
	int fds[2];

	(void)state;
	assert_true(pair_open(PAIR_TCP4, fds));
	assert_int_equal(sock_keepalive(fds[0], 1), 0);
	assert_int_equal(option(fds[0], IPPROTO_TCP, TCP_KEEPINTVL), 1);
	assert_int_equal(sock_keepalive(fds[0], 32767), 0);
	assert_int_equal(option(fds[0], IPPROTO_TCP, platform_keepidle), 32767);
	pair_close(fds);
}

static void preparing_keeps_the_other_flags(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(sock_prepare(fds[0]), 0);
	assert_prepared(fds[0]);
	assert_int_equal(fcntl(fds[0], F_GETFL) & O_ACCMODE, O_RDWR);
	close(fds[0]);
	assert_int_equal(sock_prepare(fds[0]), -EBADF);
	assert_int_equal(sock_error(fds[0]), -EBADF);
	assert_int_equal(sock_local(fds[0], &(struct addr){0}), -EBADF);
	close(fds[1]);
}

static void what_the_far_side_has_not_taken_is_unsent(void **state)
{
	size_t sent = 0, got = 0;
	int fds[2];

	(void)state;
	assert_true(pair_open(PAIR_TCP4, fds));
	pair_narrow(fds[0], fds[1]);
	assert_int_equal(sock_unsent(fds[0]), 0);
	pattern_write(fds[0], &sent, SIZE_MAX);
	assert_true(sock_unsent(fds[0]) > 0 && sock_unsent(fds[0]) <= sent);
	while (got < sent) {
		fd_wait(fds[1], POLLIN);
		assert_true(pattern_read(fds[1], &got, SIZE_MAX));
	}
	fd_wait(fds[0], POLLOUT);
	close(fds[0]);
	assert_int_equal(sock_unsent(fds[0]), 0);
	close(fds[1]);
}

static void the_far_end_is_told_apart(void **state)
{
	(void)state;
	for (int kind = PAIR_UNIX; kind <= PAIR_TCP6; kind++) {
		int fds[2];

		if (!pair_open((enum pair_kind)kind, fds))
			continue;
		assert_int_equal(sock_far_end(fds[0]), SOCK_THERE);
		/* Behind something that nobody has read. */
		assert_int_equal(send(fds[1], "x", 1, 0), 1);
		fd_wait(fds[0], POLLIN);
		assert_int_equal(sock_far_end(fds[0]), SOCK_THERE);
		shutdown(fds[1], SHUT_WR);
		while (sock_far_end(fds[0]) == SOCK_THERE)
			fd_wait(fds[0], POLLIN);
		assert_int_equal(sock_far_end(fds[0]), SOCK_ENDED);
		if (kind == PAIR_UNIX)
			fd_close(&fds[1]);
		else
			sock_reset(fds[1]), fds[1] = -1;
		while (sock_far_end(fds[0]) == SOCK_ENDED && kind != PAIR_UNIX)
			fd_wait(fds[0], POLLIN);
		assert_int_equal(sock_far_end(fds[0]), SOCK_GONE);
		pair_close(fds);
	}
}

static void a_connection_comes_from_the_source_it_was_given(void **state)
{
	struct addr from = {.family = AF_INET, .ip = {127, 4, 5, 6}}, seen;
	struct sockaddr_storage ss;
	socklen_t length = sizeof(ss);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int fd = sock_open(AF_INET), err;

	(void)state;
	assert_int_equal(listen(listener, 1), 0);
	getsockname(listener, (struct sockaddr *)&ss, &length);
	addr_from_sockaddr(&seen, (struct sockaddr *)&ss, length);
	seen.ip[0] = 127;
	seen.ip[3] = 1;
	err = sock_source(fd, &from);
	if (err == -ENOTSUP) {
		print_message("skipped: this system has no such sources\n");
		skip();
	}
	assert_int_equal(err, 0);
	/* Again, as after a connect that found no port. */
	from.ip[3] = 7;
	assert_int_equal(sock_source(fd, &from), 0);
	assert_true(sock_connect(fd, &seen) == 0 || errno == EINPROGRESS);
	assert_int_equal(sock_local(fd, &seen), 0);
	assert_true(addr_same_ip(&seen, &from));
	close(fd);
	close(listener);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_far_end_is_told_apart),
		cmocka_unit_test(
			a_connection_comes_from_the_source_it_was_given),
		cmocka_unit_test(
			connections_are_made_and_taken_over_both_families),
		cmocka_unit_test(
			an_ipv4_client_of_an_ipv6_listener_is_an_ipv4_client),
		cmocka_unit_test(where_nobody_listens_it_says_refused),
		cmocka_unit_test(what_is_no_address_cannot_be_connected_to),
		cmocka_unit_test(a_unix_peer_has_no_path_that_could_dangle),
		cmocka_unit_test(
			a_unix_listener_whose_backlog_is_full_says_again),
		cmocka_unit_test(a_reset_is_a_reset_for_the_far_side),
		cmocka_unit_test(a_unix_reset_drops_the_connection),
		cmocka_unit_test(options_are_set_on_tcp_and_no_error_on_unix),
		cmocka_unit_test(
			the_shortest_and_the_longest_keepalive_are_taken),
		cmocka_unit_test(preparing_keeps_the_other_flags),
		cmocka_unit_test(what_the_far_side_has_not_taken_is_unsent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
