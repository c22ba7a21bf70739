#ifndef LOWPORT_TESTS_LISTEN_RIG_H
#define LOWPORT_TESTS_LISTEN_RIG_H

#include "support/pairs.h"

#include "os/listen.h"
#include "os/sock.h"

#include <stdio.h>
#include <stdlib.h>

/* What a test asks for and what it gets, and where socket files may be. */
struct rig {
	struct listen_request want;
	struct listeners got;
	struct fault why;
	char folder[32], path[64];
	int saved[3]; /* what the test program had at 3, 4 and 5 */
};

enum { FIRST = 3, FAR_UP = 64 };

static inline int set_up(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	r->want.backlog = 16;
	r->want.mode = 0600;
	r->want.text = "the request";
	snprintf(r->folder, sizeof(r->folder), "/tmp/lowport-XXXXXX");
	assert_non_null(mkdtemp(r->folder));
	snprintf(r->path, sizeof(r->path), "%s/socket", r->folder);
	for (int i = 0; i < 3; i++) {
		r->saved[i] = fcntl(FIRST + i, F_DUPFD_CLOEXEC, FAR_UP);
		close(FIRST + i);
	}
	*state = r;
	return 0;
}

static inline int tear_down(void **state)
{
	struct rig *r = *state;

	listen_close(&r->got, 0);
	assert_null(r->got.at);
	for (int i = 0; i < 3; i++) {
		if (r->saved[i] < 0) {
			close(FIRST + i);
			continue;
		}
		dup2(r->saved[i], FIRST + i);
		close(r->saved[i]);
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	unlink(r->path);
	rmdir(r->folder);
	free(r);
	return 0;
}

static inline void want_at(struct rig *r, const char *text)
{
	assert_int_equal(addr_parse(&r->want.addr, text), 0);
}

static inline void want_path(struct rig *r)
{
	r->want.addr = (struct addr){.family = AF_UNIX};
	r->want.addr.path = r->path;
}

/* The request fails so, adds nothing, and says this. */
#define assert_refused(r, open, err, word)                                 \
	do {                                                               \
		size_t had = (r)->got.count;                               \
                                                                           \
		assert_int_equal((open)(&(r)->want, &(r)->got, &(r)->why), \
				 err);                                     \
		assert_int_equal((r)->got.count, had);                     \
		assert_says((r)->why.text, word);                          \
	} while (0)

static inline void opens(struct rig *r,
			 int (*open)(const struct listen_request *want,
				     struct listeners *out, struct fault *why))
{
	if (open(&r->want, &r->got, &r->why) < 0)
		fail_msg("refused: %s", r->why.text);
}

/* Does a connection to that address come out of that listener? */
static inline void assert_serves(int listener, const struct addr *at)
{
	struct addr peer;
	int near = sock_open(at->family), far;

	assert_true(near >= 0);
	far = sock_connect(near, at);
	assert_true(far == 0 || far == -EINPROGRESS);
	fd_wait(listener, POLLIN);
	far = sock_accept(listener, &peer);
	assert_true(far >= 0);
	close(near);
	close(far);
}

static inline void assert_prepared(int fd)
{
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

/* A socket of the test. Bound to a free port of at, and listening, if asked. */
static inline int socket_at(const char *at, int type, bool listening)
{
	struct sockaddr_storage ss;
	struct addr addr;
	socklen_t length;
	int fd;

	assert_int_equal(addr_parse(&addr, at), 0);
	length = addr_to_sockaddr(&addr, &ss);
	fd = socket(addr.family, type, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&ss, length), 0);
	if (listening)
		assert_int_equal(listen(fd, 8), 0);
	return fd;
}

#define LISTEN_ROW(test) \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
