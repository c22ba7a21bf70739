#include "config/pf_rule.h"

#include "base/num.h"
#include "config/pf_port.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

void pf_rule_refuse(struct pf_rule *r, const char *format, ...)
{
	va_list args;

	if (r->why[0] != '\0')
		return;
	va_start(args, format);
	vsnprintf(r->why, sizeof(r->why), format, args);
	va_end(args);
}

static int expected(struct pf_lex *l, const char *what, struct fault *why)
{
	char found[64];

	if (l->kind == PF_BAD)
		return fault_set(why, -EINVAL, "%s", l->why.text);
	return fault_set(why, -EINVAL, "expected %s, found %s", what,
			 pf_lex_show(l, found));
}

static bool is_name(const struct pf_lex *l)
{
	return l->kind == PF_WORD || l->kind == PF_QUOTED;
}

/* Is it the end of a rule? */
static bool is_over(const struct pf_lex *l)
{
	return l->kind == PF_LINE || l->kind == PF_END || l->kind == '}';
}

static void set_text(struct pf_rule *r, struct pf_item *i, const char *text)
{
	if (strlen(text) >= sizeof(i->text))
		pf_rule_refuse(r,
			       "\"%.40s...\" is longer than any address or "
			       "name of an interface",
			       text);
	snprintf(i->text, sizeof(i->text), "%s", text);
}

/* What a list is of: reads one entry, without its ! */
typedef int read_item(struct pf_rule *r, struct pf_lex *l, struct pf_item *i,
		      struct fault *why);

static int read_bits(struct pf_lex *l, struct pf_item *i, struct fault *why)
{
	uint64_t bits;

	if (!pf_lex_take_kind(l, '/'))
		return 0;
	if (l->kind != PF_WORD || num_parse(l->word, 10, 0, 128, &bits) < 0)
		return expected(l, "a number of bits behind the /", why);
	i->bits = (int)bits;
	pf_lex_next(l);
	return 0;
}

static int read_interface(struct pf_rule *r, struct pf_lex *l,
			  struct pf_item *i, struct fault *why)
{
	if (!is_name(l))
		return expected(l, "an interface (on en0)", why);
	set_text(r, i, l->word);
	pf_lex_next(l);
	if (strcmp(i->text, "rdomain") == 0 && is_name(l)) {
		pf_rule_refuse(r, "rdomain: lowport has no routing domains");
		pf_lex_next(l);
	}
	return 0;
}

static int read_protocol(struct pf_rule *r, struct pf_lex *l, struct pf_item *i,
			 struct fault *why)
{
	if (!is_name(l))
		return expected(l, "a protocol (proto tcp)", why);
	set_text(r, i, l->word);
	pf_lex_next(l);
	return 0;
}

static int read_table(struct pf_rule *r, struct pf_lex *l, struct pf_item *i,
		      struct fault *why)
{
	pf_lex_next(l);
	if (!is_name(l))
		return expected(l, "the name of a table (<web>)", why);
	set_text(r, i, l->word);
	i->table = true;
	pf_lex_next(l);
	return pf_lex_take_kind(l, '>') ? 0 : expected(l, "a >", why);
}

static int read_host(struct pf_rule *r, struct pf_lex *l, struct pf_item *i,
		     struct fault *why)
{
	int err = 0;

	if (l->kind == '<')
		return read_table(r, l, i, why);
	i->dynamic = pf_lex_take_kind(l, '(');
	if (!is_name(l))
		return expected(l, "an address, a network or an interface",
				why);
	set_text(r, i, l->word);
	pf_lex_next(l);
	if (i->dynamic && !pf_lex_take_kind(l, ')'))
		return expected(l, "a )", why);
	err = read_bits(l, i, why);
	if (err == 0 && pf_lex_take(l, "-")) {
		pf_rule_refuse(r,
			       "%s - %.60s: lowport takes networks, not "
			       "ranges (try 10.0.0.0/24)",
			       i->text, l->word);
		pf_lex_next(l);
	}
	return err;
}

