#ifndef LOWPORT_OS_SYSCALLS_H
#define LOWPORT_OS_SYSCALLS_H

#include <stdbool.h>
#include <stddef.h>

/* Which system calls are allowed: seccomp(2), by way of libseccomp. */

struct syscalls_plan {
	bool kill;             /* whoever makes another one ends, at once */
	bool load_code;        /* libraries may be loaded still */
	bool change_modes;     /* of files, by their names */
	void (*refused)(void); /* in a signal handler */
};

/* Make the filters of what comes later: libseccomp wants memory for it, and does
 * not survive that there is none. No io_uring from here on, which would go past
 * them. Returns 0 or a negative errno. */
int syscalls_begin(const struct syscalls_plan *plan);

/* From here on, for all threads, what it takes to serve. Once, after
 * syscalls_begin(). Returns 0 or a negative errno; then nothing has changed. */
int syscalls_serve(void);

/* And from here on what it takes to end. Nothing before syscalls_serve(). */
void syscalls_end(void);

/* See sandbox_refused(). */
unsigned syscalls_refused(char *buf, size_t size);

#endif
