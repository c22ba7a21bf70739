#ifndef LOWPORT_ENGINE_TALLY_H
#define LOWPORT_ENGINE_TALLY_H

#include "lowport.h"

/*
 * The counts of a backend, where it has any: those of all the threads, of which
 * none waits for another.
 */

/* A connection has it. */
void tally_took(const struct relay_backend *b);

/* That connection is gone, and has given these bytes to the backend, and to the
 * client. */
void tally_left(const struct relay_backend *b, uint64_t up, uint64_t down);

/* It was tried in vain. */
void tally_failed(const struct relay_backend *b, int error);

#endif
