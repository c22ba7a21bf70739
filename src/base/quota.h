#ifndef LOWPORT_BASE_QUOTA_H
#define LOWPORT_BASE_QUOTA_H

#include <stdbool.h>
#include <stddef.h>

/* How many of something are in use, and how many may be: N means N. */
struct quota {
	size_t limit;
	size_t used;
};

/* Take one. Returns false, and takes nothing, when all are in use. */
static inline bool quota_take(struct quota *q)
{
	if (q->used >= q->limit)
		return false;
	q->used++;
	return true;
}

/* Give back one that was taken. */
static inline void quota_give(struct quota *q)
{
	q->used--;
}

static inline bool quota_is_full(const struct quota *q)
{
	return q->used >= q->limit;
}

#endif
