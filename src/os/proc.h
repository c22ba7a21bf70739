#ifndef LOWPORT_OS_PROC_H
#define LOWPORT_OS_PROC_H

#include <stddef.h>

/* The process itself: its limits and its signals. */

/* Raise the descriptor limit as far as an ordinary user may. Returns the limit
 * that now holds. */
size_t proc_raise_descriptor_limit(void);

/* The descriptor limit that holds now. */
size_t proc_descriptor_limit(void);

/* Back to the limit that we were started with; in a child, for what it becomes:
 * many programs do badly with a high one (select(), loops over all). */
void proc_restore_descriptor_limit(void);

/* What we inherited beyond the standard descriptors is not passed on. */
void proc_keep_inherited(void);

/* How many threads a relay does well with: one for each performance core that
 * this process may use, at most 4. */
size_t proc_threads(void);

/* A write to a peer that has gone is an error, never a signal. */
void proc_ignore_sigpipe(void);

#endif
