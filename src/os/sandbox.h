#ifndef LOWPORT_OS_SANDBOX_H
#define LOWPORT_OS_SANDBOX_H

#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Giving up what is not needed: files (on Linux by Landlock) and system calls
 * (by seccomp). Both hold for all threads, and for what they start; neither can
 * be undone. CMake picks sandbox_linux.c or sandbox_none.c.
 *
 * There are three phases: all but io_uring is allowed while lowport starts; while
 * it serves, what it takes to serve and to read its configuration again; and,
 * while it ends, no new listener.
 */

enum sandbox_mode {
	SANDBOX_OFF,
	SANDBOX_ON,     /* what is not allowed fails with EPERM (what is new in
			 * Linux, with ENOSYS), and is told */
	SANDBOX_STRICT, /* ends the process; and it is an error if the sandbox
			 * cannot be had */
};

/* What may be done in a folder, and below it. */
enum sandbox_use {
	SANDBOX_READ,    /* files and folders read */
	SANDBOX_SOCKETS, /* sockets made and removed */
	SANDBOX_WRITE,   /* files made and written to */
};

struct sandbox_place {
	char *path;
	enum sandbox_use use;
};

struct sandbox_plan {
	struct sandbox_place *places; /* what is not there is left out */
	size_t count;
	bool names; /* host names are looked up: their files are read, and
		     * what libraries the system wants for it is loaded */
	bool modes; /* those of socket files are changed: files are left alone
		     * in all but their modes */
};

/* Is there a sandbox in this build, for this system? */
extern const bool sandbox_is_built;

/* Have ready what sandbox_calls() puts into force; from here on there is no
 * io_uring. To be called while there is but one thread, and no loop of libuv:
 * what has a ring already is not kept from using it. refused is called in a
 * signal handler, of any thread, when a call was not allowed. Returns true, or
 * false with *why where the system has no such thing. */
bool sandbox_begin(const struct sandbox_plan *plan, enum sandbox_mode mode,
		   void (*refused)(void), struct fault *why);

/* Restrict the files, while there is but one thread. Likewise. */
bool sandbox_files(const struct sandbox_plan *plan, struct fault *why);

/* Restrict the system calls, of all threads. Once, after sandbox_begin().
 * Likewise. */
bool sandbox_calls(struct fault *why);

/* From here on it ends. Nothing if sandbox_calls() has not been called. */
void sandbox_end(void);

/* The name of the system call that was refused last, into buf; and how many were
 * since the last time. */
unsigned sandbox_refused(char *buf, size_t size);

/* Do the restrictions that are in force, if any, leave that place in reach? */
bool sandbox_reaches(const struct sandbox_place *place);

#endif
