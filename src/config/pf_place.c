#include "config/pf_convert.h"

#include "os/netif.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

unsigned pf_family(int family)
{
	return family == AF_INET    ? PF_V4
	       : family == AF_INET6 ? PF_V6
				    : PF_V4 | PF_V6;
}

/* 10 and 192.168, which stand before a /, are 10.0.0.0 and 192.168.0.0. */
static bool read_short(const char *text, struct addr *base)
{
	char full[PF_NAME_MOST + 8];
	unsigned dots = 0;

	for (const char *p = text; *p != '\0'; p++)
		dots += *p == '.';
	if (text[strspn(text, "0123456789.")] != '\0' || dots >= 3)
		return false;
	snprintf(full, sizeof(full), "%s%s", text,
		 dots == 0   ? ".0.0.0"
		 : dots == 1 ? ".0.0"
			     : ".0");
	return addr_parse_ip(base, full) == 0;
}

bool pf_item_net(const struct pf_item *i, struct addr *base, unsigned *bits)
{
	unsigned most;

	if (i->table || i->dynamic)
		return false;
	if (addr_parse_ip(base, i->text) < 0 &&
	    (i->bits < 0 || !read_short(i->text, base)))
		return false;
	most = base->family == AF_INET ? 32 : 128;
	if (i->bits > (int)most)
		return false;
	*bits = i->bits < 0 ? most : (unsigned)i->bits;
	for (unsigned bit = *bits; bit < most; bit++)
		base->ip[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	return true;
}

bool pf_item_is_loopback(const struct pf_item *i)
{
	return !i->table && i->bits < 0 &&
	       (strcmp(i->text, "lo0") == 0 || strcmp(i->text, "lo") == 0 ||
		strcmp(i->text, "localhost") == 0);
}

bool pf_item_is_interface(const struct pf_item *i)
{
	size_t letters = 0, digits = 0;

	while (isalpha((unsigned char)i->text[letters]))
		letters++;
	while (isdigit((unsigned char)i->text[letters + digits]))
		digits++;
	return !i->table && i->bits < 0 && letters > 0 && digits > 0 &&
	       i->text[letters + digits] == '\0' && netif_is_name(i->text);
}

static bool same_place(const struct pf_place *a, const struct pf_place *b)
{
	return pf_place_covers(a, b) && pf_place_covers(b, a);
}

static void add(struct pf_places *out, struct pf_rule *r,
		const struct pf_place *place)
{
	for (size_t i = 0; i < out->count; i++) {
		if (!same_place(&out->at[i], place))
			continue;
		out->at[i].local &= place->local;
		return;
	}
	if (out->count < PF_RULE_PORTS_MOST)
		out->at[out->count++] = *place;
	else
		pf_rule_refuse(r, "it is about more than %d places",
			       PF_RULE_PORTS_MOST);
}

static void add_loopback(struct pf_places *out, struct pf_rule *r,
			 unsigned families)
{
	struct pf_place place = {.where = PF_ADDRESS};

	if (families & PF_V4) {
		addr_parse_ip(&place.addr, "127.0.0.1");
		add(out, r, &place);
	}
	if (families & PF_V6) {
		addr_parse_ip(&place.addr, "::1");
		add(out, r, &place);
	}
}

static int family_of(unsigned families)
{
	return families == PF_V4   ? AF_INET
	       : families == PF_V6 ? AF_INET6
				   : AF_UNSPEC;
}

static void add_everywhere(struct pf_places *out, struct pf_rule *r,
			   unsigned families)
{
	struct pf_place place = {.where = PF_EVERYWHERE,
				 .family = family_of(families)};

	add(out, r, &place);
}

static void add_interface(struct pf_places *out, struct pf_rule *r,
			  const char *name, unsigned families)
{
	struct pf_place place = {.where = PF_INTERFACE,
				 .family = family_of(families)};

	/* netif_is_name() has seen that it fits. */
	memcpy(place.interface, name,
	       strnlen(name, sizeof(place.interface) - 1));
	add(out, r, &place);
}

/* An interface by name is what a listener can be on; a group is not. */
static bool check_interface(struct pf_rule *r, const struct pf_item *on)
{
	if (on->negated) {
		pf_rule_refuse(r,
			       "on ! %s: lowport listens on what is named "
			       "(write a rule for each interface)",
			       on->text);
		return false;
	}
	if (pf_item_is_loopback(on) || pf_item_is_interface(on))
		return true;
	pf_rule_refuse(r,
		       "\"%s\" is a group of interfaces, not one (name it, "
		       "like en0: ifconfig %s lists those that are in it)",
		       on->text, on->text);
	return false;
}

static bool is_any(const struct pf_item *to)
{
	return !to->table && !to->dynamic && to->bits < 0 &&
	       strcmp(to->text, "any") == 0;
}

static void add_net(struct pf_places *out, struct pf_rule *r,
		    const struct pf_item *on, const struct pf_item *to,
		    unsigned families, const struct pf_place *at, unsigned bits)
{
	bool on_loopback = on && pf_item_is_loopback(on);
	struct pf_place place = *at;

	if (!(families & pf_family(place.addr.family)))
		return;
	if (bits < (place.addr.family == AF_INET ? 32u : 128u)) {
		pf_rule_refuse(r,
			       "to %s/%u is a network: connections to other "
			       "machines pass through here, and lowport "
			       "takes those to an address of this one (name "
			       "that)",
			       to->text, bits);
		return;
	}
	if (addr_is_loopback(&place.addr) && on && !on_loopback) {
		pf_rule_refuse(r, "nothing for %s comes in on %s (try on lo0)",
			       to->text, on->text);
		return;
	}
	place.local = on_loopback && !addr_is_loopback(&place.addr);
	add(out, r, &place);
}

/* To what an interface has, or to a name. */
static void add_named(struct pf_places *out, struct pf_rule *r,
		      const struct pf_item *on, const struct pf_item *to,
		      unsigned families)
{
	if (pf_item_is_loopback(to)) {
		if (on && !pf_item_is_loopback(on))
			pf_rule_refuse(r,
				       "nothing for %s comes in on %s (try "
				       "on lo0)",
				       to->text, on->text);
		else
			add_loopback(out, r, families);
	} else if (strchr(to->text, ':')) {
		pf_rule_refuse(r,
			       "%s: lowport takes an interface as a whole "
			       "(try %.*s), or an address",
			       to->text, (int)strcspn(to->text, ":"), to->text);
	} else if (!pf_item_is_interface(to)) {
		pf_rule_refuse(
			r,
			to->dynamic ? "(%s) is a group of interfaces, not one "
				      "(name it, like en0)"
				    : "pf looked \"%s\" up when it was loaded "
				      "(write the address)",
			to->text);
	} else if (on && strcmp(on->text, to->text) != 0) {
		pf_rule_refuse(r,
			       "it is about what comes in on %s for an "
			       "address of %s: lowport goes by one of them "
			       "(leave out \"on %s\")",
			       on->text, to->text, on->text);
	} else {
		add_interface(out, r, to->text, families);
	}
}

static void add_pair(struct pf_places *out, struct pf_rule *r,
		     const struct pf_item *on, const struct pf_item *to,
		     unsigned families)
{
	struct pf_place place = {.where = PF_ADDRESS};
	bool any = !to || is_any(to) || strcmp(to->text, "self") == 0;
	unsigned bits;

	if (on && !check_interface(r, on))
		return;
	if (to && (to->table || to->negated)) {
		pf_rule_refuse(r,
			       to->table ? "to <%s>: lowport has no tables "
					   "(write a rule for each address)"
					 : "to ! %s: lowport listens on "
					   "what is named (write a rule for "
					   "each address)",
			       to->text);
		return;
	}
	if (!any && pf_item_net(to, &place.addr, &bits)) {
		any = bits == 0;
		families &= pf_family(place.addr.family);
		if (!any)
			add_net(out, r, on, to, families, &place, bits);
	} else if (!any) {
		add_named(out, r, on, to, families);
	}
	if (!any || families == 0)
		return;
	if (!on)
		add_everywhere(out, r, families);
	else if (pf_item_is_loopback(on))
		add_loopback(out, r, families);
	else
		add_interface(out, r, on->text, families);
}

void pf_places_find(struct pf_places *out, struct pf_rule *r, unsigned families)
{
	out->count = 0;
	for (size_t i = 0; i == 0 || i < r->on.count; i++) {
		const struct pf_item *on =
			r->on.count > 0 ? &r->on.at[i] : NULL;

		for (size_t j = 0; j == 0 || j < r->to.count; j++)
			add_pair(out, r, on,
				 r->to.count > 0 ? &r->to.at[j] : NULL,
				 families);
	}
	if (out->count == 0)
		pf_rule_refuse(r, "it mixes IPv4 and IPv6, so that nothing "
				  "fits it");
}

bool pf_place_covers(const struct pf_place *wide, const struct pf_place *narrow)
{
	int family = narrow->where == PF_ADDRESS ? narrow->addr.family
						 : narrow->family;
	bool all = wide->family == AF_UNSPEC || wide->family == family;

	if (wide->where == PF_EVERYWHERE)
		return all;
	if (wide->where != narrow->where)
		return false;
	return wide->where == PF_ADDRESS
		       ? addr_same_ip(&wide->addr, &narrow->addr)
		       : all && strcmp(wide->interface, narrow->interface) == 0;
}
