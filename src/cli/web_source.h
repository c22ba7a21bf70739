#ifndef LOWPORT_CLI_WEB_SOURCE_H
#define LOWPORT_CLI_WEB_SOURCE_H

#include "config/config.h"
#include "control/snapshot.h"
#include "os/listen.h"

/* A stand-in: what relay_stats() and the configuration tell. */
struct web_source {
	struct relay *relay;
	uv_loop_t *loop;
	const struct config *config;
	const struct listeners *listeners;
	const size_t *counts;
	const unsigned *stops;
	uint64_t since_ms;
};

struct snapshot_source web_source(struct web_source *w);

#endif
