#ifndef LOWPORT_CLI_ANNOUNCE_H
#define LOWPORT_CLI_ANNOUNCE_H

#include "config/config.h"

/* The line of `lowport run` that says where it listens, and for whom. */

/* Enough for any backend as text, its end included. */
enum { BACKEND_TEXT = 288 };

/* As --to takes it. Returns buf. */
const char *announce_backend(const struct relay_backend *b,
			     char buf[BACKEND_TEXT]);

/* listening on AT -> the backends of g, and what else there is to say. */
void announce_listening(const struct addr *at, const struct config_group *g,
			const char *rest);

/* The same of a listener that was opened, with whom it is for. */
void announce_listener(const struct listener *l, const struct config_group *g);

#endif
