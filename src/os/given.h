#ifndef LOWPORT_OS_GIVEN_H
#define LOWPORT_OS_GIVEN_H

#include "os/rights.h"

#include <sys/types.h>

/*
 * Files that root opens for the user whom it is about to become. What that user
 * can do by then, they must not do by way of root: a link that they put in the
 * place of their log would have root write to, and give away, what it leads to.
 */

/* open(2) path as user would; what they may not, root opens and, if it is a
 * plain file, gives to them: but only where nothing on the way there is theirs to
 * change. user NULL: open it as whoever we are. The groups of root are user's from
 * here on. Returns a descriptor, the caller's, or a negative errno: -EACCES, too,
 * for what user might have put there. */
int given_open(const char *path, int flags, mode_t mode,
	       const struct rights *user);

#endif
