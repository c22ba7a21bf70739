#ifndef LOWPORT_ENGINE_CENSUS_H
#define LOWPORT_ENGINE_CENSUS_H

#include "engine/remote.h"

/* What all the workers of a relay are asked about their connections: the one at
 * home at once, the others by errands. */

/* Whom to ask. */
struct census {
	struct worker *home;
	struct remote *const *remotes;
	size_t remote_count;
};

/* relay_connections(). */
int census_list(const struct census *c,
		void (*each)(void *data, const struct relay_connection *one),
		void (*done)(void *data, int err), void *data);

/* relay_reset(). */
int census_kill(const struct census *c, uint64_t id,
		void (*done)(void *data, bool found), void *data);

#endif
