#ifndef LOWPORT_OS_SOCK_H
#define LOWPORT_OS_SOCK_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Stream sockets, as the relay needs them: each one made here is non-blocking
 * and closed on exec. All return 0 (or what they say) or a negative errno.
 */

/* A new socket of that family. Returns the descriptor, which is the caller's.
 */
int sock_open(int family);

/*
 * Take one connection from a listener. Returns its descriptor, which is the
 * caller's, and fills in *peer (a Unix peer's path is left out).
 * -EAGAIN: none waits. -ECONNABORTED: it was gone before it could be taken.
 */
int sock_accept(int listener, struct addr *peer);

/* Begin to connect. Returns 0 if it is connected now, -EINPROGRESS if it will
 * be writable once that is decided, -EAGAIN if a Unix listener's backlog is
 * full and nothing has begun. */
int sock_connect(int fd, const struct addr *to);

/* The pending error of a socket, taken off it: 0 or negative. */
int sock_error(int fd);

/* Has it failed for good (a reset, a peer that was lost)? 0, or the error,
 * which is taken off it. Unlike sock_error() it leaves alone what TCP gets over
 * by itself, such as a route that is gone for a moment. */
int sock_failure(int fd);

/* Who is at the other end of a Unix socket: the user that connected. */
int sock_peer_user(int fd, uid_t *user);

/* Where it is bound. A Unix path is left out. */
int sock_local(int fd, struct addr *local);

/* Does it listen? A listener may die under us: shut down by another process, or
 * by a firewall. */
bool sock_is_listening(int fd);

/* From the one to the other, both included. */
struct sock_ports {
	unsigned first, last;
};

/* The ports that the system chooses from for a socket that connects; 1024 to
 * 65535 if it does not tell. */
struct sock_ports sock_ephemeral(void);

/* Does somebody wait to be accepted? */
bool sock_has_waiting(int listener);

/* Let a socket that is not connected yet come from that address, its port left
 * to the system until it connects: so a port serves as often as there are pairs
 * of addresses. -ENOTSUP where a port is then taken for all of them, and where
 * the addresses are not there to be had. */
int sock_source(int fd, const struct addr *from);

/* Does an IPv6 listener take IPv4 clients too? */
bool sock_takes_ipv4(int fd);

/* How is the far end, whatever is left to be read? Where the system does not
 * tell the two apart, SOCK_ENDED stands for both. */
enum sock_far_end {
	SOCK_THERE,
	SOCK_ENDED, /* it sends no more; it may still listen */
	SOCK_GONE,  /* closed, or lost */
};

enum sock_far_end sock_far_end(int fd);

/* How long after its last byte the end of a TCP socket came that is SOCK_ENDED:
 * milliseconds, or -ENOTSUP where the system does not tell. */
int sock_end_after_ms(int fd);

/* Is there something to be read? */
bool sock_has_input(int fd);

/* Before sock_connect(): the first bytes follow at once, so let them carry the
 * end of the handshake. Without them the other end would hear of the connection
 * late. Where the system cannot, 0. */
int sock_speaks_first(int fd);

/* Bytes that the other end has not acknowledged yet; 0 where the system cannot
 * tell. */
size_t sock_unsent(int fd);

/* Let in only what comes through that interface, or from this machine to one of
 * its addresses; before bind(). Returns 1, 0 where the system has nothing of the kind, or a
 * negative errno. */
int sock_bind_device(int fd, const char *interface);

/* Has a connection that was accepted come through the interface of that index,
 * or from this machine to one of its addresses? True where it cannot be told. family is that of
 * sock_local(). */
bool sock_came_through(int fd, int family, unsigned interface);

/* Send small segments at once. A Unix socket always does: 0. */
int sock_nodelay(int fd);

/* Take an urgent byte as what it is in the stream: a byte between others. Unix
 * sockets have them on Linux since 5.15, and do not inherit this. */
int sock_inline_urgent(int fd);

/* No descriptor is passed to this Unix socket, nor to those that it accepts from
 * here on: who passes one fails with EPERM. One that nobody takes is closed by
 * whoever reads past it, which may take as long as who passed it likes (SO_LINGER,
 * a file of FUSE). Linux since 6.16; nothing elsewhere. */
void sock_refuse_files(int fd);

/* Is what comes next an urgent byte? */
bool sock_at_mark(int fd);

/* Find out about a peer that vanished: probe it after so many silent seconds,
 * and give up one such time later. A Unix peer cannot vanish: 0. */
int sock_keepalive(int fd, unsigned idle_s);

/* No probes, whatever it was handed over with. */
int sock_no_keepalive(int fd);

/* Make it non-blocking and closed on exec. */
int sock_prepare(int fd);

/* Close it with a reset, dropping what is unsent. Takes fd. A Unix socket has
 * no reset: its peer sees the end, or ECONNRESET if it wrote something that
 * was not read. */
void sock_reset(int fd);

#endif
