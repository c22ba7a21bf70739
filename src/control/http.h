#ifndef LOWPORT_CONTROL_HTTP_H
#define LOWPORT_CONTROL_HTTP_H

#include "base/addr.h"
#include "control/snapshot.h"

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

/*
 * What lowport is doing, for a browser and for Prometheus: /, /metrics,
 * /status.json and /healthz, to be read and nothing else. libmicrohttpd speaks
 * HTTP on a thread of its own, so that no client holds the loop up; snapshots
 * are taken and rendered on the loop, one for all who ask at the same time.
 */
struct http;

struct http_options {
	int fd;         /* listening, non-blocking */
	struct addr at; /* where it is bound */

	/* Names that a Host header may have, beside localhost and the address
	 * itself. Lent until http_close(). */
	char *const *hosts;
	size_t host_count;
	struct snapshot_source source;
	uint64_t request_ms; /* for each request, and the silence before it */
};

enum {
	HTTP_REQUEST_MS = 30000,
	HTTP_CLIENTS = 32,     /* at a time; the backlog holds the rest */
	HTTP_DESCRIPTORS = 36, /* these, the listener and what wakes threads */
};

/* Serve until http_close(). Takes opt->fd on success. It keeps no loop alive.
 * Returns 0, -ENOMEM, -EAGAIN if there is no thread to be had, or what
 * uv_poll_init() says. */
int http_open(struct http **out, uv_loop_t *loop,
	      const struct http_options *opt);

/* Take no more clients: another lowport has the listener. Those that are there
 * are served. */
void http_retire(struct http *h);

/* Close all connections, after telling those who wait, if they listen, that
 * lowport ends; free h on a later turn of the loop, when a snapshot that is
 * being taken has come. NULL: nothing happens. */
void http_close(struct http *h);

#endif
