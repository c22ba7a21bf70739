#ifndef LOWPORT_OS_MOVER_H
#define LOWPORT_OS_MOVER_H

#include "base/list.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Seam 2: how bytes cross. A mover carries bytes one way, from a readable
 * socket to a writable one, and holds what the far side has not taken yet.
 * While it holds nothing it owns nothing.
 */

enum {
	MOVER_SCRATCH = 64 << 10, /* most that one copying fill takes */
	MOVER_PIPE = 1 << 20,     /* most that one splicing fill takes */
};

struct mover;

struct mover_kind {
	const char *name;

	/*
	 * Take bytes from src. Returns how many (>0), 0 at the end of the
	 * stream, or a negative errno:
	 * -EAGAIN  nothing to read now
	 * -ENOBUFS no room beside what is held: drain first. (Splicing cannot
	 *          tell this from "nothing to read".)
	 * -EINVAL  this kind cannot read from src: use another
	 * Drain at once afterwards, before any other mover of the pool fills.
	 */
	ssize_t (*fill)(struct mover *m, int src);

	/*
	 * Give dst what is held. more: the rest of the stream follows at once,
	 * so the last segment may wait for it. Returns the bytes given (>0),
	 * -EAGAIN when dst is full, -ENOBUFS when the system is short of
	 * memory (dst will not say when that is over), -ENOMEM when what dst did not take cannot be kept, or
	 * another negative errno when dst has failed. Call only while
	 * m->held > 0.
	 */
	ssize_t (*drain)(struct mover *m, int dst, bool more);

	/* Let go of whatever m owns, held bytes included. */
	void (*release)(struct mover *m);
};

struct pipe;

struct mover {
	const struct mover_kind *kind;
	struct mover_pool *pool;
	size_t held;
	union {
		struct {
			char *at;   /* the first held byte */
			char *kept; /* the buffer it is in, if our own */
		};
		struct pipe *pipe; /* the pipe that holds them */
	};
};

extern const struct mover_kind mover_copy;
extern const struct mover_kind mover_splice; /* fails with -EINVAL where the
					      * system has no splice() */

/* What the movers of one loop share. */
struct mover_pool {
	char *scratch;
	struct list idle;  /* pipes that hold nothing */
	size_t pipes;      /* pipes there are, idle or not */
	size_t pipes_most; /* the budget; 0: never splice */
	unsigned patience; /* asks to let pass before trying again */
};

/* pipes_most pipes may be open at a time. Returns 0 or -ENOMEM. */
int mover_pool_init(struct mover_pool *pool, size_t pipes_most);

/* No mover of the pool may hold anything any more. */
void mover_pool_free(struct mover_pool *pool);

/* Is a pipe free, or can one be made within the budget and at a size worth
 * having? Then the next fill of mover_splice will find it idle. */
bool mover_pool_has_pipe(struct mover_pool *pool);

/* m starts by copying. */
void mover_init(struct mover *m, struct mover_pool *pool);

/* Hold a copy of these bytes, for the next drain. Only while m copies and holds
 * nothing. Returns 0 or -ENOMEM. */
int mover_copy_hold(struct mover *m, const void *bytes, size_t n);

/* Change how m works. Only while it holds nothing. */
void mover_use(struct mover *m, const struct mover_kind *kind);

void mover_release(struct mover *m);

/* Closes the idle pipes; mover_splice's part of mover_pool_free(). */
void mover_pool_close_pipes(struct mover_pool *pool);

#endif
