#include "process/peers.h"

#include "base/addr.h"
#include "support/pairs.h"
#include "support/proc.h"
#include "support/scrap.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

enum { SOCKETS_MOST = 4096, APART = 97 };

static bool made_here[SOCKETS_MOST];

static int keep(int fd)
{
	if (fd >= 0 && fd < SOCKETS_MOST)
		made_here[fd] = true;
	return fd;
}

static void parse_where(const char *where, struct addr *a)
{
	if (strncmp(where, "unix:", 5) == 0) {
		*a = (struct addr){.family = AF_UNIX};
		a->path = where + 5;
	} else if (addr_parse(a, where) < 0) {
		fail_msg("%s is no address", where);
	}
}

static int open_socket(const char *where, struct sockaddr_storage *ss,
		       socklen_t *length)
{
	struct addr a = {0};

	parse_where(where, &a);
	*length = addr_to_sockaddr(&a, ss);
	return socket(a.family, SOCK_STREAM, 0);
}

static int try_bind(const char *where, bool listens)
{
	struct sockaddr_storage ss;
	socklen_t length;
	int fd = open_socket(where, &ss, &length), on = 1, error;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&ss, length) == 0 &&
	    (!listens || listen(fd, 1024) == 0))
		return keep(fd);
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

int peer_try_listen(const char *where)
{
	int fd = try_bind(where, true);

	/* The program under test may be another user. */
	if (fd >= 0 && strncmp(where, "unix:", 5) == 0)
		chmod(where + 5, 0666);
	return fd;
}

int peer_listen(const char *where)
{
	int fd = peer_try_listen(where);

	if (fd < 0)
		fail_msg("cannot listen on %s: %s", where, strerror(errno));
	return fd;
}

int peer_bind(const char *where)
{
	int fd = try_bind(where, false);

	if (fd < 0)
		fail_msg("cannot bind %s: %s", where, strerror(errno));
	return fd;
}

static void get_bound(int fd, struct sockaddr_storage *ss, struct addr *a)
{
	socklen_t length = sizeof(*ss);

	memset(ss, 0, sizeof(*ss));
	if (getsockname(fd, (struct sockaddr *)ss, &length) < 0)
		fail_msg("getsockname: %s", strerror(errno));
	addr_from_sockaddr(a, (struct sockaddr *)ss, length);
}

const char *peer_where(int fd)
{
	struct sockaddr_storage ss;
	char text[ADDR_TEXT];
	struct addr a;

	get_bound(fd, &ss, &a);
	return scrap("%s", addr_print(&a, text));
}

/* One that nobody has on any address, of count from lowest on. */
static unsigned find_port(unsigned lowest, unsigned count)
{
	/* Others who search now, most likely of neighbouring numbers, begin
	 * further away than any of them goes. */
	unsigned first = (unsigned)getpid() * APART % count;

	for (unsigned i = 0; i < count; i++) {
		unsigned port = lowest + (first + i) % count;
		int fd = peer_try_listen(scrap("[::]:%u", port));

		if (fd < 0 && errno != EADDRINUSE)
			fd = peer_try_listen(scrap("0.0.0.0:%u", port));
		if (fd < 0)
			continue;
		peer_close(fd);
		return port;
	}
	return 0;
}

unsigned peer_free_port(void)
{
	/* Below those that systems give to clients. */
	return find_port(10240, 20480);
}

unsigned peer_free_low_port(void)
{
	return find_port(80, 1024 - 80);
}

