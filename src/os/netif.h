#ifndef LOWPORT_OS_NETIF_H
#define LOWPORT_OS_NETIF_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>

/* Interfaces and their addresses. */

enum { NETIF_ADDRESSES_MAX = 64 };

/* The addresses of the interface of that name, with port 0; link-local IPv6
 * ones, with their scope, only if they are wanted. Returns how many (0: it is
 * there and has none), -ENODEV if there is no such interface, or another
 * negative errno. */
int netif_addresses(const char *name, bool link_local,
		    struct addr out[NETIF_ADDRESSES_MAX]);

/* Could an interface have that name? */
bool netif_is_name(const char *name);

/* Does this machine have that address now? (A wildcard always.) */
bool netif_has(const struct addr *a);

/* Is it an address of this machine now, so that who connects to it stays here?
 * Unlike netif_has() it does not go by what may be bound: a system can be told
 * to let any address be (net.ipv4.ip_nonlocal_bind), and be out of ports. */
bool netif_is_local(const struct addr *a);

/* Is it an address that is always there: 127.0.0.1 or ::1, or a wildcard? */
bool netif_is_permanent(const struct addr *a);

/* A descriptor that becomes readable when addresses come or go, or interfaces:
 * netlink on Linux, PF_ROUTE on macOS. Returns it, or a negative errno. */
int netif_watch(void);

/* Take what it says, so that it waits for the next change. */
void netif_watch_drain(int fd);

/* Put the scope of a link-local address where it belongs. For netif.c. */
void netif_mend_scope(struct addr *a);

#endif
