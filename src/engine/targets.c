#include "engine/targets.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

/* Of a name that has more, the rest are not tried. */
enum { TARGETS_MOST = 32 };

void targets_free(struct targets *t)
{
	if (t->at != t->own)
		free(t->at);
	t->at = NULL;
	t->count = 0;
}

void targets_literal(struct targets *t, const struct addr *a)
{
	targets_free(t);
	t->at = t->own;
	t->own[0] = *a;
	t->count = 1;
}

bool targets_localhost(struct targets *t, const char *host, uint16_t port)
{
	struct addr both[2];

	if (!addr_localhost(host, port, both))
		return false;
	targets_free(t);
	t->at = t->own;
	memcpy(t->own, both, sizeof(both));
	t->count = 2;
	return true;
}

static bool has(const struct targets *t, const struct addr *a)
{
	for (size_t i = 0; i < t->count; i++)
		if (addr_equal(&t->at[i], a))
			return true;
	return false;
}

/* Put the i-th first; those before it keep their order. */
static void move_up(struct targets *t, size_t to, size_t i)
{
	struct addr a = t->at[i];

	memmove(&t->at[to + 1], &t->at[to], (i - to) * sizeof(a));
	t->at[to] = a;
}

static void interleave(struct targets *t)
{
	for (size_t i = 1; i < t->count; i++) {
		size_t j = i;

		while (j < t->count && t->at[j].family == t->at[i - 1].family)
			j++;
		if (j == t->count)
			return;
		move_up(t, i, j);
	}
}

int targets_found(struct targets *t, const struct addrinfo *list, uint16_t port)
{
	targets_free(t);
	t->at = calloc(TARGETS_MOST, sizeof(*t->at));
	if (!t->at)
		return -ENOMEM;
	for (const struct addrinfo *ai = list; ai && t->count < TARGETS_MOST;
	     ai = ai->ai_next) {
		struct addr a;

		addr_from_sockaddr(&a, ai->ai_addr, ai->ai_addrlen);
		a.port = port;
		/* A wildcard, with which some resolvers block a name, is this
		 * machine, and may be lowport's own listener. */
		if (a.family != AF_UNSPEC && !addr_is_wildcard(&a) &&
		    !has(t, &a))
			t->at[t->count++] = a;
	}
	interleave(t);
	return 0;
}

void targets_prefer(struct targets *t, const struct addr *a)
{
	for (size_t i = 1; i < t->count; i++)
		if (addr_equal(&t->at[i], a)) {
			move_up(t, 0, i);
			return;
		}
}
