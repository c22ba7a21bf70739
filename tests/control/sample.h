#ifndef LOWPORT_TESTS_SAMPLE_H
#define LOWPORT_TESTS_SAMPLE_H

#include "control/snapshot.h"

#include <errno.h>

/* A snapshot with something of everything; it points into statics. */
static inline struct snapshot sample(void)
{
	static struct snapshot_listener listeners[2] = {
		{.from = "127.0.0.1:80", .state = LISTENER_OPEN},
		{.from = "launchd:web", .state = LISTENER_PAUSED},
	};
	static struct snapshot_backend backends[2] = {
		{.text = "app.local:8080",
		 .stats = {.health = BACKEND_UP,
			   .total = 1021,
			   .up = 1000,
			   .down = 2000},
		 .open = 3},
		{.text = "unix:/run/\x1b[2J.sock",
		 .stats = {.health = BACKEND_DOWN,
			   .error = -ECONNREFUSED,
			   .total = 4,
			   .failed = 12}},
	};
	static struct snapshot_relay relays[2] = {
		{.name = "web",
		 .listeners = listeners,
		 .listener_count = 2,
		 .backends = backends,
		 .backend_count = 2,
		 .stats = {.open = 3,
			   .accepted = 1026,
			   .ended = {[CLOSE_DONE] = 1021,
				     [CLOSE_UNREACHABLE] = 2},
			   .up = 1288490189,
			   .down = 5000,
			   .refused = 7,
			   .refused_for =
				   {[REFUSED_DENIED] = 5, [REFUSED_RATE] = 2}}},
		{.name = "b"},
	};
	static struct snapshot_connection connections[2] = {
		{.relay = "web",
		 .conn = {.id = 18, .phase = PHASE_DIALING, .age_ms = 100}},
		{.relay = "web",
		 .conn = {.id = 7,
			  .phase = PHASE_RELAYING,
			  .age_ms = 7500000,
			  .idle_ms = 4000,
			  .up = 1229,
			  .down = 3145728}},
	};

	addr_parse(&listeners[0].addr, "127.0.0.1:80");
	addr_parse(&listeners[1].addr, "[::1]:80");
	addr_parse(&connections[0].conn.client, "[2001:db8::1]:50112");
	addr_parse(&connections[0].conn.local, "[::1]:80");
	addr_parse(&connections[1].conn.client, "192.0.2.7:50112");
	addr_parse(&connections[1].conn.local, "127.0.0.1:80");
	addr_parse(&connections[1].conn.backend, "127.0.0.1:8080");
	return (struct snapshot){
		.version = "1.2.3",
		.pid = 4711,
		.now_ms = UINT64_C(1700000000000),
		.uptime_ms = UINT64_C(183600000),
		.config = "/etc/lowport.conf",
		.reloads = 3,
		.reloads_refused = 1,
		.sandbox = "seccomp and Landlock",
		.workers = 2,
		.connections_most = 4000,
		.descriptors_most = 16384,
		.log_lines_dropped = 9,
		.stats = {.open = 3,
			  .accepted = 1026,
			  .up = 1288490189,
			  .down = 5000,
			  .waiting = 2,
			  .turned_away = 1},
		.relays = relays,
		.relay_count = 2,
		.connections = connections,
		.connection_count = 2,
	};
}

#endif
