#ifndef LOWPORT_TESTS_PEER_H
#define LOWPORT_TESTS_PEER_H

#include "base/addr.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The two ends of a connection through the relay, as plain blocking sockets.
 * Whatever waits gives up after PEER_PATIENCE_MS with -EAGAIN or -ETIMEDOUT, so
 * that a failure is an error and not a hang. All return 0 (or what they say)
 * or a negative errno. Descriptors are the caller's.
 */

enum { PEER_PATIENCE_MS = 20000 };

/* Listen on a free loopback port, or on path for AF_UNIX; fills in *bound,
 * which borrows path. Returns the descriptor. */
int peer_listen(int family, const char *path, int backlog, struct addr *bound);

/* A port of that family that nobody listens on: what comes there is refused.
 * For AF_UNIX path is where nobody is. Returns the descriptor that holds it. */
int peer_refuse(int family, const char *path, struct addr *where);

/* Fill the backlog of a listener at *to until it takes no more. Writes at most
 * `most` descriptors into fds. Returns how many. */
int peer_fill_backlog(const struct addr *to, int *fds, int most);

/* Returns the descriptor. */
int peer_connect(const struct addr *to);
int peer_accept(int listener);

/* Send n bytes of the stream from byte `at` on. */
int peer_send(int fd, uint64_t seed, uint64_t at, size_t n);

/* Send until there has been no room for a while. Returns the bytes sent. */
uint64_t peer_fill(int fd, uint64_t seed);

/* recv() that goes on where a signal came between, with MSG_WAITALL too. A libuv with an io_uring makes
 * the kernel send such as nobody handles, even after its loop was closed; and a
 * call with a timeout is not begun anew by the system (signal(7)). */
ssize_t peer_recv(int fd, void *bytes, size_t n, int flags);

/* Receive n bytes and hold them against the stream from byte `at` on. -EBADMSG:
 * a byte is wrong. -ENODATA: the end came first. */
int peer_take(int fd, uint64_t seed, uint64_t at, uint64_t n);

/* What comes next? 0: the end. -ECONNRESET: a reset. -EBADMSG: more bytes. */
int peer_end(int fd);

/* Wait until there is something to read, or the end. */
int peer_readable(int fd);

/* Wait until the other end's system has taken all that was sent. */
int peer_flush(int fd);

/* Close with a reset. A Unix socket can do so only while something that it has
 * not read waits for it. Takes fd. */
void peer_reset(int fd);

#endif
