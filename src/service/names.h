#ifndef LOWPORT_SERVICE_NAMES_H
#define LOWPORT_SERVICE_NAMES_H

#include "base/addr.h"
#include "base/fault.h"
#include "os/netif.h"

#include <stddef.h>

/*
 * launchd resolves a name once, when it loads a job, into as many sockets as
 * it finds, and systemd none; so a plist and a unit get addresses, and names
 * are resolved when they are made.
 */

/* The addresses of a listener as `lowport install` takes it: ADDR:PORT,
 * *:PORT, if:INTERFACE:PORT, INTERFACE:PORT or HOST:PORT. Returns how many (at
 * least one), or a negative errno with *why. */
int names_resolve(const char *text, struct addr out[], size_t most,
		  struct fault *why);

/* The addresses that an interface has now, with port 0. Likewise. */
int names_of_interface(const char *name, bool link_local,
		       struct addr out[NETIF_ADDRESSES_MAX], struct fault *why);

/* The addresses of a host name, with port 0. Likewise. */
int names_of_host(const char *name, struct addr out[], size_t most,
		  struct fault *why);

#endif
