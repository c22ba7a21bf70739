#ifndef LOWPORT_CLI_LEDGER_H
#define LOWPORT_CLI_LEDGER_H

#include "base/list.h"
#include "cli/account.h"

/*
 * The account of a relay and the tallies of its backends, which go on when a
 * configuration takes the place of another: for as long as anyone uses them.
 */
struct ledger {
	unsigned users;
	char *name;
	struct account account;
	struct list tallies;
};

/* One more user of l, or, if that is NULL, of a new one. NULL: no memory. */
struct ledger *ledger_take(struct ledger *l, const char *name);

/* The tally of the backend of that name, for one more user; NULL: no memory. */
struct relay_tally *ledger_tally(struct ledger *l, const char *backend);

/* It is used once less. Both may be NULL. */
void ledger_drop_tally(struct ledger *l, const struct relay_tally *tally);
void ledger_drop(struct ledger *l);

#endif
