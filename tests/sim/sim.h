#ifndef LOWPORT_TESTS_SIM_H
#define LOWPORT_TESTS_SIM_H

#include "base/record.h"

#include <stdint.h>
#include <stdio.h>

/*
 * The engine, as it is, in a world that is made up: its system calls and its
 * libuv are ours, and so is the time. Clients and backends send, read, halt, end
 * and reset as the choices want it; whatever the engine does is held against
 * what it has promised.
 */
struct sim {
	/* Everything that is not determined is asked for here: a number below
	 * that. 0 is always the quiet choice; a world that gets nothing else
	 * comes to its end. */
	uint32_t (*choose)(void *data, uint32_t below);
	/* The engine has broken a promise. It must not return. */
	void (*failed)(void *data, const char *what);
	void *data;
	FILE *trace; /* what happens, line by line; NULL: nowhere */
};

/* What there was to be seen, over all runs. */
struct sim_seen {
	uint64_t steps, accepted, bytes, spliced, held_in_pipes;
	uint64_t urgent, half_closed, resets, refused, shortages, names;
	uint64_t killed, rerouted, drained, freed;
	uint64_t ended[CLOSE_REASONS];
};

extern struct sim_seen sim_seen;

/* One world, from its begin to its end. */
void sim_run(const struct sim *sim);

#endif
