#include "base/stats.h"

void stats_begin(struct stats *s)
{
	s->open++;
	s->accepted++;
}

void stats_end(struct stats *s, const struct record *r)
{
	s->open--;
	s->ended[r->reason]++;
	s->up += r->up;
	s->down += r->down;
}

void stats_refuse(struct stats *s, enum refusal why)
{
	s->refused++;
	s->refused_for[why]++;
}

const char *refusal_name(enum refusal reason)
{
	static const char *const names[REFUSALS] = {
		[REFUSED_ADDRESS] = "wrong-address",
		[REFUSED_DENIED] = "denied",
		[REFUSED_PER_SOURCE] = "per-source",
		[REFUSED_RATE] = "rate",
	};

	return names[reason];
}
