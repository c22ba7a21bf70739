#ifndef LOWPORT_OS_NOTIFY_H
#define LOWPORT_OS_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Seam 3: telling the service manager how we are. On Linux this is the
 * protocol of sd_notify(3), a datagram to the socket that $NOTIFY_SOCKET names
 * (a path, or @NAME in the abstract namespace), without libsystemd; elsewhere
 * nobody asks. CMake picks notify_systemd.c or notify_none.c.
 *
 * All return 0, also where nobody asks, or a negative errno: the service
 * manager could not be told.
 */

/* Does somebody want to be told? */
bool notify_is_wanted(void);

/* Clients are served now, at the start and after notify_reloading(). status is
 * one line for a person, and cut to what fits. */
int notify_ready(const char *status);

/* The configuration is read anew; notify_ready() has to follow. */
int notify_reloading(void);

/* We are on our way out, and may take our time. */
int notify_stopping(void);

/* One line for a person. */
int notify_status(const char *status);

/* We are alive. */
int notify_alive(void);

/* How often notify_alive() is wanted, in milliseconds: twice as often as the
 * service manager looks. 0: not at all. */
uint64_t notify_alive_ms(void);

#endif
