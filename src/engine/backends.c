#include "engine/backends.h"

#include <stdlib.h>

/* A backend that failed is tried after the others for so long. */
enum { DOWN_MS = 2000 };

struct note {
	struct list node;
	const struct relay_backend *of;
	uint64_t down_until_ms;
	struct addr winner;
};

void backends_init(struct backends *b)
{
	for (int i = 0; i < BACKENDS_BUCKETS; i++)
		list_init(&b->buckets[i]);
}

void backends_free(struct backends *b)
{
	for (int i = 0; i < BACKENDS_BUCKETS; i++)
		while (!list_is_empty(&b->buckets[i])) {
			struct note *n = list_entry(b->buckets[i].next,
						    struct note, node);

			list_remove(&n->node);
			free(n);
		}
}

static size_t bucket_of(const struct relay_backend *which)
{
	return (uintptr_t)which / sizeof(*which) % BACKENDS_BUCKETS;
}

static struct note *find(const struct backends *b,
			 const struct relay_backend *which)
{
	const struct list *bucket = &b->buckets[bucket_of(which)];
	struct list *pos;

	list_for_each (pos, bucket) {
		struct note *n = list_entry(pos, struct note, node);

		if (n->of == which)
			return n;
	}
	return NULL;
}

/* NULL: there is no memory, and so none of this backend either. */
static struct note *find_or_add(struct backends *b,
				const struct relay_backend *which)
{
	struct note *n = find(b, which);

	if (n)
		return n;
	n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	n->of = which;
	list_init(&n->node);
	list_append(&b->buckets[bucket_of(which)], &n->node);
	return n;
}

void backends_failed(struct backends *b, const struct relay_backend *which,
		     uint64_t now_ms)
{
	struct note *n = find_or_add(b, which);

	if (n)
		n->down_until_ms = now_ms + DOWN_MS;
}

void backends_answered(struct backends *b, const struct relay_backend *which,
		       const struct addr *at)
{
	struct note *n = find_or_add(b, which);

	if (!n)
		return;
	n->down_until_ms = 0;
	n->winner = *at;
}

bool backends_is_down(const struct backends *b,
		      const struct relay_backend *which, uint64_t now_ms)
{
	const struct note *n = find(b, which);

	return n && now_ms < n->down_until_ms;
}

const struct addr *backends_winner(const struct backends *b,
				   const struct relay_backend *which)
{
	const struct note *n = find(b, which);

	return n && n->winner.family != AF_UNSPEC ? &n->winner : NULL;
}
