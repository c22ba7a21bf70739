#include "engine/commons.h"

enum { SAY_AGAIN_MS = 60000 };

int commons_init(struct commons *c, size_t max_waiting)
{
	c->max_waiting = max_waiting;
	atomic_init(&c->waiting, 0);
	atomic_init(&c->turned_away, 0);
	for (int i = 0; i < SAY_KINDS; i++)
		atomic_init(&c->say_after_ms[i], 0);
	return loops_init(&c->loops);
}

void commons_free(struct commons *c)
{
	loops_free(&c->loops);
}

bool commons_may_say(struct commons *c, enum commons_say what, uint64_t now_ms)
{
	uint_least64_t after_ms = atomic_load(&c->say_after_ms[what]);

	/* Of two at the same time, the one that moves it on. */
	return now_ms >= after_ms &&
	       atomic_compare_exchange_strong(&c->say_after_ms[what], &after_ms,
					      now_ms + SAY_AGAIN_MS);
}

bool commons_begin_wait(struct commons *c)
{
	size_t waiting = atomic_load(&c->waiting);

	do {
		if (waiting >= c->max_waiting) {
			atomic_fetch_add(&c->turned_away, 1);
			return false;
		}
	} while (!atomic_compare_exchange_weak(&c->waiting, &waiting,
					       waiting + 1));
	return true;
}

void commons_end_wait(struct commons *c)
{
	atomic_fetch_sub(&c->waiting, 1);
}
