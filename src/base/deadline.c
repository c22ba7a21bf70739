#include "base/deadline.h"

void deadline_queue_init(struct deadline_queue *q, uint64_t after_ms,
			 void (*expired)(struct deadline *d))
{
	list_init(&q->waiting);
	q->after_ms = after_ms;
	q->expired = expired;
}

void deadline_init(struct deadline *d)
{
	list_init(&d->node);
	d->due_ms = 0;
}

void deadline_arm(struct deadline_queue *q, struct deadline *d, uint64_t now_ms)
{
	list_remove(&d->node);
	if (q->after_ms == 0)
		return;
	d->due_ms = now_ms + q->after_ms;
	list_append(&q->waiting, &d->node);
}

void deadline_arm_among(struct deadline_queue *q, struct deadline *d,
			uint64_t due_ms)
{
	struct list *after = &q->waiting;

	list_remove(&d->node);
	d->due_ms = due_ms;
	while (after->prev != &q->waiting &&
	       list_entry(after->prev, struct deadline, node)->due_ms > due_ms)
		after = after->prev;
	list_append(after, &d->node);
}

void deadline_cancel(struct deadline *d)
{
	list_remove(&d->node);
}

uint64_t deadline_next(const struct deadline_queue *q)
{
	if (list_is_empty(&q->waiting))
		return UINT64_MAX;
	return list_entry(q->waiting.next, struct deadline, node)->due_ms;
}

void deadline_expire(struct deadline_queue *q, uint64_t now_ms)
{
	while (deadline_next(q) <= now_ms) {
		struct deadline *d =
			list_entry(q->waiting.next, struct deadline, node);

		list_remove(&d->node);
		q->expired(d);
	}
}
