#ifndef LOWPORT_BASE_SOURCES_H
#define LOWPORT_BASE_SOURCES_H

#include "base/addr.h"
#include "base/rate.h"
#include "base/siphash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Where connections come from, and what each source may have. An IPv4 source is
 * an address; an IPv6 one is a /64, for that is the least that one customer
 * gets.
 *
 * A source has an entry only while it has connections or its bucket is not full.
 * Each call takes constant time, and clears away what has become idle as it
 * goes. The table does not grow: when it is full, a new source takes the place
 * of the one that has been without a connection for longest, whose bucket is
 * then full again. So those who come from many addresses get no more than these
 * addresses are worth, and lock nobody out; a source that has connections is
 * never forgotten.
 */
struct sources;

/* What each source may have; 0 stands for no limit. */
struct source_limits {
	uint64_t connections; /* at a time */
	struct rate rate;     /* of new ones */
};

/* Who it is. */
struct source {
	uint64_t net;
	uint32_t zone; /* the scope of a link-local address */
};

/* Returns false for an address that is neither IPv4 nor IPv6. */
bool source_of(const struct addr *a, struct source *out);

static inline bool source_equal(const struct source *a, const struct source *b)
{
	return a->net == b->net && a->zone == b->zone;
}

/* A table of that many entries at most (their memory is touched only as they
 * are needed), with a key that nobody else knows. Returns 0, -ENOMEM, or
 * -EINVAL if capacity is 0 or beyond SOURCES_MOST. */
int sources_new(struct sources **out, size_t capacity,
		const struct siphash_key *key);

#define SOURCES_MOST ((size_t)1 << 24)

void sources_free(struct sources *s);

enum source_answer { SOURCE_FINE, SOURCE_TOO_MANY, SOURCE_TOO_FAST };

/*
 * One more connection of a source, counted for these limits alone: those of
 * other limits, known by their address, do not matter. limits must live until
 * sources_forget(), or as long as s.
 * With SOURCE_FINE *ticket is what sources_leave() wants when the connection
 * ends; 0 if it wants nothing. Otherwise nothing has been taken: TOO_MANY are
 * open (or every entry has a connection), or they come TOO_FAST.
 */
enum source_answer sources_enter(struct sources *s,
				 const struct source_limits *limits,
				 const struct source *who, uint64_t now_ms,
				 uint32_t *ticket);

/* A connection has ended. Returns the limits that it was counted for; NULL if
 * ticket is 0. */
const struct source_limits *sources_leave(struct sources *s, uint32_t ticket,
					  uint64_t now_ms);

/* These limits are not used any more: forget whom they have seen. No ticket of
 * theirs may be left. Takes as long as there are sources without a connection. */
void sources_forget(struct sources *s, const struct source_limits *limits);

/* How many entries are in use. */
size_t sources_count(const struct sources *s);

#endif
