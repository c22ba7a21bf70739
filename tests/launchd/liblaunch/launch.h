#ifndef STANDIN_LAUNCH_H
#define STANDIN_LAUNCH_H

#include <stddef.h>

/*
 * macOS's <launch.h>, as far as it is not deprecated, for the stand-in.
 *
 * The sockets of the job that are called name. Returns 0 or an errno value (and
 * leaves errno alone): ENOENT, the job has none of that name; ESRCH, the
 * process was not started by launchd; EALREADY, it has activated that name
 * before. The caller frees *fds, an array of *cnt descriptors, which stay open
 * and are the caller's too. Nothing is set on them: not close-on-exec, not
 * non-blocking. On failure both are undefined.
 */
int launch_activate_socket(const char *name, int **fds, size_t *cnt);

#endif
