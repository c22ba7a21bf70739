#ifndef LOWPORT_CONTROL_SHOW_H
#define LOWPORT_CONTROL_SHOW_H

#include "base/text.h"
#include "control/history.h"

#include <cJSON.h>

/* A status, as answer_read_status() has it, for people. */

struct show_options {
	bool utf8; /* bars may be Unicode */
	bool bars; /* what the rates have been */
};

/* The process, its relays, and its connections if they were asked for. */
void show_status(struct text *out, const cJSON *status,
		 const struct history *history,
		 const struct show_options *options);

/* The table of the connections alone. */
void show_connections(struct text *out, const cJSON *status);

#endif
