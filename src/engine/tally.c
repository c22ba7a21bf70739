#include "engine/tally.h"

/* relay_tally.last, beside a negative errno. */
enum { NOTHING = 0, ANSWERED = 1 };

static void add(uint64_t *to, uint64_t n)
{
	__atomic_fetch_add(to, n, __ATOMIC_RELAXED);
}

static uint64_t get(const uint64_t *from)
{
	return __atomic_load_n(from, __ATOMIC_RELAXED);
}

void tally_took(const struct relay_backend *b)
{
	if (!b->tally)
		return;
	add(&b->tally->total, 1);
	add(&b->tally->open, 1);
	__atomic_store_n(&b->tally->last, ANSWERED, __ATOMIC_RELAXED);
}

void tally_left(const struct relay_backend *b, uint64_t up, uint64_t down)
{
	if (!b->tally)
		return;
	add(&b->tally->up, up);
	add(&b->tally->down, down);
	add(&b->tally->open, UINT64_MAX);
}

void tally_failed(const struct relay_backend *b, int error)
{
	if (!b->tally)
		return;
	add(&b->tally->failed, 1);
	__atomic_store_n(&b->tally->last, error, __ATOMIC_RELAXED);
}

void relay_backend_stats(const struct relay_backend *b,
			 struct relay_backend_stats *out)
{
	const struct relay_tally *t = b->tally;
	int last;

	*out = (struct relay_backend_stats){.health = BACKEND_UNTRIED};
	if (!t)
		return;
	last = __atomic_load_n(&t->last, __ATOMIC_RELAXED);
	if (last != NOTHING)
		out->health = last == ANSWERED ? BACKEND_UP : BACKEND_DOWN;
	if (out->health == BACKEND_DOWN)
		out->error = last;
	out->total = get(&t->total);
	out->failed = get(&t->failed);
	out->open = get(&t->open);
	out->up = get(&t->up);
	out->down = get(&t->down);
}
