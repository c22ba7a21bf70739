#include "config/pf_convert.h"
#include "config/pf_port.h"

#include "base/cidr.h"
#include "config/spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_client(struct pf_conversion *c, const char *text, bool deny)
{
	pf_add_client(c->p, &c->clients, &c->client_count, text, deny);
}

static void read_client(struct pf_conversion *c, const struct pf_item *i,
			unsigned *families)
{
	char text[ADDR_TEXT];
	struct cidr net;

	if (i->negated && c->r->from.count > 1)
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
	if (pf_item_net(i, &net.base, &net.bits)) {
		*families |= pf_family(net.base.family);
		add_client(c, cidr_print(&net, text), i->negated);
	} else if (pf_item_is_loopback(i) ||
		   strcmp(i->text, "lo0:network") == 0) {
		*families |= PF_V4 | PF_V6;
		add_client(c,
			   strchr(i->text, ':') ? "127.0.0.0/8" : "127.0.0.1",
			   i->negated);
		add_client(c, "::1", i->negated);
	} else {
		pf_rule_refuse(c->r,
			       "from %s: lowport takes addresses and "
			       "networks (write them, like 10.0.0.0/8)",
			       i->text);
	}
}

static void find_clients(struct pf_conversion *c)
{
	const struct pf_list *from = &c->r->from;
	unsigned families = 0;

	for (size_t i = 0; i < from->count; i++)
		if (strcmp(from->at[i].text, "any") == 0 &&
		    !from->at[i].negated)
			return;
	for (size_t i = 0; i < from->count; i++)
		read_client(c, &from->at[i], &families);
	if (from->count > 0 && !from->at[0].negated)
		c->families &= families;
}

static void find_backend(struct pf_conversion *c)
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
	} else if (i->table || i->negated) {
		pf_rule_refuse(c->r, "-> %s%s: name one address",
			       i->negated ? "! " : "<...>", i->text);
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

static void check_protocol(struct pf_conversion *c)
{
	const struct pf_list *proto = &c->r->proto;
	bool tcp = false;
	const char *other = NULL;

	for (size_t i = 0; i < proto->count; i++) {
		const struct pf_item *one = &proto->at[i];
		bool is_tcp = strcmp(one->text, "tcp") == 0 ||
			      strcmp(one->text, "6") == 0;

		tcp = tcp || (is_tcp && !one->negated);
		if (!is_tcp || one->negated)
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

/* Would lowport be its own backend? */
static bool is_loop(const struct pf_conversion *c, const struct pf_place *place)
{
	if (place->where == PF_EVERYWHERE)
		return c->host_is_loopback;
	if (place->where != PF_ADDRESS)
		return false;
	if (c->host_addr.family == AF_UNSPEC)
		return c->host_is_loopback && addr_is_loopback(&place->addr);
	return addr_same_ip(&c->host_addr, &place->addr);
}

static void check_port(struct pf_conversion *c, size_t i, unsigned port)
{
	unsigned to = pf_target_of(c->r, i, port);

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

static void check_ports(struct pf_conversion *c)
{
	const struct pf_ports *ports = &c->r->port;
	size_t count = count_ports(ports);
	char text[ADDR_TEXT];
	struct relay_backend backend;
	struct fault why;
	bool known = false;
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
	if (c->p->listeners + count * c->places.count > PF_LISTENERS_MOST)
		pf_rule_refuse(c->r,
			       "the rules before it have %zu listeners, and at "
			       "most %d are made",
			       c->p->listeners, PF_LISTENERS_MOST);
	if (c->r->why[0] != '\0')
		return;
	for (size_t i = 0; i < ports->count; i++)
		for (unsigned port = ports->at[i].first;
		     port <= ports->at[i].last; port++)
			check_port(c, i, port);
	if (c->r->no)
		return;
	/* A name may be one that nobody can have, or mean a Unix socket to
	 * lowport. */
	snprintf(text, sizeof(text), "%s:1", c->host);
	if (spec_parse_backend(&backend, &string, text, &why) == 0) {
		free(string);
		known = backend.addr.family != AF_UNIX;
	}
	if (!known)
		pf_rule_refuse(c->r,
			       "-> %s: not an address or a name that "
			       "lowport could connect to (try 127.0.0.1)",
			       c->host);
}

static void check_local(struct pf_conversion *c)
{
	for (size_t i = 0; i < c->places.count; i++)
		if (c->places.at[i].local && c->client_count > 0)
			pf_rule_refuse(
				c->r,
				"it is for this machine alone (on lo0) and for "
				"some clients (from): lowport can hold to one "
				"of them (leave the other out)");
}

static void leave_exception(struct pf_conversion *c)
{
	bool some = c->client_count > 0 && !c->clients[0].deny;

	pf_leave_out(c->p, c->from,
		     "lowport has no exceptions from a relay (%s%s)",
		     some ? "to refuse these clients, put this before any "
			    "allow = of the relay: deny = "
			  : "leave what it is about out of the rule behind it",
		     some ? c->clients[0].net : "");
}

void pf_convert(struct pf *p, struct pf_rule *r, const struct pf_origin *from)
{
	struct pf_conversion c = {
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
		pf_relays_make(&c, false);
		pf_relays_make(&c, true);
	}
	if (r->why[0] != '\0' && !r->no)
		pf_leave_out(p, from, "%s", r->why);
	pf_clients_free(c.clients, c.client_count);
}
