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
