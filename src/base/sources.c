#include "base/sources.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* No interface has this index. */
#define ZONE_IPV4 UINT32_MAX

/* Looked at by each call, to clear them away. More than one, so that the table
 * shrinks even while new sources come. */
enum { CLEARED_AT_ONCE = 2 };

/* Links are indices: 0 is none, and as an entry the ends of the idle queue. */
struct entry {
	struct source who;
	uint32_t open;   /* connections that are counted */
	uint32_t next;   /* in its chain, or of those that are free */
	uint32_t before; /* in the idle queue; both 0 while not in it */
	uint32_t after;
	struct bucket bucket;
	const struct source_limits *limits;
};

struct sources {
	struct siphash_key key;
	size_t capacity, count;
	uint32_t touched; /* entries that have ever been in use */
	uint32_t free;    /* those of them that are not now */
	uint32_t mask;    /* of heads */
	uint32_t *heads;
	struct entry *entries; /* capacity, and the one at 0 */
};

bool source_of(const struct addr *a, struct source *out)
{
	uint32_t ip4;

	switch (a->family) {
	case AF_INET:
		memcpy(&ip4, a->ip, sizeof(ip4));
		*out = (struct source){.net = ip4, .zone = ZONE_IPV4};
		return true;
	case AF_INET6:
		*out = (struct source){.zone = a->scope};
		memcpy(&out->net, a->ip, sizeof(out->net));
		return true;
	default:
		return false;
	}
}

int sources_new(struct sources **out, size_t capacity,
		const struct siphash_key *key)
{
	struct sources *s;
	size_t heads = 1;

	if (capacity == 0 || capacity > SOURCES_MOST)
		return -EINVAL;
	while (heads < capacity)
		heads *= 2;
	s = malloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	*s = (struct sources){
		.key = *key,
		.capacity = capacity,
		.mask = (uint32_t)(heads - 1),
		.heads = calloc(heads, sizeof(*s->heads)),
		.entries = calloc(capacity + 1, sizeof(*s->entries)),
	};
	if (!s->heads || !s->entries) {
		sources_free(s);
		return -ENOMEM;
	}
	*out = s;
	return 0;
}

void sources_free(struct sources *s)
{
	if (!s)
		return;
	free(s->heads);
	free(s->entries);
	free(s);
}

size_t sources_count(const struct sources *s)
{
	return s->count;
}

static uint32_t *head_of(struct sources *s, const struct source_limits *limits,
			 const struct source *who)
{
	uint64_t words[] = {who->net, who->zone, (uintptr_t)limits};

	return &s->heads[siphash(&s->key, words, 3) & s->mask];
}

/* The link that leads to that entry, or to 0 at the end of its chain. */
static uint32_t *find(struct sources *s, const struct source_limits *limits,
		      const struct source *who)
{
	uint32_t *link = head_of(s, limits, who);

	for (; *link > 0; link = &s->entries[*link].next) {
		const struct entry *e = &s->entries[*link];

		if (e->limits == limits && source_equal(&e->who, who))
			break;
	}
	return link;
}

/* Idle is who has no connection that is counted, the longest first. */
static void stop_idling(struct sources *s, uint32_t i)
{
	struct entry *e = &s->entries[i];

	s->entries[e->before].after = e->after;
	s->entries[e->after].before = e->before;
}

static void idle(struct sources *s, uint32_t i)
{
	struct entry *e = &s->entries[i], *ends = &s->entries[0];

	e->before = ends->before;
	e->after = 0;
	s->entries[e->before].after = i;
	ends->before = i;
}

/* An entry that is not in the idle queue any more. */
static void forget(struct sources *s, uint32_t i)
{
	struct entry *e = &s->entries[i];

	*find(s, e->limits, &e->who) = e->next;
	e->next = s->free;
	s->free = i;
	s->count--;
}

static void clear_away(struct sources *s, uint64_t now_ms)
{
	for (int n = 0; n < CLEARED_AT_ONCE; n++) {
		uint32_t i = s->entries[0].after;
		const struct entry *e = &s->entries[i];

		if (i == 0 ||
		    !bucket_is_full(&e->bucket, &e->limits->rate, now_ms))
			return;
		stop_idling(s, i);
		forget(s, i);
	}
}

/* An entry to be used, 0 if each has connections. */
static uint32_t take_entry(struct sources *s)
{
	uint32_t i = s->free;

	if (i == 0 && s->touched < s->capacity) {
		s->count++;
		return ++s->touched;
	}
	if (i == 0) {
		i = s->entries[0].after;
		if (i == 0)
			return 0;
		stop_idling(s, i);
		forget(s, i);
	}
	s->free = s->entries[i].next;
	s->count++;
	return i;
}

/* A new entry, idle. */
static uint32_t add(struct sources *s, const struct source_limits *limits,
		    const struct source *who)
{
	uint32_t i = take_entry(s), *head;

	if (i == 0)
		return 0;
	head = head_of(s, limits, who);
	s->entries[i] = (struct entry){
		.who = *who,
		.limits = limits,
		.next = *head,
	};
	*head = i;
	idle(s, i);
	return i;
}

enum source_answer sources_enter(struct sources *s,
				 const struct source_limits *limits,
				 const struct source *who, uint64_t now_ms,
				 uint32_t *ticket)
{
	bool counted = limits->connections > 0;
	struct entry *e;
	uint32_t i;

	*ticket = 0;
	clear_away(s, now_ms);
	i = *find(s, limits, who);
	if (i == 0)
		i = add(s, limits, who);
	if (i == 0)
		return SOURCE_TOO_MANY;
	e = &s->entries[i];
	if (counted && e->open >= limits->connections)
		return SOURCE_TOO_MANY;
	if (!bucket_take(&e->bucket, &limits->rate, now_ms))
		return SOURCE_TOO_FAST;
	if (e->open == 0)
		stop_idling(s, i);
	if (!counted) {
		idle(s, i);
		return SOURCE_FINE;
	}
	e->open++;
	*ticket = i;
	return SOURCE_FINE;
}

const struct source_limits *sources_leave(struct sources *s, uint32_t ticket,
					  uint64_t now_ms)
{
	struct entry *e = &s->entries[ticket];

	if (ticket == 0)
		return NULL;
	if (--e->open > 0)
		return e->limits;
	if (bucket_is_full(&e->bucket, &e->limits->rate, now_ms))
		forget(s, ticket);
	else
		idle(s, ticket);
	return e->limits;
}

void sources_forget(struct sources *s, const struct source_limits *limits)
{
	uint32_t i = s->entries[0].after;

	while (i > 0) {
		uint32_t after = s->entries[i].after;

		if (s->entries[i].limits == limits) {
			stop_idling(s, i);
			forget(s, i);
		}
		i = after;
	}
}
