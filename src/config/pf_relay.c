#include "config/pf_convert.h"
#include "config/pf_port.h"

#include "base/cidr.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has(const struct pf_places *places, enum pf_where where)
{
	for (size_t i = 0; i < places->count; i++)
		if (places->at[i].where == where)
			return true;
	return false;
}

static void note(struct pf_conversion *c, struct pf_relay *relay,
		 const char *text)
{
	pf_add_string(c->p, &relay->notes, &relay->note_count, "%s", text);
}

static void allow(struct pf_conversion *c, struct pf_relay *relay,
		  const char *net)
{
	pf_add_client(c->p, &relay->clients, &relay->client_count, net, false);
}

/* Who connects to an address of this machine from itself comes from there,
 * unless it has chosen another. */
static void set_local_clients(struct pf_conversion *c, struct pf_relay *relay)
{
	char text[ADDR_TEXT];
	struct cidr net;

	note(c, relay,
	     "on lo0: for clients on this machine alone, who come from there");
	if (c->families & PF_V4)
		allow(c, relay, "127.0.0.0/8");
	if (c->families & PF_V6)
		allow(c, relay, "::1");
	for (size_t i = 0; i < c->places.count; i++) {
		if (!c->places.at[i].local)
			continue;
		net.base = c->places.at[i].addr;
		net.bits = net.base.family == AF_INET ? 32 : 128;
		allow(c, relay, cidr_print(&net, text));
	}
}

/* An interface has addresses of both families, and the rule one. */
static void set_family(struct pf_conversion *c, struct pf_relay *relay)
{
	bool v4 = c->families == PF_V4;

	note(c, relay,
	     v4 ? "for IPv4 clients alone, as in pf: if: is both families"
		: "for IPv6 clients alone, as in pf: if: is both families");
	allow(c, relay, v4 ? "0.0.0.0/0" : "::/0");
}

static void set_clients(struct pf_conversion *c, struct pf_relay *relay,
			bool local)
{
	bool some = false;

	for (size_t i = 0; i < c->client_count; i++) {
		pf_add_client(c->p, &relay->clients, &relay->client_count,
			      c->clients[i].net, c->clients[i].deny);
		some |= !c->clients[i].deny;
	}
	if (local)
		set_local_clients(c, relay);
	else if (!some && has(&c->places, PF_INTERFACE) &&
		 c->families != (PF_V4 | PF_V6))
		set_family(c, relay);
}

static bool is_to_any(const struct pf_rule *r)
{
	return r->to.count == 0 || strcmp(r->to.at[0].text, "any") == 0;
}

static void add_notes(struct pf_conversion *c, struct pf_relay *relay)
{
	const struct pf_rule *r = c->r;
	bool any = has(&c->places, PF_EVERYWHERE);

	if (r->family == AF_UNSPEC && c->host_addr.family == AF_INET &&
	    is_to_any(r) && !has(&c->places, PF_INTERFACE))
		note(c, relay,
		     "IPv4 alone, as in pf: what it goes to is IPv4; for IPv6 "
		     "add a listen = of that");
	if (any)
		note(c, relay,
		     "any user of a Mac may open this port on all addresses: "
		     "lowport run will do");
	if (is_to_any(r) && r->on.count > 0 &&
	    pf_item_is_loopback(&r->on.at[0]))
		note(c, relay,
		     "pf took what this machine sends to its other addresses "
		     "too");
	if (is_to_any(r) && (any || has(&c->places, PF_INTERFACE)))
		note(c, relay,
		     "what passes through to other machines is not taken");
	if (!is_to_any(r) && has(&c->places, PF_ADDRESS) && r->on.count > 0 &&
	    !pf_item_is_loopback(&r->on.at[0]))
		note(c, relay,
		     "it goes by the address alone, not by the interface");
}

static bool is_taken(const struct pf *p, const char *name)
{
	for (size_t i = 0; i < p->relay_count; i++) {
		const struct pf_relay *r = &p->relays[i];

		if (r->name && pf_relay_is_needed(r) &&
		    strcmp(r->name, name) == 0)
			return true;
	}
	return false;
}

/* en0-80 for if:en0:80, all-80 for *:80, ip6-1-80 for [::1]:80; with a number
 * behind it if there is one of that name. */
