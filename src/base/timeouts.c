#include "base/timeouts.h"

#include <stdlib.h>

struct length {
	struct deadline_queue queue;
	struct list in_bucket, in_queues, in_busy;
};

void timeouts_init(struct timeouts *t, void (*expired)(struct deadline *d))
{
	for (int i = 0; i < TIMEOUTS_BUCKETS; i++)
		list_init(&t->buckets[i]);
	list_init(&t->queues);
	list_init(&t->busy);
	t->count = 0;
	deadline_queue_init(&t->mixed, 0, expired);
}

void timeouts_free(struct timeouts *t)
{
	while (!list_is_empty(&t->queues)) {
		struct length *l =
			list_entry(t->queues.next, struct length, in_queues);

		list_remove(&l->in_queues);
		free(l);
	}
	timeouts_init(t, t->mixed.expired);
}

static struct list *bucket_of(struct timeouts *t, uint64_t after_ms)
{
	/* Fibonacci hashing, for lengths are round numbers. */
	uint64_t hash = after_ms * UINT64_C(0x9e3779b97f4a7c15);

	return &t->buckets[(hash >> 32) % TIMEOUTS_BUCKETS];
}

/* NULL if each is used, or there are few yet. */
static struct length *find_unused(const struct timeouts *t)
{
	struct list *pos;

	if (t->count < TIMEOUTS_KEPT)
		return NULL;
	list_for_each (pos, &t->queues) {
		struct length *l = list_entry(pos, struct length, in_queues);

		if (list_is_empty(&l->queue.waiting))
			return l;
	}
	return NULL;
}

static struct length *make(struct timeouts *t)
{
	struct length *l = malloc(sizeof(*l));

	if (!l)
		return NULL;
	list_init(&l->in_bucket);
	list_init(&l->in_queues);
	list_init(&l->in_busy);
	list_append(&t->queues, &l->in_queues);
	t->count++;
	return l;
}

/* NULL: there is no memory. */
static struct length *find(struct timeouts *t, uint64_t after_ms)
{
	struct list *bucket = bucket_of(t, after_ms), *pos;
	struct length *l;

	list_for_each (pos, bucket) {
		l = list_entry(pos, struct length, in_bucket);
		if (l->queue.after_ms == after_ms)
			return l;
	}
	l = find_unused(t);
	if (!l)
		l = make(t);
	if (!l)
		return NULL;
	deadline_queue_init(&l->queue, after_ms, t->mixed.expired);
	list_remove(&l->in_bucket);
	list_append(bucket, &l->in_bucket);
	return l;
}

void timeouts_arm(struct timeouts *t, struct deadline *d, uint64_t after_ms,
		  uint64_t now_ms)
{
	struct length *l;

	if (after_ms == 0) {
		deadline_cancel(d);
		return;
	}
	l = find(t, after_ms);
	if (!l) {
		deadline_arm_among(&t->mixed, d, now_ms + after_ms);
		return;
	}
	deadline_arm(&l->queue, d, now_ms);
	if (list_is_empty(&l->in_busy))
		list_append(&t->busy, &l->in_busy);
}

uint64_t timeouts_next(const struct timeouts *t)
{
	uint64_t next_ms = deadline_next(&t->mixed);
	struct list *pos;

	list_for_each (pos, &t->busy) {
		uint64_t due_ms = deadline_next(
			&list_entry(pos, struct length, in_busy)->queue);

		if (due_ms < next_ms)
			next_ms = due_ms;
	}
	return next_ms;
}

void timeouts_expire(struct timeouts *t, uint64_t now_ms)
{
	struct list *pos;

	deadline_expire(&t->mixed, now_ms);
	pos = t->busy.next;
	/* Others may be appended meanwhile, but only here is one removed. */
	while (pos != &t->busy) {
		struct length *l = list_entry(pos, struct length, in_busy);

		deadline_expire(&l->queue, now_ms);
		pos = pos->next;
		if (list_is_empty(&l->queue.waiting))
			list_remove(&l->in_busy);
	}
}