/* One, or { some of them }, with commas or without, and lists in lists. */
static int read_list(struct pf_rule *r, struct pf_lex *l, struct pf_list *list,
		     read_item *read, struct fault *why)
{
	unsigned depth = 0;

	do {
		struct pf_item i = {.bits = -1};
		int err;

		while (depth > 0 && (l->kind == PF_LINE || l->kind == ','))
			pf_lex_next(l);
		if (pf_lex_take_kind(l, '{')) {
			depth++;
			continue;
		}
		if (depth > 0 && pf_lex_take_kind(l, '}')) {
			depth--;
			continue;
		}
		if (depth > 0 && l->kind == PF_END)
			return expected(l, "a } that ends the list", why);
		while (pf_lex_take_kind(l, '!'))
			i.negated = !i.negated;
		err = read(r, l, &i, why);
		if (err < 0)
			return err;
		if (list->count < PF_LIST_MOST)
			list->at[list->count++] = i;
		else
			pf_rule_refuse(r, "a list of more than %d entries",
				       PF_LIST_MOST);
	} while (depth > 0);
	if (list->count == 0)
		return fault_set(why, -EINVAL, "the list is empty");
	return 0;
}

/* from HOSTS [port PORTS], or to HOSTS [port PORTS], behind its first word. */
static int read_end(struct pf_rule *r, struct pf_lex *l, struct pf_list *hosts,
		    struct pf_ports *ports, struct fault *why)
{
	int err = 0;

	if (!pf_lex_is(l, "port"))
		err = read_list(r, l, hosts, read_host, why);
	if (err == 0 && pf_lex_take(l, "port"))
		err = pf_ports_read(r, l, ports, why);
	return err;
}

static int read_hosts(struct pf_rule *r, struct pf_lex *l, struct fault *why)
{
	struct pf_ports source = {.count = 0};
	int err = 0;

	if (pf_lex_take(l, "all"))
		return 0;
	if (pf_lex_take(l, "from"))
		err = read_end(r, l, &r->from, &source, why);
	if (err == 0 && source.count > 0)
		pf_rule_refuse(r, "it looks at the client's port, and lowport "
				  "does not (leave out the port behind from)");
	if (err == 0 && pf_lex_take(l, "os")) {
		pf_rule_refuse(r, "os: lowport does not guess the client's "
				  "system");
		pf_lex_next(l);
	}
	if (err == 0 && pf_lex_take(l, "to"))
		err = read_end(r, l, &r->to, &r->port, why);
	return err;
}

/* Behind -> or rdr-to. */
static int read_target(struct pf_rule *r, struct pf_lex *l, struct fault *why)
{
	int err;

	if (r->target.count > 0)
		return expected(l, "one redirection", why);
	err = read_list(r, l, &r->target, read_host, why);
	if (err == 0 && pf_lex_take(l, "port"))
		err = pf_target_port_read(r, l, why);
	return err;
}

/* Skip what stands in ( ). */
static void skip_parentheses(struct pf_lex *l)
{
	if (!pf_lex_take_kind(l, '('))
		return;
	while (!is_over(l) && l->kind != ')' && l->kind != PF_BAD)
		pf_lex_next(l);
	pf_lex_take_kind(l, ')');
}

/* A word with another behind it that lowport has nothing like, or how a pool of
 * addresses is used. Returns whether it was one. */
static bool read_refused(struct pf_rule *r, struct pf_lex *l)
{
	static const struct {
		const char *word, *why;
		bool argument;
	} rows[] = {
		{"tag", "tags are for pf's own filter rules", true},
		{"tagged", "lowport cannot see what pf has tagged", true},
		{"rtable", "lowport has no routing tables of its own", true},
		{"static-port",
		 "lowport's own port towards a backend is any "
		 "free one",
		 false},
		{"bitmask",
		 "lowport has no pools of addresses: name one "
		 "backend",
		 false},
		{"random",
		 "lowport has no pools of addresses: name one "
		 "backend",
		 false},
		{"least-states",
		 "lowport has no pools of addresses: name one "
		 "backend",
		 false},
		{"source-hash",
		 "lowport has no pools of addresses: name one "
		 "backend",
		 true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!pf_lex_take(l, rows[i].word))
			continue;
		pf_rule_refuse(r, "%s: %s", rows[i].word, rows[i].why);
		if (rows[i].argument && is_name(l) && !pf_lex_is(l, "port"))
			pf_lex_next(l);
		return true;
	}
	/* Of one address these make no difference. */
	return pf_lex_take(l, "round-robin") ||
	       pf_lex_take(l, "sticky-address");
}

