#include "engine/backends.h"

#include <stdlib.h>
#include <string.h>

/* A backend that failed is tried after the others for so long. */
enum { DOWN_MS = 2000 };

struct note {
	struct list node; /* in its bucket */
	struct list age;  /* among all: who was asked about last is last */
	struct addr addr; /* of a name, only the port counts */
	uint64_t down_until_ms;
	struct addr winner; /* of a name */
	bool is_name;
	char text[]; /* the name, or the path of a socket; or empty */
};

void backends_init(struct backends *b)
{
	for (int i = 0; i < BACKENDS_BUCKETS; i++)
		list_init(&b->buckets[i]);
	list_init(&b->by_age);
	b->count = 0;
}

static void forget(struct backends *b, struct note *n)
{
	list_remove(&n->node);
	list_remove(&n->age);
	b->count--;
	free(n);
}

static struct note *oldest(const struct backends *b)
{
	return list_entry(b->by_age.next, struct note, age);
}

void backends_free(struct backends *b)
{
	while (b->count > 0)
		forget(b, oldest(b));
}

static const char *text_of(const struct relay_backend *which)
{
	if (which->host)
		return which->host;
	if (which->addr.family == AF_UNIX && which->addr.path)
		return which->addr.path;
	return "";
}

/* FNV-1a: nobody but the configuration chooses what comes in here. */
static uint32_t mix(uint32_t hash, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;

	while (n-- > 0)
		hash = (hash ^ *at++) * 16777619U;
	return hash;
}

static struct list *bucket_of(struct backends *b,
			      const struct relay_backend *which)
{
	const struct addr *a = &which->addr;
	const char *text = text_of(which);
	uint32_t hash = mix(2166136261U, &a->port, sizeof(a->port));

	if (!which->host && a->family != AF_UNIX)
		hash = mix(hash, a->ip, sizeof(a->ip));
	hash = mix(hash, text, strlen(text));
	return &b->buckets[(hash ^ hash >> 16) % BACKENDS_BUCKETS];
}

static bool is_of(const struct note *n, const struct relay_backend *which)
{
	if (n->is_name != (which->host != NULL))
		return false;
	if (n->is_name)
		return n->addr.port == which->addr.port &&
		       strcmp(n->text, which->host) == 0;
	return addr_equal(&n->addr, &which->addr);
}

static struct note *find(struct backends *b, const struct relay_backend *which)
{
	struct list *bucket = bucket_of(b, which), *pos;

	list_for_each (pos, bucket) {
		struct note *n = list_entry(pos, struct note, node);

		if (!is_of(n, which))
			continue;
		list_remove(&n->age);
		list_append(&b->by_age, &n->age);
		return n;
	}
	return NULL;
}

static struct note *add(struct backends *b, const struct relay_backend *which)
{
	const char *text = text_of(which);
	size_t size = strlen(text) + 1;
	struct note *n = calloc(1, sizeof(*n) + size);

	if (!n)
		return NULL;
	memcpy(n->text, text, size);
	n->addr = which->addr;
	n->is_name = which->host != NULL;
	if (!n->is_name && n->addr.family == AF_UNIX && n->addr.path)
		n->addr.path = n->text;
	list_init(&n->node);
	list_init(&n->age);
	list_append(bucket_of(b, which), &n->node);
	list_append(&b->by_age, &n->age);
	b->count++;
	return n;
}

/* NULL: there is no memory, and so none of this backend either. */
static struct note *find_or_add(struct backends *b,
				const struct relay_backend *which)
{
	struct note *n = find(b, which);

	if (n)
		return n;
	if (b->count == BACKENDS_MOST)
		forget(b, oldest(b));
	return add(b, which);
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
	if (n->is_name)
		n->winner = *at;
}

bool backends_is_down(struct backends *b, const struct relay_backend *which,
		      uint64_t now_ms)
{
	const struct note *n = find(b, which);

	return n && now_ms < n->down_until_ms;
}

const struct addr *backends_winner(struct backends *b,
				   const struct relay_backend *which)
{
	const struct note *n = find(b, which);

	return n && n->winner.family != AF_UNSPEC ? &n->winner : NULL;
}
