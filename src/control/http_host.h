#ifndef LOWPORT_CONTROL_HTTP_HOST_H
#define LOWPORT_CONTROL_HTTP_HOST_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * May a Host header have this value? A page from elsewhere whose name its owner
 * points to our address (DNS rebinding) is kept out by it: a browser sends that
 * name. Fine are localhost, a name among names, and as an address the one at
 * which the listener is bound: any for a wildcard, any loopback one for a
 * loopback one. A port behind it does not matter; it may be a tunnel's.
 */
bool http_host_is_ours(const char *host, const struct addr *bound,
		       char *const *names, size_t name_count);

#endif
