#ifndef LOWPORT_ENGINE_DOOR_H
#define LOWPORT_ENGINE_DOOR_H

#include "base/ration.h"
#include "engine/conn.h"

/*
 * Who is let in. It is decided on the loop that accepts, for all the worker
 * threads, so that each limit is exact; and it costs nothing where a route has
 * neither a door nor an address of its own.
 */
struct door {
	struct worker *worker;
	struct stats *stats;
	struct sources *sources; /* NULL until a route limits them */
	struct list counts;      /* of struct door_count */
	struct ration lines;
	struct deadline unsaid; /* lines that were left out */
};

/* worker's queue for it is set up; worker and stats must outlive it. */
void door_init(struct door *d, struct worker *worker, struct stats *stats);

/*
 * The sources of one relay_door, while a listener points to it or one of those
 * that are counted is left. Its limits are a copy: who was counted is given back
 * when relay_door itself may be gone.
 */
struct door_count;

/* Make ready for a listener of that route: *out becomes what its clients are
 * counted by, NULL if they are not, until door_dismiss(). Returns 0, or a
 * negative errno if there is no memory, or no random number, for its limits. */
int door_prepare(struct door *d, const struct relay_route *route,
		 struct door_count **out);

/* A listener has no use for it any more. NULL is fine. */
void door_dismiss(struct door *d, struct door_count *count);

/* May this one in? Then from->source is what door_left() wants when it has
 * gone. If not, that is counted and said, and fd is still the caller's. */
bool door_lets_in(struct door *d, struct door_count *count, int fd,
		  struct conn_origin *from);

void door_left(struct door *d, uint32_t source);

/* Nobody comes any more; they only leave. */
void door_close(struct door *d);

/* When all have left. */
void door_free(struct door *d);

#endif
