#ifndef LOWPORT_ENGINE_BACKENDS_H
#define LOWPORT_ENGINE_BACKENDS_H

#include "base/list.h"
#include "lowport.h"

/*
 * What one worker remembers of the backends: which address of a name answered
 * last, and who did not answer just now. Only of those where there is a choice.
 */

enum { BACKENDS_BUCKETS = 64 };

struct backends {
	struct list buckets[BACKENDS_BUCKETS];
};

void backends_init(struct backends *b);
void backends_free(struct backends *b);

/* It was tried in vain: for a while others come before it. */
void backends_failed(struct backends *b, const struct relay_backend *which,
		     uint64_t now_ms);

/* It answered, at that address. */
void backends_answered(struct backends *b, const struct relay_backend *which,
		       const struct addr *at);

bool backends_is_down(const struct backends *b,
		      const struct relay_backend *which, uint64_t now_ms);

/* The address that answered last; NULL if none is known. */
const struct addr *backends_winner(const struct backends *b,
				   const struct relay_backend *which);

#endif
