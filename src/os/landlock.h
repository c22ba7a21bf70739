#ifndef LOWPORT_OS_LANDLOCK_H
#define LOWPORT_OS_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * landlock(7), as far as it is used here: older headers lack some of it, and no
 * C library has the calls. Rights are those of the kernel's ABI.
 */

#define LANDLOCK_EXECUTE     (UINT64_C(1) << 0)
#define LANDLOCK_WRITE_FILE  (UINT64_C(1) << 1)
#define LANDLOCK_READ_FILE   (UINT64_C(1) << 2)
#define LANDLOCK_READ_DIR    (UINT64_C(1) << 3)
#define LANDLOCK_REMOVE_FILE (UINT64_C(1) << 5)
#define LANDLOCK_MAKE_REG    (UINT64_C(1) << 8)
#define LANDLOCK_MAKE_SOCK   (UINT64_C(1) << 9)

/* Begin a set of rules: all that this kernel knows is forbidden from
 * landlock_enforce() on, but for what is allowed; abstract: Unix sockets without a
 * file are connected to. Returns a descriptor, or a negative errno: -ENOSYS or
 * -EOPNOTSUPP where there is no Landlock. */
int landlock_new(bool abstract);

/* Allow these rights at path; below it, where that is a folder. Of a file only
 * those that a file can have count. Returns 0 or a negative errno; -ENOENT where
 * nothing is. */
int landlock_allow(int rules, const char *path, uint64_t rights);

/* For this thread and all that it starts. Takes rules. Returns 0 or a negative
 * errno. */
int landlock_enforce(int rules);

#endif
