#ifndef LOWPORT_ENGINE_PUMP_H
#define LOWPORT_ENGINE_PUMP_H

#include "os/mover.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One direction of a connection: bytes from src to dst, in order, until src
 * ends. Knows nothing of the other direction and nothing of libuv: it is run
 * when one of its ends is ready, and says what it waits for.
 *
 * It copies until it proves to be bulk, and splices from then on, while there
 * is a pipe to be had.
 */

enum pump_wants {
	PUMP_SRC, /* src to be readable */
	PUMP_DST, /* dst to be writable */
	PUMP_END, /* nothing any more: src has ended, and dst knows all */
	PUMP_CUT, /* nothing any more: src was reset, and dst has all that was
		   * read before; dst has not been told */
};

enum pump_fault { PUMP_FINE, PUMP_SRC_FAILED, PUMP_DST_FAILED, PUMP_NO_MEMORY };

struct pump {
	struct mover mover;
	uint64_t moved;        /* bytes that dst has taken */
	uint16_t prefix;       /* held bytes that come before those of src */
	uint8_t streak;        /* full reads in a row */
	uint8_t wants;         /* enum pump_wants */
	bool more : 1;         /* PUMP_SRC, and src may have something now */
	bool src_ends : 1;     /* what src has now is all that will come: set by
			    * the caller who knows */
	bool src_halts : 1;    /* a read may stop before it has emptied src: set
			    * likewise */
	bool src_ended : 1;    /* no more will come from src */
	bool src_cut : 1;      /* its end is a reset, not an end */
	bool never_splice : 1; /* these descriptors cannot */
	bool lacking : 1;      /* PUMP_DST, and dst will not say when: the
				* system is short of memory */
	bool dst_closes : 1;   /* dst is closed next: needs no end of its own */
};

void pump_init(struct pump *p, struct mover_pool *pool);

/* Let dst have these n bytes (1 to UINT16_MAX, copied) before any of src; they
 * do not count as moved. Before p has run. Returns 0 or -ENOMEM. */
int pump_prefix(struct pump *p, const void *bytes, size_t n);

/*
 * Move what can be moved without waiting, up to a fair share of a turn, and
 * pass on the end of src by shutting down dst for writing once everything is
 * delivered. p->wants then says what to wait for, and p->more whether there may
 * be something to be read at once.
 *
 * PUMP_SRC_FAILED: reading failed, *error says how; all that was read before
 * has been delivered, and p is over (PUMP_CUT).
 * PUMP_DST_FAILED, PUMP_NO_MEMORY: *error says how. p must not be run again.
 * -ENOTCONN: all is delivered, but dst has gone already, politely or not;
 * reading from it will tell, if that has not ended before.
 * Both descriptors stay the caller's.
 */
enum pump_fault pump_run(struct pump *p, int src, int dst, int *error);

/* src has been reset, as was found out elsewhere: what it still gives is
 * delivered, but its end is a cut, not an end. */
void pump_cut(struct pump *p);

static inline bool pump_is_over(const struct pump *p)
{
	return p->wants == PUMP_END || p->wants == PUMP_CUT;
}

/* Drop what p holds. */
void pump_release(struct pump *p);

#endif