static char *make_name(const struct pf *p, const struct pf_listener *l)
{
	char text[PF_LISTENER_TEXT], name[PF_RELAY_NAME];
	const char *from = text;
	size_t n = 0, room = sizeof(name) - sizeof("-12345");

	pf_listener_print(l, text);
	name[0] = '\0';
	if (l->place.where == PF_EVERYWHERE)
		snprintf(text, sizeof(text), "all-%u", l->port);
	else if (text[0] == '[')
		n = (size_t)snprintf(name, sizeof(name), "ip6");
	else if (strncmp(text, "if:", 3) == 0)
		from += 3;
	for (; *from != '\0' && n < room; from++) {
		if (isalnum((unsigned char)*from) || *from == '.')
			name[n++] = *from;
		else if (n > 0 && name[n - 1] != '-')
			name[n++] = '-';
	}
	name[n] = '\0';
	for (size_t i = p->relay_count; is_taken(p, name); i++)
		snprintf(name + n, sizeof(name) - n, "-%zu", i % 100000);
	return strdup(name);
}

static struct pf_relay *add_relay(struct pf_conversion *c)
{
	struct pf *p = c->p;
	struct pf_relay *more = p->relays;
	size_t n = p->relay_count;

	/* Room for twice as many, each time that they are a power of two. */
	if ((n & (n - 1)) == 0)
		more = realloc(more, (n > 0 ? 2 * n : 1) * sizeof(*more));
	if (!more) {
		p->no_memory = true;
		return NULL;
	}
	p->relays = more;
	more += p->relay_count++;
	*more = (struct pf_relay){
		.line = c->from->line,
		.no = c->r->no,
		.late = c->r->late,
		.quick = c->r->quick,
	};
	more->file = strdup(c->from->file);
	more->rule = strdup(c->from->text);
	if (more->file)
		pf_make_plain(more->file);
	if (!more->file || !more->rule)
		p->no_memory = true;
	return more;
}

static bool has_port(const struct pf_relay *relay, unsigned port)
{
	for (size_t i = 0; i < relay->listener_count; i++)
		if (relay->listeners[i].port == port)
			return true;
	return false;
}

/* Unless a list names the port twice. */
static void add_listeners(struct pf_conversion *c, struct pf_relay *relay,
			  unsigned port, bool local)
{
	if (has_port(relay, port))
		return;
	for (size_t i = 0; i < c->places.count; i++) {
		struct pf_listener *more;

		if (c->places.at[i].local != local)
			continue;
		more = realloc(relay->listeners,
			       (relay->listener_count + 1) * sizeof(*more));
		if (!more) {
			c->p->no_memory = true;
			return;
		}
		relay->listeners = more;
		more += relay->listener_count++;
		*more = (struct pf_listener){.place = c->places.at[i],
					     .port = port};
		c->p->listeners++;
	}
}

/* The relay of those ports that go to one, from the first-th of the i-th range
 * on. Others are for the next call. */
static void make_relay(struct pf_conversion *c, size_t i, unsigned first,
		       bool local)
{
	bool one = c->r->target_port == PF_ONE_PORT;
	struct pf_relay *relay = add_relay(c);
	char **list = NULL;
	size_t count = 0;

	if (!relay)
		return;
	for (size_t j = i; j < (one ? c->r->port.count : i + 1); j++) {
		unsigned from = one ? c->r->port.at[j].first : first;
		unsigned last = one ? c->r->port.at[j].last : first;

		for (unsigned port = from; port <= last; port++)
			add_listeners(c, relay, port, local);
	}
	pf_add_string(c->p, &list, &count, "%s:%u", c->host,
		      pf_target_of(c->r, i, first));
	relay->to = count > 0 ? list[0] : NULL;
	free(list);
	set_clients(c, relay, local);
	if (c->p->no_memory || relay->listener_count == 0)
		return;
	if (c->r->no)
		return;
	add_notes(c, relay);
	if (c->p->no_memory)
		return;
	pf_overlap(c->p, relay, c->from);
	if (!pf_relay_is_needed(relay)) {
		c->p->listeners -= relay->listener_count;
		c->p->relay_count--;
		pf_relay_free(relay);
		return;
	}
	relay->name = make_name(c->p, &relay->listeners[0]);
	c->p->no_memory |= !relay->name;
}

void pf_relays_make(struct pf_conversion *c, bool local)
{
	const struct pf_ports *ports = &c->r->port;
	bool wanted = false;

	for (size_t i = 0; i < c->places.count; i++)
		wanted |= c->places.at[i].local == local;
	if (!wanted || ports->count == 0)
		return;
	if (c->r->target_port == PF_ONE_PORT) {
		make_relay(c, 0, ports->at[0].first, local);
		return;
	}
	for (size_t i = 0; i < ports->count; i++)
		for (unsigned port = ports->at[i].first;
		     port <= ports->at[i].last; port++)
			make_relay(c, i, port, local);
}
