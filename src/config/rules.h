#ifndef LOWPORT_CONFIG_RULES_H
#define LOWPORT_CONFIG_RULES_H

#include "base/fault.h"
#include "lowport.h"

/* The --allow and --deny of a relay, in the order in which they were written. */
struct rules {
	struct relay_rule *at;
	size_t count;
	bool any_allow; /* then whom none fits is refused */
};

/* Add one. Returns 0, or -EINVAL or -ENOMEM with *why; -EINVAL also if it could
 * never apply, because one before it decides otherwise for all of them. */
int rules_add(struct rules *r, const char *text, bool allow, struct fault *why);

void rules_free(struct rules *r);

#endif
