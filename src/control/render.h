#ifndef LOWPORT_CONTROL_RENDER_H
#define LOWPORT_CONTROL_RENDER_H

#include "control/snapshot.h"

/* A snapshot as text. The caller frees it; NULL: out of memory. */

/* One JSON object, on one line, without a newline. */
char *render_json(const struct snapshot *s);

/* The Prometheus text format, version 0.0.4. */
char *render_metrics(const struct snapshot *s);

#endif
