#include "cli/announce.h"

#include "cli/logger.h"

#include <stdio.h>

const char *announce_backend(const struct relay_backend *b,
			     char buf[BACKEND_TEXT])
{
	char at[ADDR_TEXT];

	if (b->host)
		snprintf(buf, BACKEND_TEXT, "%s:%u", b->host, b->addr.port);
	else
		snprintf(buf, BACKEND_TEXT, "%s", addr_print(&b->addr, at));
	return buf;
}

void announce_listening(const struct addr *at, const struct config_group *g,
			const char *rest)
{
	char text[512], where[ADDR_TEXT], to[BACKEND_TEXT];
	int n = snprintf(text, sizeof(text), "listening on %s ->",
			 addr_print(at, where));

	for (size_t i = 0; i < g->backend_count && n < (int)sizeof(text); i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, " %s",
			      announce_backend(&g->backends[i], to));
	if (n < (int)sizeof(text))
		snprintf(text + n, sizeof(text) - (size_t)n, "%s", rest);
	logger_put(LEVEL_INFO, text);
}

void announce_listener(const struct listener *l, const struct config_group *g)
{
	char rest[256] = "", at[ADDR_TEXT];

	if (l->only.family != AF_UNSPEC)
		snprintf(rest, sizeof(rest),
			 ", for clients of %s only (the port looks open on "
			 "every address; others are reset)",
			 addr_print(&l->only, at));
	else if (l->asked->interface)
		snprintf(rest, sizeof(rest),
			 ", for clients at an address of %s only",
			 l->asked->interface);
	announce_listening(&l->addr, g, rest);
}
