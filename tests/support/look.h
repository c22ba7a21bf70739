#ifndef LOWPORT_TESTS_LOOK_H
#define LOWPORT_TESTS_LOOK_H

#include "rig.h"

/* Seeing inside the relay of a rig. */

enum { LOOK_MOST = 256 };

/* What relay_connections() told, by their ids. */
struct look {
	struct relay_connection at[LOOK_MOST];
	size_t count;
};

/* Call relay_connections() and wait until it is done. */
void look_connections(struct rig *r, struct look *out);

/* The same until the first is in that phase, and only one is there. */
struct relay_connection look_phase(struct rig *r, enum relay_phase phase);

/* Call relay_reset() and wait until it is done. */
bool look_reset(struct rig *r, uint64_t id);

/* Call relay_listener_state(). */
enum relay_listener_state look_listener(struct rig *r, int fd);

/* Wait until there have been so many tries in vain, or connections that have
 * ended. */
struct relay_backend_stats look_failed(const struct relay_backend *b,
				       uint64_t failed);
struct relay_backend_stats look_ended(const struct relay_backend *b,
				      uint64_t ended);

#endif
