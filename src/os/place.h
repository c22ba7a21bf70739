#ifndef LOWPORT_OS_PLACE_H
#define LOWPORT_OS_PLACE_H

#include <stdint.h>

/* A place for a backend to listen at, where nobody else is. */

/* A port that is free on both loopback addresses, and that the system gives to
 * no socket that connects, so that it stays free while nobody listens there.
 * Returns 0 with *port, or -EADDRINUSE after many tries. */
int place_port(uint16_t *port);

/* Make a directory that only this user may enter, and name a socket in it that
 * is not there yet; *path is the caller's, who gives it to place_remove().
 * Returns 0 or a negative errno (-ENAMETOOLONG: $TMPDIR is too long). */
int place_path(char **path);

/* Remove a socket that was left at path. */
void place_clear(const char *path);

/* Remove what place_path() made, with what a program has left in it, and free
 * path. It may be NULL. */
void place_remove(char *path);

#endif
