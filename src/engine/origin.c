#include "engine/origin.h"

enum {
	SPREAD_MS = 60000, /* a port that has run out is held for so long */
	HOSTS = 1 << 24,
};

void origin_init(struct origin *s, uint32_t seed)
{
	/* Another start in each loop and process, so that they do not run out
	 * together; 2654435761 is Knuth's multiplier. */
	*s = (struct origin){.next = seed * UINT32_C(2654435761) >> 8};
}

void origin_spread(struct origin *s, uint64_t now_ms)
{
	s->spread_until_ms = now_ms + SPREAD_MS;
}

bool origin_can_spread(const struct addr *to)
{
	return to->family == AF_INET && addr_is_loopback(to);
}

bool origin_is_spread(const struct origin *s, const struct addr *to,
		      uint64_t now_ms)
{
	return now_ms < s->spread_until_ms && origin_can_spread(to);
}

struct addr origin_next(struct origin *s)
{
	struct addr a = {.family = AF_INET};

	/* 127.0.0.0 and 127.255.255.255 are no host's; 127.0.0.1 has run out.
	 */
	do
		s->next = (s->next + 1) % HOSTS;
	while (s->next < 2 || s->next == HOSTS - 1);
	a.ip[0] = 127;
	a.ip[1] = (uint8_t)(s->next >> 16);
	a.ip[2] = (uint8_t)(s->next >> 8);
	a.ip[3] = (uint8_t)s->next;
	return a;
}
