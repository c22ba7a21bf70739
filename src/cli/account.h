#ifndef LOWPORT_CLI_ACCOUNT_H
#define LOWPORT_CLI_ACCOUNT_H

#include "lowport.h"

/*
 * What one relay has done: counted as its clients come and go. A relay that is
 * replaced by one of the same name goes on with its account; it has to outlive the
 * connections that it counts, and the inspection that tells of it.
 */
struct account {
	const char *name;
	struct stats stats;
	uint64_t up_told, down_told; /* see inspect.c */
};

static inline void account_left(struct account *a, const struct record *what)
{
	static const struct record nothing = {.reason = CLOSE_FAILED};

	stats_end(&a->stats, what ? what : &nothing);
}

#endif
