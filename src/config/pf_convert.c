#include "config/pf_convert.h"

#include "base/cidr.h"
#include "config/spec.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One rule on its way. */
struct conversion {
	struct pf *p;
	struct pf_rule *r;
	const struct pf_origin *from;
	char **nets;
	size_t net_count;
	bool deny;
	struct pf_places places;
	char host[PF_NAME_MOST]; /* of the backend, [ ] and all */
	bool host_is_loopback;
	struct addr host_addr; /* AF_UNSPEC if it is a name */
	unsigned families;
};

static void add_client(struct conversion *c, const char *text)
{
	pf_add_string(c->p, &c->nets, &c->net_count, "%s", text);
}

static void read_client(struct conversion *c, const struct pf_item *i,
			unsigned *families)
{
	char text[ADDR_TEXT];
	struct cidr net;

	if (i->not &&c->r->from.count > 1)
		pf_rule_refuse(c->r,
			       "! %s in a list: pf takes that for a rule "
			       "of its own, which lets everyone else in "
			       "(write what may connect)",
			       i->text);
	else if (i->table)
		pf_rule_refuse(c->r,
			       "from <%s>: lowport has no tables (write "
			       "the addresses)",
			       i->text);
	c->deny |= i->not ;
	if (pf_item_net(i, &net.base, &net.bits)) {
		*families |= pf_family(net.base.family);
		add_client(c, cidr_print(&net, text));
	} else if (pf_item_is_loopback(i) ||
		   strcmp(i->text, "lo0:network") == 0) {
		*families |= PF_V4 | PF_V6;
		add_client(c,
			   strchr(i->text, ':') ? "127.0.0.0/8" : "127.0.0.1");
		add_client(c, "::1");
	} else {
		pf_rule_refuse(c->r,
			       "from %s: lowport takes addresses and "
			       "networks (write them, like 10.0.0.0/8)",
			       i->text);
	}
}

static void find_clients(struct conversion *c)
{
	const struct pf_list *from = &c->r->from;
	unsigned families = 0;

	for (size_t i = 0; i < from->count; i++)
		if (strcmp(from->at[i].text, "any") == 0 && !from->at[i].not )
			return;
	for (size_t i = 0; i < from->count; i++)
		read_client(c, &from->at[i], &families);
	if (from->count > 0 && !c->deny)
		c->families &= families;
}

static void find_backend(struct conversion *c)
{
	const struct pf_list *target = &c->r->target;
	const struct pf_item *i = &target->at[0];
	unsigned bits;

	if (target->count == 0)
		return;
	if (target->count > 1) {
		pf_rule_refuse(c->r, "lowport does not share connections out "
				     "among backends (a repeated to = is tried "
				     "when the one before cannot be reached: "
				     "name one, or write that)");
	} else if (i->table || i->not ) {
		pf_rule_refuse(c->r, "-> %s%s: name one address",
			       i->not ? "! " : "<...>", i->text);
	} else if (pf_item_net(i, &c->host_addr, &bits)) {
		unsigned family = pf_family(c->host_addr.family);

		if (bits < (family == PF_V4 ? 32u : 128u))
			pf_rule_refuse(c->r,
				       "-> %s/%u is a pool of addresses "
				       "(name one backend)",
				       i->text, bits);
		c->families &= family;
		c->host_is_loopback = addr_is_loopback(&c->host_addr);
		snprintf(c->host, sizeof(c->host),
			 family == PF_V4 ? "%.50s" : "[%.50s]", i->text);
	} else if (pf_item_is_loopback(i)) {
		c->host_is_loopback = true;
		snprintf(c->host, sizeof(c->host), "%s",
			 c->families == PF_V4   ? "127.0.0.1"
			 : c->families == PF_V6 ? "[::1]"
						: "localhost");
	} else if (i->dynamic || pf_item_is_interface(i) || i->bits >= 0) {
		pf_rule_refuse(c->r,
			       "-> %s: pf looks its address up (write "
			       "the address)",
			       i->text);
	} else {
		snprintf(c->host, sizeof(c->host), "%s", i->text);
	}
}

static void check_protocol(struct conversion *c)
{
	const struct pf_list *proto = &c->r->proto;
	bool tcp = false;
	const char *other = NULL;

	for (size_t i = 0; i < proto->count; i++) {
		const struct pf_item *one = &proto->at[i];
		bool is_tcp = strcmp(one->text, "tcp") == 0 ||
			      strcmp(one->text, "6") == 0;

		tcp = tcp || (is_tcp && !one->not );
		if (!is_tcp || one->not )
			other = one->text;
	}
	if (proto->count == 0)
		pf_rule_refuse(c->r, "it is about every protocol, and lowport "
				     "relays TCP (write proto tcp, and a "
				     "port)");
	else if (!tcp)
		pf_rule_refuse(c->r, "proto %s: lowport relays TCP alone",
			       other);
	else if (other && c->r->why[0] == '\0')
		pf_leave_out(c->p, c->from,
			     "proto %s: lowport relays TCP alone; that of tcp "
			     "was converted",
			     other);
}

