#ifndef LOWPORT_SERVICE_REACH_H
#define LOWPORT_SERVICE_REACH_H

#include "base/addr.h"

#include <stddef.h>

/* Looking at a port from outside, as a client would. */

/* Connect and hang up. Returns 0 if something listens there, or a negative
 * errno: -ECONNREFUSED nobody does, -ETIMEDOUT no answer within timeout_ms. */
int reach_connect(const struct addr *a, int timeout_ms);

/* Connect and wait so long for the other end to hang up. Returns 0 if it did
 * not (or sent something), -ECONNRESET if it reset, -EPIPE if it closed, or why
 * the connection failed. */
int reach_hold(const struct addr *a, int timeout_ms);

/* Who listens on that port, as the system's own tool prints it: lines in buf,
 * which is empty if nobody does or it cannot be told. */
void reach_who(unsigned port, char *buf, size_t size);

#endif
