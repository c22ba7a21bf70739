#ifndef LOWPORT_ENGINE_CONN_STATE_H
#define LOWPORT_ENGINE_CONN_STATE_H

#include "engine/conn.h"
#include "engine/dial.h"
#include "engine/proxy_header.h"
#include "engine/pump.h"
#include "engine/watch.h"

/*
 * A connection from inside, for the files that it is made of: conn_begin.c has
 * it until a backend is found, conn.c from then on, conn_list.c looks at it.
 */

enum conn_state { HEADER, DIALING, RELAYING, CLOSING };

/* The two sides; also the two directions, by the side they read from. */
enum { CLIENT, BACKEND, SIDES, NOBODY = SIDES };

/* Which deadline for silence runs. */
enum conn_silence { SILENCE_NONE, SILENCE_IDLE, SILENCE_HALF };

/* The index of no backend. */
#define CONN_NO_BACKEND UINT32_MAX

/* A 32-bit clock that goes round in eight years. */
enum { CONN_TICK_MS = 64 };

struct side {
	int fd;
	int waits_for; /* WATCH_READ, WATCH_WRITE */
	struct watch *watch;
};

/* There are as many of these as clients. */
struct conn {
	struct list node; /* in the worker's conns */
	struct worker *worker;
	const struct relay_route *route;
	union {
		struct proxy_wait *header; /* while in HEADER */
		struct dial *dial;         /* while DIALING */
	};
	struct side side[SIDES];
	struct pump pump[SIDES];
	struct deadline deadline; /* idle or half-closed */
	struct deadline look;     /* settled, probe or flush */
	struct addr client, backend;
	const struct addr *local;
	uint64_t id;
	uint64_t started_ms;
	uint32_t moved_ticks; /* when a byte moved last */
	uint32_t chosen;      /* the route's backend, or CONN_NO_BACKEND */
	uint32_t source;      /* the ticket of the client's */
	int error;            /* what the lost side said */
	uint8_t state;        /* enum conn_state */
	uint8_t lost;         /* the side that has reset, or NOBODY */
	uint8_t flushes;      /* looks at its last bytes so far */
	uint8_t silence;      /* enum conn_silence */
	bool kept_alive;      /* the backend's side is */
	uint8_t reason;       /* enum close_reason, once it is closed */
	bool untold;          /* its end is */
};

/* With the sockets' watches and what malloc() adds, half a KiB at most. */
enum { CONN_SIZE_MOST = 328 };

_Static_assert(sizeof(struct conn) <= CONN_SIZE_MOST,
	       "an idle connection has become dearer");

_Static_assert(sizeof(struct conn) >= WORKER_MEMORY,
	       "an end is told in the memory of its connection");

static inline uint32_t conn_ticks(uint64_t now_ms)
{
	return (uint32_t)(now_ms / CONN_TICK_MS);
}

/* The family of a side's socket: a client that a header names may be of
 * another. */
static inline int conn_family(const struct conn *c, int s)
{
	return s == CLIENT ? c->local->family : c->backend.family;
}

/* Where the client came in: which address of a wildcard listener that is, the
 * system is asked. */
struct addr conn_local(const struct conn *c);

/* The backend that it has; NULL while it has none. */
static inline const struct relay_backend *conn_backend(const struct conn *c)
{
	return c->chosen == CONN_NO_BACKEND ? NULL
					    : &c->route->backends[c->chosen];
}

/* conn_close(), and why. */
void conn_fail(struct conn *c, int error, enum close_reason reason);

/* Both sides are there: let bytes cross. */
void conn_relay(struct conn *c);

/* While a backend is waited for: has the client left? */
void conn_look_at_waiting(struct conn *c);

#endif
