#ifndef LOWPORT_CONTROL_HISTORY_H
#define LOWPORT_CONTROL_HISTORY_H

#include <cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the rates of each relay have been, from one look at it to the next. */
struct history;

enum { HISTORY_LENGTH = 24 };

struct rates {
	uint64_t up, down; /* bytes of the last interval, */
	uint64_t ms;       /* its length; 0: there has been but one look */
	/* Bytes a second both ways of the intervals before, the last one at
	 * the end. */
	uint64_t past[HISTORY_LENGTH];
	size_t past_count;
};

/* NULL: out of memory. */
struct history *history_new(void);
void history_free(struct history *h);

/* Note a status. What is not noted any more is forgotten after a while. */
void history_note(struct history *h, const cJSON *status);

/* The rates of a relay, or with relay NULL, of the process; all 0 if there are
 * none. */
struct rates history_rates(const struct history *h, uint64_t pid,
			   const char *relay);

#endif
