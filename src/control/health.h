#ifndef LOWPORT_CONTROL_HEALTH_H
#define LOWPORT_CONTROL_HEALTH_H

#include "control/snapshot.h"

#include <stdbool.h>

/* Does lowport take clients? "ok", or *fine becomes false and it says why not: it
 * drains, or no listener is alive (which). Ends with a newline. The caller frees
 * it; NULL: out of memory. */
char *health_print(const struct snapshot *s, bool *fine);

#endif
