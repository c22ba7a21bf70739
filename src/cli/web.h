#ifndef LOWPORT_CLI_WEB_H
#define LOWPORT_CLI_WEB_H

#include "config/config.h"
#include "control/http.h"
#include "os/listen.h"

#include <stdbool.h>

/* The --http of a run. Starts as zeroes. */
struct web {
	struct listeners listeners; /* one, or none */
	int fd;                     /* http's; only while there is one */
	struct addr at;
	struct http *http;
	bool abandoned;
};

/* How many descriptors it may take, its clients included. */
size_t web_descriptors(const struct config *c);

/* Open its listener, if there is to be one, or take it from those. Returns false after saying why that
 * cannot be. */
bool web_listen(struct web *w, struct config *c, struct listeners *offered);

/* Serve, and say where. source stays the caller's until web_close(). Returns 0,
 * or what http_open() says, which has been said. */
int web_start(struct web *w, uv_loop_t *loop, const struct config *c,
	      const struct snapshot_source *source);

/* Does anyone get an answer there? */
bool web_serves(const struct web *w);

/* Another lowport has the listener: its socket file is its own now, and so are
 * those who come. */
void web_abandon(struct web *w);

/* Serve no more; whatever has begun. */
void web_close(struct web *w);

#endif