static int read_rdr_end(struct pf_rule *r, struct pf_lex *l, struct fault *why)
{
	while (read_refused(r, l))
		;
	if (pf_lex_take_kind(l, PF_ARROW)) {
		int err = read_target(r, l, why);

		if (err < 0)
			return err;
	} else if (!r->no && is_over(l)) {
		return expected(l, "-> and where to redirect to", why);
	}
	while (read_refused(r, l))
		;
	if (is_over(l))
		return 0;
	return expected(l,
			r->target.count > 0 ? "the end of the rule"
			: r->to.count > 0   ? "port, or ->"
					    : "on, inet, proto, from, to or ->",
			why);
}

/* What may stand behind the hosts of a pass. */
static int read_pass_end(struct pf_rule *r, struct pf_lex *l, struct fault *why)
{
	while (!is_over(l)) {
		int err = 0;

		if (pf_lex_take(l, "rdr-to")) {
			err = read_target(r, l, why);
		} else if (pf_lex_take(l, "flags") || pf_lex_take(l, "label") ||
			   pf_lex_take(l, "queue") || pf_lex_take(l, "no")) {
			skip_parentheses(l);
			for (int i = 0;
			     i < 3 && (is_name(l) || l->kind == '/') &&
			     !pf_lex_is(l, "rdr-to");
			     i++)
				if (!pf_lex_take_kind(l, '/')) {
					pf_lex_next(l);
					if (l->kind != '/')
						break;
				}
		} else if (pf_lex_take(l, "keep") ||
			   pf_lex_take(l, "modulate") ||
			   pf_lex_take(l, "synproxy")) {
			pf_lex_take(l, "state");
			skip_parentheses(l);
		} else if (!read_refused(r, l)) {
			if (!is_name(l))
				return expected(l,
						"rdr-to, or the end of the "
						"rule",
						why);
			pf_rule_refuse(r, "lowport has nothing like \"%.60s\"",
				       l->word);
			pf_lex_next(l);
			skip_parentheses(l);
			while (!is_over(l) && l->kind != PF_BAD)
				pf_lex_next(l);
		}
		if (err < 0)
			return err;
		if (l->kind == PF_BAD)
			return expected(l, "an option", why);
	}
	return 0;
}

static int read_middle(struct pf_rule *r, struct pf_lex *l, struct fault *why)
{
	int err = 0;

	if (pf_lex_take(l, "on"))
		err = read_list(r, l, &r->on, read_interface, why);
	if (err == 0 && pf_lex_take(l, "inet"))
		r->family = AF_INET;
	else if (err == 0 && pf_lex_take(l, "inet6"))
		r->family = AF_INET6;
	if (err == 0 && pf_lex_take(l, "proto"))
		err = read_list(r, l, &r->proto, read_protocol, why);
	return err == 0 ? read_hosts(r, l, why) : err;
}

static int read_rdr(struct pf_rule *r, struct pf_lex *l, struct fault *why)
{
	int err;

	r->no = pf_lex_take(l, "no");
	pf_lex_take(l, "rdr");
	pf_lex_take(l, "pass");
	if (pf_lex_take(l, "log"))
		skip_parentheses(l);
	err = read_middle(r, l, why);
	return err == 0 ? read_rdr_end(r, l, why) : err;
}

static int read_pass(struct pf_rule *r, struct pf_lex *l, struct fault *why)
{
	int err;

	pf_lex_next(l);
	r->late = true;
	pf_lex_take(l, "in");
	if (pf_lex_take(l, "out"))
		pf_rule_refuse(r, "out: it is about what leaves this machine, "
				  "and lowport takes what comes to it");
	if (pf_lex_take(l, "log"))
		skip_parentheses(l);
	r->quick = pf_lex_take(l, "quick");
	err = read_middle(r, l, why);
	return err == 0 ? read_pass_end(r, l, why) : err;
}

/* Does an rdr-to come before the end of the rule? Looks at a copy. */
static bool has_rdr_to(const struct pf_lex *at)
{
	struct pf_lex l = *at;
	unsigned depth = 0;

	while (l.kind != PF_END && (l.kind != PF_LINE || depth > 0)) {
		if (pf_lex_is(&l, "rdr-to"))
			return true;
		depth += l.kind == '{';
		depth -= l.kind == '}' && depth > 0;
		pf_lex_next(&l);
	}
	return false;
}

int pf_rule_read(struct pf_rule *r, struct pf_lex *l, bool *redirects,
		 struct fault *why)
{
	memset(r, 0, sizeof(*r));
	*redirects = !pf_lex_is(l, "pass") && !pf_lex_is(l, "match");
	if (*redirects)
		return read_rdr(r, l, why);
	*redirects = has_rdr_to(l);
	return *redirects ? read_pass(r, l, why) : 0;
}
