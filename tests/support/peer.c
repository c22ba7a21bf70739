#include "peer.h"

#include "bytes.h"
#include "os/sock.h"
#include "pairs.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
	CHUNK = 64 << 10,
	STALLED_MS = 150, /* no room for so long: there will be none */
	TICK_MS = 2,
};

static void loopback(struct addr *a, int family, const char *path)
{
	*a = (struct addr){.family = (uint16_t)family};
	if (family == AF_UNIX)
		a->path = path;
	else
		addr_parse_ip(a, family == AF_INET ? "127.0.0.1" : "::1");
}

static int set_patience(int fd)
{
	struct timeval tv = {.tv_sec = PEER_PATIENCE_MS / 1000};

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) < 0)
		return -errno;
	return 0;
}

static int wait_for(int fd, short events, int ms)
{
	struct pollfd p = {.fd = fd, .events = events};
	int n;

	do
		n = poll(&p, 1, ms);
	while (n < 0 && errno == EINTR);
	return n > 0 ? 0 : n == 0 ? -ETIMEDOUT : -errno;
}

/* A bound socket; *bound says where. */
static int open_bound(int family, const char *path, struct addr *bound)
{
	struct sockaddr_storage ss;
	socklen_t length;
	int on = 1, fd = socket(family, SOCK_STREAM, 0);

	loopback(bound, family, path);
	length = addr_to_sockaddr(bound, &ss);
	if (fd < 0)
		return -errno;
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&ss, length) < 0) {
		close(fd);
		return -errno;
	}
	if (family != AF_UNIX)
		sock_local(fd, bound);
	return fd;
}

int peer_listen(int family, const char *path, int backlog, struct addr *bound)
{
	int fd = open_bound(family, path, bound);

	if (fd >= 0 && listen(fd, backlog) < 0) {
		close(fd);
		return -errno;
	}
	return fd;
}

int peer_refuse(int family, const char *path, struct addr *where)
{
	return open_bound(family, path, where);
}

int peer_fill_backlog(const struct addr *to, int *fds, int most)
{
	for (int n = 0; n < most; n++) {
		int fd = sock_open(to->family);
		int err = sock_connect(fd, to);

		if (err == -EINPROGRESS)
			err = wait_for(fd, POLLOUT, STALLED_MS);
		fds[n] = fd;
		if (err < 0)
			return n + 1;
	}
	return most;
}

ssize_t peer_recv(int fd, void *bytes, size_t n, int flags)
{
	size_t before = 0;
	ssize_t got;

	do {
		got = recv(fd, (char *)bytes + before, n - before, flags);
		if (got > 0)
			before += (size_t)got;
	} while ((got < 0 && errno == EINTR) ||
		 (got > 0 && (flags & MSG_WAITALL) && before < n));
	return before > 0 ? (ssize_t)before : got;
}

static ssize_t try_send(int fd, const void *bytes, size_t n)
{
	ssize_t sent;

	do
		sent = send(fd, bytes, n, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent;
}

/* How it went on without us. */
static int connect_goes_on(int fd)
{
	int err = wait_for(fd, POLLOUT, PEER_PATIENCE_MS);
	socklen_t length = sizeof(err);

	if (err == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &length) < 0)
		return -errno;
	return err < 0 ? err : -err;
}

int peer_connect(const struct addr *to)
{
	struct sockaddr_storage ss;
	socklen_t length = addr_to_sockaddr(to, &ss);
	int err, fd = socket(to->family, SOCK_STREAM, 0);

	if (fd < 0)
		return -errno;
	err = set_patience(fd);
	if (err == 0 && connect(fd, (const struct sockaddr *)&ss, length) < 0)
		err = errno == EINTR ? connect_goes_on(fd) : -errno;
	if (err == 0)
		return fd;
	close(fd);
	if (err != -ECONNRESET)
		return err;
	fd = pair_reset();
	set_patience(fd);
	return fd;
}

int peer_accept(int listener)
{
	int fd, err = wait_for(listener, POLLIN, PEER_PATIENCE_MS);

	if (err < 0)
		return err;
	fd = accept(listener, NULL, NULL);
	if (fd < 0)
		return -errno;
	set_patience(fd);
	return fd;
}

int peer_send(int fd, uint64_t seed, uint64_t at, size_t n)
{
	char buf[CHUNK];

	while (n > 0) {
		size_t some = n < CHUNK ? n : CHUNK;
		ssize_t sent;

		bytes_fill(buf, some, seed, at);
		sent = try_send(fd, buf, some);
		if (sent < 0)
			return -errno;
		at += (size_t)sent;
		n -= (size_t)sent;
	}
	return 0;
}

uint64_t peer_fill(int fd, uint64_t seed)
{
	uint64_t sent = 0;
	char buf[CHUNK];

	while (wait_for(fd, POLLOUT, STALLED_MS) == 0) {
		ssize_t n;

		bytes_fill(buf, CHUNK, seed, sent);
		n = send(fd, buf, CHUNK, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN)
			break;
		if (n > 0)
			sent += (uint64_t)n;
	}
	return sent;
}

int peer_take(int fd, uint64_t seed, uint64_t at, uint64_t n)
{
	char buf[CHUNK];

	while (n > 0) {
		ssize_t some =
			peer_recv(fd, buf, (size_t)(n < CHUNK ? n : CHUNK), 0);

		if (some < 0)
			return -errno;
		if (some == 0)
			return -ENODATA;
		if (bytes_right(buf, (size_t)some, seed, at) < (size_t)some)
			return -EBADMSG;
		at += (size_t)some;
		n -= (uint64_t)some;
	}
	return 0;
}

int peer_end(int fd)
{
	char byte;
	ssize_t n = peer_recv(fd, &byte, 1, 0);

	return n > 0 ? -EBADMSG : n == 0 ? 0 : -errno;
}

int peer_readable(int fd)
{
	return wait_for(fd, POLLIN, PEER_PATIENCE_MS);
}

/* Nothing announces it, so it has to be asked. */
int peer_flush(int fd)
{
	struct timespec tick = {.tv_nsec = TICK_MS * 1000000};

	for (int ms = 0; ms < PEER_PATIENCE_MS; ms += TICK_MS) {
		if (sock_unsent(fd) == 0)
			return 0;
		nanosleep(&tick, NULL);
	}
	return -ETIMEDOUT;
}

void peer_reset(int fd)
{
	sock_reset(fd);
}
