#ifndef LOWPORT_OS_SPAWN_H
#define LOWPORT_OS_SPAWN_H

#include <stdbool.h>
#include <stddef.h>

/* Other programs, run to their end. They are looked for on PATH. */

/* What one printed on both its outputs, cut to what fits, and how it ended. */
struct spawn_result {
	int status; /* exit status; 128 + N after signal N */
	size_t length;
	char output[16 << 10];
};

/* Run argv (which ends with NULL) without input and wait for it. Returns 0, or
 * a negative errno if it could not be started (-ENOENT: not on PATH). */
int spawn_run(const char *const argv[], struct spawn_result *out);

/* Start argv in a session of its own, with its outputs where ours are, and do
 * not wait. Returns 0 or a negative errno. */
int spawn_detached(const char *const argv[]);

#endif
