#ifndef LOWPORT_BASE_RECORD_H
#define LOWPORT_BASE_RECORD_H

#include "base/addr.h"

#include <stddef.h>
#include <stdint.h>

/* Why a connection ended: each has one way out, and it has a name. */
enum close_reason {
	CLOSE_DONE,            /* both directions came to their end */
	CLOSE_CLIENT_RESET,    /* the client reset, or was lost */
	CLOSE_BACKEND_RESET,   /* the backend reset, or was lost */
	CLOSE_UNREACHABLE,     /* no backend could be reached */
	CLOSE_CONNECT_TIMEOUT, /* the last backend did not answer in time */
	CLOSE_IDLE,            /* no byte moved for the idle timeout */
	CLOSE_HALF_OPEN,       /* one direction ended, the other fell silent */
	CLOSE_BAD_HEADER,      /* a trusted front sent no PROXY header */
	CLOSE_KILLED,          /* someone wanted it gone: lowport kill */
	CLOSE_SHUTDOWN,        /* lowport ended and the grace was over */
	CLOSE_FAILED,          /* lowport itself ran out of something */
	CLOSE_REASONS          /* how many there are */
};

/* Its name in the access line: done, client-reset, ... */
const char *close_reason_name(enum close_reason reason);

/* What happened to one connection. */
struct record {
	struct addr client;
	struct addr local;   /* where the client connected to */
	struct addr backend; /* the last one tried; AF_UNSPEC if none */
	uint64_t up;         /* bytes given to the backend */
	uint64_t down;       /* bytes given to the client */
	uint64_t duration_ms;
	enum close_reason reason;
	int error; /* what the system said, a negative errno; 0 if nothing */
	const char *relay; /* its name; NULL: it has none */
	uint32_t source;   /* the relay's own: the ticket of its source */
};

/* What the system said, in words; NULL if nothing. */
const char *record_error(const struct record *r);

/* Enough for any access line, its end included. */
#define RECORD_TEXT 720

/* The access line, without a newline. Returns buf. */
const char *record_print(const struct record *r, char buf[RECORD_TEXT]);

#endif
