#ifndef LOWPORT_ENGINE_SOCKOPTS_H
#define LOWPORT_ENGINE_SOCKOPTS_H

#include <stdbool.h>

/* What the sockets of a connection are told, so that what comes in at one end goes
 * out at the other as it is, at once. Where it cannot be set, it is not needed. */

/* A listener: what it accepts inherits most of it, which saves setting it each
 * time. keepalive_s: 0 for none. */
void sockopts_listener(int fd, int family, unsigned keepalive_s);

/* One that it has accepted, which inherits less of a Unix listener, and nothing of
 * what came before that was told. */
void sockopts_accepted(int fd, int family);

/* One that is to be connected to a backend. speaks_first: bytes follow at once. */
void sockopts_backend(int fd, int family, bool speaks_first);

#endif
