#include "cli/loops.h"

#include "cli/cli.h"

#include <stdio.h>

static void complain_of_loop(const struct listener *from, const char *backend,
			     const struct addr *in)
{
	char own[ADDR_TEXT], at[ADDR_TEXT];
	struct fault why;

	addr_print(&from->addr, own);
	addr_print(in, at);
	if (addr_equal(&from->addr, in))
		fault_set(&why, 0,
			  "--to %s: that is the listener %s itself; "
			  "connections would go round for ever (try the port "
			  "of your program)",
			  backend, own);
	else
		fault_set(&why, 0,
			  "--to %s of the listener %s: that is the listener "
			  "%s, which leads back; connections would go round "
			  "for ever (try the port of your program)",
			  backend, own, at);
	complain(why.text);
}

/* localhost does as long as one of its addresses leads elsewhere. */
static bool leads_back(struct relay *r, const struct relay_route *route,
		       const struct relay_backend *b, struct addr *in)
{
	struct addr both[2];

	if (!b->host)
		return relay_leads_back(r, route, &b->addr, in);
	return addr_localhost(b->host, b->addr.port, both) &&
	       relay_leads_back(r, route, &both[0], in) &&
	       relay_leads_back(r, route, &both[1], in);
}

static const char *name_of(const struct relay_backend *b, char *buf,
			   size_t size)
{
	char at[ADDR_TEXT];

	if (b->host)
		snprintf(buf, size, "%s:%u", b->host, b->addr.port);
	else
		snprintf(buf, size, "%s", addr_print(&b->addr, at));
	return buf;
}

static bool check_group(struct relay *r, const struct config_group *g,
			const struct listener *listener,
			const struct relay_route *route)
{
	bool fine = true;

	for (size_t i = 0; i < g->backend_count; i++) {
		char name[ADDR_TEXT + 256];
		struct addr in;

		if (!leads_back(r, route, &g->backends[i], &in))
			continue;
		complain_of_loop(listener,
				 name_of(&g->backends[i], name, sizeof(name)),
				 &in);
		fine = false;
	}
	return fine;
}

bool loops_check(struct relay *r, const struct config *c,
		 const struct listeners *listeners,
		 const struct relay_route *routes, const size_t *counts)
{
	bool fine = true;
	size_t first = 0;

	for (size_t i = 0; i < c->group_count; i++) {
		if (first < counts[i])
			fine &= check_group(r, &c->groups[i],
					    &listeners->at[first],
					    &routes[first]);
		first = counts[i];
	}
	return fine;
}
