#ifndef LOWPORT_OS_SYSCALLS_RULES_H
#define LOWPORT_OS_SYSCALLS_RULES_H

#include "os/syscalls.h"

#include <seccomp.h>

/* Which system calls lowport makes, in which phase: rules for a filter of
 * libseccomp. All return 0 or a negative errno. */

/* No io_uring: what is asked of the kernel by way of it, no filter sees. For one
 * that allows the rest. */
int rules_forbid_rings(scmp_filter_ctx f);

/* What it takes to serve; for one that forbids the rest. */
int rules_serve(scmp_filter_ctx f, const struct syscalls_plan *plan);

/* Nothing is served anew: quietly forbid what only that takes. Clients that were
 * accepted may be on their way to a backend still. For one that allows the
 * rest. */
int rules_end(scmp_filter_ctx f);

#endif
