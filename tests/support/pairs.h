#ifndef LOWPORT_TESTS_PAIRS_H
#define LOWPORT_TESTS_PAIRS_H

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Two ends of one connection inside the test, and bytes whose place in the
 * stream can be told from their value. */

enum pair_kind { PAIR_UNIX, PAIR_TCP4, PAIR_TCP6 };

static inline void fd_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	assert_int_not_equal(flags, -1);
	assert_int_equal(fcntl(fd, F_SETFL, flags | O_NONBLOCK), 0);
}

/* Returns false where the system has no such address. */
static inline bool pair_open_tcp(int family, int fds[2])
{
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
				   .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	const void *any = family == AF_INET ? (void *)&in : (void *)&in6;
	socklen_t length = family == AF_INET ? sizeof(in) : sizeof(in6);
	struct sockaddr_storage at;
	socklen_t at_length = sizeof(at);
	int listener = socket(family, SOCK_STREAM, 0);

	if (listener < 0 || bind(listener, any, length) < 0) {
		close(listener);
		return false;
	}
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(
		getsockname(listener, (struct sockaddr *)&at, &at_length), 0);
	fds[0] = socket(family, SOCK_STREAM, 0);
	assert_int_equal(connect(fds[0], (struct sockaddr *)&at, at_length), 0);
	fds[1] = accept(listener, NULL, NULL);
	assert_int_not_equal(fds[1], -1);
	close(listener);
	return true;
}

/* Open a pair, both ends non-blocking. Likewise. */
static inline bool pair_open(enum pair_kind kind, int fds[2])
{
	fds[0] = fds[1] = -1;
	if (kind == PAIR_UNIX)
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	else if (!pair_open_tcp(kind == PAIR_TCP4 ? AF_INET : AF_INET6, fds))
		return false;
	fd_nonblocking(fds[0]);
	fd_nonblocking(fds[1]);
	return true;
}

/* A connection that has been reset: for a client whom connect() itself told of
 * the reset that it is to hear of. */
static inline int pair_reset(void)
{
	struct linger at_once = {.l_onoff = 1};
	int fds[2] = {-1, -1};

	if (!pair_open_tcp(AF_INET, fds))
		fail_msg("127.0.0.1: %s", strerror(errno));
	setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(fds[1]);
	return fds[0];
}

static inline void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static inline void pair_close(int fds[2])
{
	fd_close(&fds[0]);
	fd_close(&fds[1]);
}

/* Let a connection hold little, but enough that TCP need not wait for its
 * timers. Before it is used. */
static inline void pair_narrow(int from, int to)
{
	int little = 32 << 10;

	setsockopt(from, SOL_SOCKET, SO_SNDBUF, &little, sizeof(little));
	setsockopt(to, SOL_SOCKET, SO_RCVBUF, &little, sizeof(little));
}

/* Wait until the descriptor is ready; the test fails if that takes long. */
static inline void fd_wait(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	assert_int_equal(poll(&p, 1, 20000), 1);
}

static inline char pattern_at(size_t place)
{
	return (char)(place * 31 + place / 256 * 7 + place / 65536);
}

/* Write the pattern from *place on, up to end, as far as it goes. */
static inline void pattern_write(int fd, size_t *place, size_t end)
{
	char buf[4096];

	while (*place < end) {
		size_t n = end - *place;
		ssize_t sent;

		if (n > sizeof(buf))
			n = sizeof(buf);
		for (size_t i = 0; i < n; i++)
			buf[i] = pattern_at(*place + i);
		sent = send(fd, buf, n, MSG_NOSIGNAL);
		if (sent < 0) {
			assert_int_equal(errno, EAGAIN);
			return;
		}
		*place += (size_t)sent;
	}
}

/* Read what is there, up to most bytes, which must go on as the pattern does at
 * *place. Returns false at the end of the stream. */
static inline bool pattern_read(int fd, size_t *place, size_t most)
{
	char buf[4096];

	while (most > 0) {
		ssize_t n = recv(fd, buf,
				 most < sizeof(buf) ? most : sizeof(buf), 0);

		if (n < 0)
			assert_int_equal(errno, EAGAIN);
		if (n <= 0)
			return n < 0;
		for (ssize_t i = 0; i < n; i++)
			if (buf[i] != pattern_at(*place + (size_t)i))
				fail_msg("byte %zu is not the one sent",
					 *place + (size_t)i);
		*place += (size_t)n;
		most -= (size_t)n;
	}
	return true;
}

#endif
