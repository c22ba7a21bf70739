#include "config/pf_convert.h"

#include <string.h>

/*
 * Several rules for the same connections: of rdr the first that fits counts, of
 * rdr-to the last (but the first that is quick), while lowport has one relay
 * for a listener.
 */

struct pair {
	struct pf *p;
	struct pf_relay *old, *new;
	struct pf_listener *was, *is;
	const struct pf_origin *from;
};

static bool same_backend(const struct pair *x)
{
	return strcmp(x->old->to, x->new->to) == 0;
}

static bool same_clients(const struct pf_relay *a, const struct pf_relay *b)
{
	if (a->client_count != b->client_count)
		return false;
	for (size_t i = 0; i < a->client_count; i++)
		if (strcmp(a->clients[i].net, b->clients[i].net) != 0 ||
		    a->clients[i].deny != b->clients[i].deny)
			return false;
	return true;
}

/* Does it take everyone, of one family at least? */
static bool is_open(const struct pf_relay *r)
{
	for (size_t i = 0; i < r->client_count; i++)
		if (r->clients[i].deny ||
		    (strcmp(r->clients[i].net, "0.0.0.0/0") != 0 &&
		     strcmp(r->clients[i].net, "::/0") != 0))
			return false;
	return true;
}

/* The old one was there for all that the new one wants. */
static void old_wins(const struct pair *x)
{
	char text[PF_LISTENER_TEXT];

	x->is->dropped = true;
	pf_listener_print(x->is, text);
	if (x->old->no)
		pf_leave_out(x->p, x->from,
			     "%s: the rule of line %u says no rdr for it, and "
			     "of several the first counts",
			     text, x->old->line);
	else if (same_backend(x) && (same_clients(x->old, x->new) ||
				     (is_open(x->old) && is_open(x->new))))
		pf_add_string(x->p, &x->old->notes, &x->old->note_count,
			      "%s:%u says the same again: %s", x->from->file,
			      x->from->line, x->from->text);
	else if (is_open(x->old))
		pf_leave_out(x->p, x->from,
			     "%s: the rule of line %u has taken it already, "
			     "and of several the first counts: this one had no "
			     "effect",
			     text, x->old->line);
	else
		pf_leave_out(x->p, x->from,
			     "%s: the rule of line %u takes it for some "
			     "clients, and lowport has one backend for a "
			     "listener (put allow = NETWORK into [relay %s] "
			     "for others who may have that backend)",
			     text, x->old->line, x->old->name);
}

static void new_wins(const struct pair *x, const char *why)
{
	x->was->dropped = true;
	pf_add_string(x->p, &x->new->notes, &x->new->note_count,
		      "%s:%u is part of this (%s): %s", x->old->file,
		      x->old->line, why, x->old->rule);
}

/* lowport's if:en0:80 is of both families, and so is *:80. */
static bool is_one_listener(const struct pf_place *a, const struct pf_place *b)
{
	if (a->where == PF_EVERYWHERE && b->where == PF_EVERYWHERE)
		return a->family == AF_UNSPEC || b->family == AF_UNSPEC;
	return a->where == PF_INTERFACE && b->where == PF_INTERFACE &&
	       strcmp(a->interface, b->interface) == 0;
}

static void shares_listener(const struct pair *x)
{
	const struct pf_place *is = &x->is->place;
	bool wide = is->where == PF_EVERYWHERE && is->family == AF_UNSPEC;
	char text[PF_LISTENER_TEXT];

	x->is->dropped = true;
	pf_leave_out(x->p, x->from,
		     "%s is one listener for IPv4 and IPv6, and the rule of "
		     "line %u has it with its own backend (if the program "
		     "listens on both families: one rule without inet, to "
		     "localhost)",
		     pf_listener_print(wide ? x->is : x->was, text),
		     x->old->line);
}

/* One is in the other: the narrow one keeps what is its own. */
static void side_by_side(const struct pair *x, const struct pf_listener *narrow)
{
	char text[PF_LISTENER_TEXT];

	pf_add_string(x->p, &x->new->notes, &x->new->note_count,
		      "%s has a relay of its own (line %u and %u): a Mac lets "
		      "both listen, Linux does not",
		      pf_listener_print(narrow, text), x->old->line,
		      x->new->line);
}

static void settle(const struct pair *x)
{
	const struct pf_place *was = &x->was->place, *is = &x->is->place;
	bool last_counts = x->old->late && !x->old->quick;
	bool covered = pf_place_covers(was, is);
	bool covers = pf_place_covers(is, was);
	bool open = is_open(x->old) && is_open(x->new);
	bool one = is_one_listener(was, is);

	if (!covered && !covers) {
		if (one)
			shares_listener(x);
	} else if (covers && last_counts && (covered || one)) {
		new_wins(x, "but of several the last counts");
	} else if (covered && !last_counts) {
		old_wins(x);
	} else if (x->old->no) {
		pf_add_string(x->p, &x->new->notes, &x->new->note_count,
			      "but the rule of line %u (no rdr) took some "
			      "connections out",
			      x->old->line);
	} else if (covers && same_backend(x) && open) {
		new_wins(x, "it goes to the same backend");
	} else if (one) {
		shares_listener(x);
	} else {
		side_by_side(x, covers ? x->was : x->is);
	}
}

/* An exception for some clients is in the way of nobody else. */
static void note_exception(const struct pair *x)
{
	pf_add_string(x->p, &x->new->notes, &x->new->note_count,
		      "but the rule of line %u (no rdr) took some clients out; "
		      "deny = NETWORK would refuse them",
		      x->old->line);
}

void pf_overlap(struct pf *p, struct pf_relay *r, const struct pf_origin *from)
{
	for (struct pf_relay *old = p->relays; old < r; old++) {
		for (size_t i = 0; i < old->listener_count; i++) {
			for (size_t j = 0; j < r->listener_count; j++) {
				const struct pair x = {p,
						       old,
						       r,
						       &old->listeners[i],
						       &r->listeners[j],
						       from};

				if (x.was->dropped || x.is->dropped ||
				    x.was->port != x.is->port)
					continue;
				if (!old->no || is_open(old))
					settle(&x);
				else if (pf_place_covers(&x.was->place,
							 &x.is->place))
					note_exception(&x);
			}
		}
	}
}
