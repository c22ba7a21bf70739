#ifndef LOWPORT_CLI_WEB_H
#define LOWPORT_CLI_WEB_H

#include "config/config.h"
#include "control/http.h"
#include "os/listen.h"

#include <stdbool.h>

/* The --http of a run. Starts as zeroes. Nothing of a configuration is kept:
 * another one may take its place. */
struct web {
	char *text; /* as it was asked for; NULL: off */
	char **hosts;
	size_t host_count;
	struct listeners listeners; /* one, or none */
	bool shared;                /* it is that of the one before */
	int fd;                     /* http's; only while there is one */
	struct addr at;
	struct http *http;
	bool abandoned;
};

/* How many descriptors it may take, its clients included. */
size_t web_descriptors(const struct config *c);

/* Open its listener, if there is to be one, or take it from those. Returns false
 * after telling mistake why that cannot be; then there is nothing to close. */
bool web_listen(struct web *w, struct config *c, struct listeners *offered,
		void (*mistake)(const char *text));

/* The same for one that may take the place of before. */
bool web_listen_again(struct web *w, const struct web *before, struct config *c,
		      struct listeners *offered,
		      void (*mistake)(const char *text));

/* Is it what c asks for? */
bool web_is_as(const struct web *w, const struct config *c);

/* Serve, and say where. source stays the caller's until web_close(). Returns 0,
 * or what http_open() says, which has been told to mistake. */
int web_start(struct web *w, uv_loop_t *loop,
	      const struct snapshot_source *source,
	      void (*mistake)(const char *text));

/* next, which was started, takes the place of w. */
void web_take_place(struct web *next, struct web *w);

/* Does anyone get an answer there? */
bool web_serves(const struct web *w);

/* Another lowport has the listener: its socket file is its own now, and so are
 * those who come. */
void web_abandon(struct web *w);

/* Serve no more; whatever has begun. */
void web_close(struct web *w);

#endif
