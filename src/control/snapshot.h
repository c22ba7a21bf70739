#ifndef LOWPORT_CONTROL_SNAPSHOT_H
#define LOWPORT_CONTROL_SNAPSHOT_H

#include "lowport.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a running lowport looks like at one moment: `lowport status`,
 * /status.json and /metrics are all made from this. Whoever fills it lends the
 * strings and arrays until it has been rendered. Times in milliseconds, sizes in
 * bytes.
 */

struct snapshot_listener {
	struct addr addr;
	const char *from; /* as it was asked for: "127.0.0.1:80",
			   * "launchd:http" */
	enum relay_listener_state state;
};

struct snapshot_backend {
	const char *text; /* "127.0.0.1:8080", "app.local:8080", "unix:/x" */
	struct relay_backend_stats stats; /* bytes: open connections too */
	uint64_t open;
};

/* A relay: its listeners and its backends. */
struct snapshot_relay {
	const char *name;
	struct snapshot_listener *listeners;
	size_t listener_count;
	struct snapshot_backend *backends;
	size_t backend_count;
	struct stats stats; /* its own; up and down with open connections */
};

struct snapshot_connection {
	const char *relay;
	struct relay_connection conn; /* its route may be NULL */
};

struct snapshot {
	const char *version;
	int64_t pid;
	uint64_t now_ms; /* since 1970 */
	uint64_t uptime_ms;
	const char *config; /* the file; NULL: the command line */
	uint64_t reloads;   /* that were taken over */
	uint64_t reloads_refused;
	bool draining;
	const char *sandbox;       /* what holds: "seccomp"; or "none" */
	uint64_t workers;          /* threads that carry connections */
	uint64_t connections_most; /* --max-connections */
	uint64_t descriptors_most;
	uint64_t log_lines_dropped;
	struct stats stats; /* of the process; likewise */
	struct snapshot_relay *relays;
	size_t relay_count;
	struct snapshot_connection *connections;
	size_t connection_count;
};

/* Where snapshots come from. */
struct snapshot_source {
	/* Make one, and hand it to ready() on this loop, at once or on a later
	 * turn: exactly once, and lent until ready() returns; NULL if there is
	 * no memory. connections: whether the open ones are listed. */
	void (*take)(void *data, bool connections,
		     void (*ready)(void *context, const struct snapshot *s),
		     void *context);
	void *data;
};

#endif