static size_t count_ports(const struct pf_ports *ports)
{
	size_t count = 0;

	for (size_t i = 0; i < ports->count; i++)
		count += ports->at[i].last - ports->at[i].first + 1;
	return count;
}

/* Where connections to a port of the i-th range go. */
static unsigned target_of(const struct pf_rule *r, size_t i, unsigned port)
{
	unsigned offset = port - r->port.at[i].first;

	switch (r->target_port) {
	case PF_ONE_PORT:
		return r->target_first;
	case PF_PORTS_FROM:
		return r->target_first + offset;
	case PF_PORT_RANGE:
		return r->target_first +
		       offset % (r->target_last - r->target_first + 1);
	case PF_SAME_PORT:
		break;
	}
	return port;
}

/* Would lowport be its own backend? */
static bool is_loop(const struct conversion *c, const struct pf_place *place)
{
	if (place->where == PF_EVERYWHERE)
		return c->host_is_loopback;
	if (place->where != PF_ADDRESS)
		return false;
	if (c->host_addr.family == AF_UNSPEC)
		return c->host_is_loopback && addr_is_loopback(&place->addr);
	return addr_same_ip(&c->host_addr, &place->addr);
}

static void check_port(struct conversion *c, size_t i, unsigned port)
{
	unsigned to = target_of(c->r, i, port);

	if (to > 65535)
		pf_rule_refuse(c->r, "port %u would go to port %u", port, to);
	for (size_t j = 0; j < c->places.count && to == port; j++)
		if (is_loop(c, &c->places.at[j]))
			pf_rule_refuse(
				c->r,
				"port %u goes to port %u of the same address: "
				"lowport would be its own backend (let the "
				"program listen on another port, and redirect "
				"there)",
				port, to);
}

static void check_ports(struct conversion *c)
{
	const struct pf_ports *ports = &c->r->port;
	size_t count = count_ports(ports);
	char text[ADDR_TEXT];
	struct relay_backend backend;
	struct fault why;
	char *string;

	if (count == 0)
		pf_rule_refuse(c->r, "it is about every port (name those that "
				     "are meant: port 80)");
	if (count * c->places.count > PF_RULE_PORTS_MOST)
		pf_rule_refuse(c->r,
			       "it takes %zu listeners, and at most %d "
			       "are made of a rule (name the ports that "
			       "are in use)",
			       count * c->places.count, PF_RULE_PORTS_MOST);
	if (c->r->why[0] != '\0')
		return;
	for (size_t i = 0; i < ports->count; i++)
		for (unsigned port = ports->at[i].first;
		     port <= ports->at[i].last; port++)
			check_port(c, i, port);
	if (c->r->no)
		return;
	/* A name may be one that nobody can have. */
	snprintf(text, sizeof(text), "%s:1", c->host);
	if (spec_parse_backend(&backend, &string, text, &why) < 0)
		pf_rule_refuse(c->r,
			       "-> %s: not an address or a name that "
			       "lowport could connect to (try 127.0.0.1)",
			       c->host);
	else
		free(string);
}

static bool has(const struct pf_places *places, enum pf_where where)
{
	for (size_t i = 0; i < places->count; i++)
		if (places->at[i].where == where)
			return true;
	return false;
}

static void note(struct conversion *c, struct pf_relay *relay, const char *text)
{
	pf_add_string(c->p, &relay->notes, &relay->note_count, "%s", text);
}

static void allow(struct conversion *c, struct pf_relay *relay,
		  const char *text)
{
	pf_add_string(c->p, &relay->nets, &relay->net_count, "%s", text);
}

static void set_local_clients(struct conversion *c, struct pf_relay *relay)
{
	char text[ADDR_TEXT];
	struct cidr net;

	note(c, relay,
	     "on lo0: for clients on this machine alone, who come from there");
	allow(c, relay, "127.0.0.0/8");
	allow(c, relay, "::1");
	for (size_t i = 0; i < c->places.count; i++) {
		if (!c->places.at[i].local)
			continue;
		net.base = c->places.at[i].addr;
		net.bits = net.base.family == AF_INET ? 32 : 128;
		allow(c, relay, cidr_print(&net, text));
	}
}

static void set_clients(struct conversion *c, struct pf_relay *relay,
			bool local)
{
	relay->deny = c->deny;
	for (size_t i = 0; i < c->net_count; i++)
		allow(c, relay, c->nets[i]);
	if (local)
		set_local_clients(c, relay);
	if (relay->net_count > 0 || !has(&c->places, PF_INTERFACE) ||
	    c->families == (PF_V4 | PF_V6))
		return;
	note(c, relay,
	     c->families == PF_V4
		     ? "for IPv4 clients alone, as in pf: if: is both families"
		     : "for IPv6 clients alone, as in pf: if: is both "
		       "families");
	allow(c, relay, c->families == PF_V4 ? "0.0.0.0/0" : "::/0");
}

static bool is_to_any(const struct pf_rule *r)
{
	return r->to.count == 0 || strcmp(r->to.at[0].text, "any") == 0;
}

