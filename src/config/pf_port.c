#include "config/pf_port.h"

#include "base/num.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

enum { LAST_PORT = 65535 };

/* Those that people redirect; a machine need not have a list of services. */
static unsigned well_known(const char *name)
{
	static const struct {
		const char *name;
		unsigned port;
	} rows[] = {
		{"ftp", 21},         {"ssh", 22},    {"telnet", 23},
		{"smtp", 25},        {"domain", 53}, {"http", 80},
		{"www", 80},         {"pop3", 110},  {"imap", 143},
		{"imap2", 143},      {"ldap", 389},  {"https", 443},
		{"submission", 587}, {"ldaps", 636}, {"imaps", 993},
		{"pop3s", 995},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].name, name) == 0)
			return rows[i].port;
	return 0;
}

/* A port that is not known is a reason, not a mistake: pf may know it. */
static unsigned read_port(struct pf_rule *r, const char *text)
{
	const struct servent *service;
	uint64_t number;
	unsigned port = well_known(text);

	if (port > 0)
		return port;
	if (num_parse(text, 10, 1, LAST_PORT, &number) == 0)
		return (unsigned)number;
	service =
		strlen(text) < PF_NAME_MOST ? getservbyname(text, "tcp") : NULL;
	if (service)
		return ntohs((uint16_t)service->s_port);
	pf_rule_refuse(r,
		       "\"%.60s\" is not a port (1 to 65535), nor the name "
		       "of a service that is known here",
		       text);
	return 0;
}

static int no_port(struct pf_lex *l, struct fault *why)
{
	char found[64];

	if (l->kind == PF_BAD)
		return fault_set(why, -EINVAL, "%s", l->why.text);
	return fault_set(why, -EINVAL,
			 "expected a port (port 80, 8000:8010 or http), found "
			 "%s",
			 pf_lex_show(l, found));
}

static void add(struct pf_rule *r, struct pf_ports *ports, unsigned first,
		unsigned last)
{
	if (first > last)
		return;
	if (ports->count >= PF_LIST_MOST) {
		pf_rule_refuse(r, "a list of more than %d ports", PF_LIST_MOST);
		return;
	}
	ports->at[ports->count].first = first;
	ports->at[ports->count++].last = last;
}

/* Split 8000:8010. Returns what stands behind the colon, NULL if there is
 * none. */
static char *split(char *text)
{
	char *colon = strchr(text, ':');

	if (!colon)
		return NULL;
	*colon = '\0';
	return colon + 1;
}

/* All ports that compare so with one. */
static void add_compared(struct pf_rule *r, struct pf_ports *ports, int sign,
			 unsigned port)
{
	if (port == 0)
		return;
	if (sign == '=')
		add(r, ports, port, port);
	if (sign == '<' || sign == PF_NOT_EQUAL)
		add(r, ports, 1, port - 1);
	if (sign == PF_AT_MOST)
		add(r, ports, 1, port);
	if (sign == '>' || sign == PF_NOT_EQUAL)
		add(r, ports, port + 1, LAST_PORT);
	if (sign == PF_AT_LEAST)
		add(r, ports, port, LAST_PORT);
}

static bool is_port(const struct pf_lex *l)
{
	return l->kind == PF_WORD || l->kind == PF_QUOTED;
}

/* The second of two ports with <> or >< between them. */
static int read_second(struct pf_rule *r, struct pf_lex *l,
		       struct pf_ports *ports, unsigned first,
		       struct fault *why)
{
	bool inside = l->kind == PF_INSIDE;
	unsigned second;

	pf_lex_next(l);
	if (!is_port(l))
		return no_port(l, why);
	second = read_port(r, l->word);
	pf_lex_next(l);
	if (first == 0 || second == 0)
		return 0;
	if (inside) {
		add(r, ports, first + 1, second - 1);
	} else {
		add(r, ports, 1, first - 1);
		add(r, ports, second + 1, LAST_PORT);
	}
	return 0;
}

static int read_one(struct pf_rule *r, struct pf_lex *l, struct pf_ports *ports,
		    struct fault *why)
{
	int sign = l->kind;
	unsigned first, last;
	char *behind;

	if (sign == '=' || sign == '<' || sign == '>' || sign == '!' ||
	    sign == PF_NOT_EQUAL || sign == PF_AT_MOST || sign == PF_AT_LEAST) {
		pf_lex_next(l);
		if (!is_port(l))
			return no_port(l, why);
		add_compared(r, ports, sign, read_port(r, l->word));
		pf_lex_next(l);
		return 0;
	}
	if (!is_port(l))
		return no_port(l, why);
	behind = split(l->word);
	first = read_port(r, l->word);
	last = behind ? read_port(r, behind) : first;
	pf_lex_next(l);
	if (!behind && (l->kind == PF_INSIDE || l->kind == PF_OUTSIDE))
		return read_second(r, l, ports, first, why);
	if (first > last && last > 0)
		pf_rule_refuse(r, "port %u:%u ends before it begins", first,
			       last);
	if (first > 0)
		add(r, ports, first, last);
	return 0;
}

int pf_ports_read(struct pf_rule *r, struct pf_lex *l, struct pf_ports *ports,
		  struct fault *why)
{
	unsigned depth = 0;
	char found[64];

	do {
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
			return fault_set(why, -EINVAL,
					 "expected a } that ends the list of "
					 "ports, found %s",
					 pf_lex_show(l, found));
		err = read_one(r, l, ports, why);
		if (err < 0)
			return err;
	} while (depth > 0);
	if (ports->count == 0)
		pf_rule_refuse(r, "no port fits what is behind \"port\"");
	return 0;
}

int pf_target_port_read(struct pf_rule *r, struct pf_lex *l, struct fault *why)
{
	char *behind;

	pf_lex_take_kind(l, '=');
	if (!is_port(l))
		return no_port(l, why);
	behind = split(l->word);
	r->target_first = read_port(r, l->word);
	r->target_port = PF_ONE_PORT;
	if (behind && strcmp(behind, "*") == 0) {
		r->target_port = PF_PORTS_FROM;
	} else if (behind) {
		r->target_port = PF_PORT_RANGE;
		r->target_last = read_port(r, behind);
		if (r->target_last < r->target_first)
			pf_rule_refuse(r, "port %u:%u ends before it begins",
				       r->target_first, r->target_last);
	}
	pf_lex_next(l);
	return 0;
}

unsigned pf_target_of(const struct pf_rule *r, size_t i, unsigned port)
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
