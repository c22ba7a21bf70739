#include "cli/loops.h"

#include "cli/announce.h"

static void complain_of_loop(const struct listener *from, const char *backend,
			     const struct addr *in,
			     void (*mistake)(const char *text))
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
	mistake(why.text);
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

static bool check_group(struct relay *r, const struct served *s,
			void (*mistake)(const char *text))
{
	const struct config_group *g = s->member->group;
	bool fine = true;

	for (size_t i = 0; i < g->backend_count; i++) {
		char name[BACKEND_TEXT];
		struct addr in;

		if (!leads_back(r, &s->route, &g->backends[i], &in))
			continue;
		announce_backend(&g->backends[i], name);
		complain_of_loop(&s->listener, name, &in, mistake);
		fine = false;
	}
	return fine;
}

bool loops_check(struct relay *r, const struct generation *g,
		 void (*mistake)(const char *text))
{
	const struct member *last = NULL;
	const struct list *pos;
	bool fine = true;

	/* One listener of each relay is as good as all. */
	list_for_each (pos, &g->served) {
		const struct served *s = list_entry(pos, struct served, node);

		if (s->member != last)
			fine &= check_group(r, s, mistake);
		last = s->member;
	}
	return fine;
}
