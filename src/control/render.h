#ifndef LOWPORT_CONTROL_RENDER_H
#define LOWPORT_CONTROL_RENDER_H

#include "control/snapshot.h"

/* A snapshot as text. The caller frees it; NULL: out of memory. */

/* Grows when a reader of the one before would misread the next; members that
 * are new do not change it. */
enum { RENDER_JSON_FORMAT = 1 };

/* One JSON object, on one line, without a newline. It has "connections" if
 * s->connections is not NULL, be there none. */
char *render_json(const struct snapshot *s);

/* The Prometheus text format, version 0.0.4. */
char *render_metrics(const struct snapshot *s);

#endif