static void limit_waits(int fd)
{
	struct timeval patience = {.tv_sec = PROC_PATIENCE_MS / 1000};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

/* The client fd, or -1. Whom connect() itself has told of a reset hears of it
 * when he listens, as those do who are reset a moment later. */
static int dialed(int fd, bool connected)
{
	int error = errno;

	if (connected)
		return keep(fd);
	close(fd);
	if (error == ECONNRESET) {
		fd = pair_reset();
		limit_waits(fd);
		return keep(fd);
	}
	errno = error;
	return -1;
}

int peer_try_dial(const char *where)
{
	struct sockaddr_storage ss;
	socklen_t length;
	int fd = open_socket(where, &ss, &length);

	if (fd < 0)
		return -1;
	limit_waits(fd);
	return dialed(fd, connect(fd, (struct sockaddr *)&ss, length) == 0);
}

int peer_try_dial_from(const char *from, const char *where)
{
	struct sockaddr_storage ss, source;
	socklen_t length, source_length;
	struct addr a;
	int fd = open_socket(where, &ss, &length);

	if (fd < 0)
		return -1;
	if (addr_parse_ip(&a, from) < 0)
		fail_msg("%s is no address", from);
	source_length = addr_to_sockaddr(&a, &source);
	limit_waits(fd);
	return dialed(
		fd, bind(fd, (struct sockaddr *)&source, source_length) == 0 &&
			    connect(fd, (struct sockaddr *)&ss, length) == 0);
}

int peer_dial(const char *where)
{
	int fd = peer_try_dial(where);

	if (fd < 0)
		fail_msg("cannot connect to %s: %s", where, strerror(errno));
	return fd;
}

int peer_accept(int listener)
{
	int fd = peer_is_silent(listener, PROC_PATIENCE_MS)
			 ? -1
			 : accept(listener, NULL, NULL);

	if (fd < 0)
		fail_msg("nobody comes to %s", peer_where(listener));
	limit_waits(fd);
	return keep(fd);
}

void peer_send(int fd, const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size > 0) {
		ssize_t n = send(fd, at, size, 0);

		if (n < 0)
			fail_msg("send: %s", strerror(errno));
		at += n;
		size -= (size_t)n;
	}
}

void peer_end(int fd)
{
	if (shutdown(fd, SHUT_WR) < 0)
		fail_msg("shutdown: %s", strerror(errno));
}

void peer_close(int fd)
{
	made_here[fd] = false;
	close(fd);
}

void peer_reset(int fd)
{
	struct linger none = {.l_onoff = 1, .l_linger = 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	peer_close(fd);
}

const char *peer_hear(int fd)
{
	char text[4096];
	size_t length = 0;

	for (;;) {
		ssize_t n =
			recv(fd, text + length, sizeof(text) - 1 - length, 0);

		if (n < 0 && errno == ECONNRESET)
			return "reset";
		if (n < 0)
			fail_msg("recv: %s", strerror(errno));
		if (n == 0)
			break;
		length += (size_t)n;
	}
	text[length] = '\0';
	return scrap("%s", text);
}

bool peer_is_silent(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, ms) == 0;
}

const char *peer_ask(const char *where, const char *text)
{
	int fd = peer_try_dial(where);
	const char *answer = "reset";

	/* A reset is told to whichever call comes first. */
	if (fd < 0 && errno != ECONNRESET)
		fail_msg("cannot connect to %s: %s", where, strerror(errno));
	if (fd < 0)
		return answer;
	if (send(fd, text, strlen(text), 0) >= 0 || errno != ECONNRESET) {
		shutdown(fd, SHUT_WR);
		answer = peer_hear(fd);
	}
	peer_close(fd);
	return answer;
}

uint64_t peer_hash(uint64_t hash, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
	return hash;
}

void peer_fill(void *bytes, size_t size, uint64_t place)
{
	unsigned char *at = bytes;

	for (size_t i = 0; i < size; i++, place++) {
		uint64_t x = (place >> 3) * UINT64_C(0x9e3779b97f4a7c15);

		at[i] = (unsigned char)(x >> (8 * (place & 7)) ^ x >> 56);
	}
}

void peers_close(void)
{
	for (int fd = 0; fd < SOCKETS_MOST; fd++) {
		if (made_here[fd])
			close(fd);
		made_here[fd] = false;
	}
}
