#ifndef LOWPORT_ENGINE_BACKENDS_H
#define LOWPORT_ENGINE_BACKENDS_H

#include "base/list.h"
#include "lowport.h"

/*
 * What one worker remembers of the backends: which address of a name answered
 * last, and who did not answer just now. Only of those where there is a choice,
 * and of the BACKENDS_MOST that it was asked about last. A backend is known by
 * what it says, not by where it is: a relay that is configured anew remembers.
 */

enum { BACKENDS_BUCKETS = 256, BACKENDS_MOST = 1024 };

struct backends {
	struct list buckets[BACKENDS_BUCKETS];
	struct list by_age;
	size_t count;
};

void backends_init(struct backends *b);
void backends_free(struct backends *b);

/* It was tried in vain: for a while others come before it. */
void backends_failed(struct backends *b, const struct relay_backend *which,
		     uint64_t now_ms);

/* It answered, at that address. */
void backends_answered(struct backends *b, const struct relay_backend *which,
		       const struct addr *at);

bool backends_is_down(struct backends *b, const struct relay_backend *which,
		      uint64_t now_ms);

/* The address of a name that answered last; NULL if none is known. Until the
 * next call. */
const struct addr *backends_winner(struct backends *b,
				   const struct relay_backend *which);

#endif