static void add_notes(struct conversion *c, struct pf_relay *relay)
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
	if (is_to_any(r) && (any || has(&c->places, PF_INTERFACE)))
		note(c, relay,
		     "what passes through to other machines is not taken");
	if (!is_to_any(r) && has(&c->places, PF_ADDRESS) && r->on.count > 0 &&
	    !pf_item_is_loopback(&r->on.at[0]))
		note(c, relay,
		     "it goes by the address alone, not by the interface");
}

/* en0-80 for if:en0:80, all-80 for *:80, ip6-1-80 for [::1]:80. */
static char *make_name(struct conversion *c, const struct pf_listener *l)
{
	char text[PF_LISTENER_TEXT], base[PF_LISTENER_TEXT + 8], *name = NULL;
	size_t n = 0, count = 0;
	char **list = NULL;

	pf_listener_print(l, text);
	if (l->place.where == PF_EVERYWHERE)
		n = (size_t)snprintf(base, sizeof(base), "all-%u", l->port);
	else if (text[0] == '[')
		n = (size_t)snprintf(base, sizeof(base), "ip6");
	for (const char *p = strncmp(text, "if:", 3) == 0 ? text + 3 : text;
	     *p != '\0' && l->place.where != PF_EVERYWHERE; p++) {
		if (isalnum((unsigned char)*p) || *p == '.')
			base[n++] = *p;
		else if (n > 0 && base[n - 1] != '-')
			base[n++] = '-';
	}
	base[n] = '\0';
	for (size_t i = 0, tries = 1; i < c->p->relay_count; i++) {
		const char *taken = c->p->relays[i].name;

		if (!taken || strcmp(taken, name ? name : base) != 0)
			continue;
		free(name);
		count = 0;
		list = NULL;
		pf_add_string(c->p, &list, &count, "%s-%zu", base, ++tries);
		name = count > 0 ? list[0] : NULL;
		free(list);
		i = 0;
	}
	return name ? name : strdup(base);
}

static struct pf_relay *add_relay(struct conversion *c)
{
	struct pf *p = c->p;
	struct pf_relay *more;

	more = realloc(p->relays, (p->relay_count + 1) * sizeof(*more));
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
	if (!more->file || !more->rule)
		p->no_memory = true;
	return more;
}

static void add_listeners(struct conversion *c, struct pf_relay *relay,
			  unsigned port, bool local)
{
	for (size_t i = 0; i < c->places.count; i++) {
		struct pf_listener *more;

		if (c->places.at[i].local != local)
			continue;
		if (c->p->listeners >= PF_LISTENERS_MOST) {
			pf_rule_refuse(c->r, "more than %d listeners",
				       PF_LISTENERS_MOST);
			return;
		}
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
static void make_relay(struct conversion *c, size_t i, unsigned first,
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
		      target_of(c->r, i, first));
	relay->to = count > 0 ? list[0] : NULL;
	free(list);
	set_clients(c, relay, local);
	if (c->p->no_memory || relay->listener_count == 0)
		return;
	if (c->r->no)
		return;
	relay->name = make_name(c, &relay->listeners[0]);
	c->p->no_memory |= !relay->name;
	add_notes(c, relay);
	if (!c->p->no_memory)
		pf_overlap(c->p, relay, c->from);
}

static void make_relays(struct conversion *c, bool local)
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

static void check_local(struct conversion *c)
{
	for (size_t i = 0; i < c->places.count; i++)
		if (c->places.at[i].local && c->net_count > 0)
			pf_rule_refuse(
				c->r,
				"it is for this machine alone (on lo0) and for "
				"some clients (from): lowport can hold to one "
				"of them (leave the other out)");
}

static void leave_exception(struct conversion *c)
{
	pf_leave_out(c->p, c->from,
		     "lowport has no exceptions from a relay (%s%s)",
		     c->net_count > 0 && !c->deny
			     ? "to refuse these clients, put this before any "
			       "allow = of the relay: deny = "
			     : "leave what it is about out of the rule behind "
			       "it",
		     c->net_count > 0 && !c->deny ? c->nets[0] : "");
}

void pf_convert(struct pf *p, struct pf_rule *r, const struct pf_origin *from)
{
	struct conversion c = {
		.p = p, .r = r, .from = from, .families = pf_family(r->family)};

	check_protocol(&c);
	find_clients(&c);
	find_backend(&c);
	if (r->why[0] == '\0')
		pf_places_find(&c.places, r, c.families);
	if (r->why[0] == '\0')
		check_ports(&c);
	if (r->why[0] == '\0')
		check_local(&c);
	if (r->no)
		leave_exception(&c);
	if (r->why[0] == '\0') {
		make_relays(&c, false);
		make_relays(&c, true);
	}
	if (r->why[0] != '\0' && !r->no)
		pf_leave_out(p, from, "%s", r->why);
	for (size_t i = 0; i < c.net_count; i++)
		free(c.nets[i]);
	free(c.nets);
}
