#ifndef LOWPORT_OS_RUNTIME_H
#define LOWPORT_OS_RUNTIME_H

#include "base/fault.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * Where the sockets are by which what runs is found: a folder of ours that
 * nobody else may write to.
 *
 *   $RUNTIME_DIRECTORY          what systemd made for us (RuntimeDirectory=)
 *   $XDG_RUNTIME_DIR/lowport
 *   /run/lowport                for root; /var/run on a Mac
 *   /run/lowport-UID            for whom root becomes
 *   $TMPDIR/lowport-UID         a Mac's own folder of the user; else /tmp
 */

/* From here on sockets are for this user, whom root is about to become. root's
 * folder is none for them: theirs is /run/lowport-UID. */
void runtime_owner(uid_t user);
bool runtime_has_owner(void);

/* Let a folder that was made just now be theirs, if there is such a user and this
 * is root still. Returns 0 or a negative errno. */
int runtime_give(const char *folder);

/* The path of NAME.sock in the first of them that can be had, which is made if
 * it is not there. *path is the caller's to free. Returns 0 or a negative errno
 * with *why. */
int runtime_path(char **path, const char *name, struct fault *why);

/* Call each with the path of every socket that is there, in all of these
 * folders and in those that systemd makes for others (/run/lowport*), sorted
 * within each. Returns 0 or -ENOMEM. */
int runtime_find(void (*each)(void *data, const char *path), void *data);

#endif
