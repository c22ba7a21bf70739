#include "config/pf_write.h"

#include <string.h>

const char *pf_listener_print(const struct pf_listener *l,
			      char buf[PF_LISTENER_TEXT])
{
	const struct pf_place *place = &l->place;
	struct addr addr = place->addr;

	if (place->where == PF_INTERFACE)
		snprintf(buf, PF_LISTENER_TEXT, "if:%s:%u", place->interface,
			 l->port);
	else if (place->where == PF_EVERYWHERE)
		snprintf(buf, PF_LISTENER_TEXT, "%s:%u",
			 place->family == AF_INET    ? "0.0.0.0"
			 : place->family == AF_INET6 ? "[::]"
						     : "*",
			 l->port);
	addr.port = (uint16_t)l->port;
	return place->where == PF_ADDRESS ? addr_print(&addr, buf) : buf;
}

bool pf_relay_is_needed(const struct pf_relay *r)
{
	for (size_t i = 0; i < r->listener_count && !r->no; i++)
		if (!r->listeners[i].dropped)
			return true;
	return false;
}

/* As one line, whatever a name has in it. */
static void write_line(const char *begin, const char *name, FILE *to)
{
	fputs(begin, to);
	for (; *name != '\0'; name++)
		fputc((unsigned char)*name < ' ' || *name == 0x7f ? '?' : *name,
		      to);
}

/* A word for a shell: as it is, or in quotes. */
static void write_word(const char *word, FILE *to)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789.:/_-+%@";

	if (word[strspn(word, plain)] == '\0')
		fputs(word, to);
	else
		fprintf(to, "'%s'", word); /* no ' can be in it */
}

static void write_install(const struct pf_relay *r, FILE *to)
{
	char text[PF_LISTENER_TEXT];

	fputs("lowport install", to);
	for (size_t i = 0; i < r->listener_count; i++) {
		if (r->listeners[i].dropped)
			continue;
		fputs(" --listen ", to);
		write_word(pf_listener_print(&r->listeners[i], text), to);
	}
	fputs(" --to ", to);
	write_word(r->to, to);
	for (size_t i = 0; i < r->client_count; i++) {
		fputs(r->clients[i].deny ? " --deny " : " --allow ", to);
		write_word(r->clients[i].net, to);
	}
	fputc('\n', to);
}

/* Which rule it is, and what there is to say, unless the relay before has said
 * so of the same rule. */
static void write_notes(const struct pf_relay *r, const struct pf_relay *before,
			FILE *to)
{
	bool again = before && before->line == r->line &&
		     strcmp(before->file, r->file) == 0;

	fputc('\n', to);
	if (!again)
		write_line("# ", r->file, to);
	if (!again)
		fprintf(to, ":%u: %s\n", r->line, r->rule);
	for (size_t i = 0; i < r->note_count; i++)
		if (!again || i >= before->note_count ||
		    strcmp(r->notes[i], before->notes[i]) != 0)
			fprintf(to, "#   %s\n", r->notes[i]);
}

static void write_relay(const struct pf_relay *r, const struct pf_relay *before,
			FILE *to)
{
	char text[PF_LISTENER_TEXT];

	write_notes(r, before, to);
	fprintf(to, "[relay %s]\n", r->name);
	for (size_t i = 0; i < r->listener_count; i++)
		if (!r->listeners[i].dropped)
			fprintf(to, "listen = %s\n",
				pf_listener_print(&r->listeners[i], text));
	fprintf(to, "to = %s\n", r->to);
	for (size_t i = 0; i < r->client_count; i++)
		fprintf(to, "%s = %s\n", r->clients[i].deny ? "deny" : "allow",
			r->clients[i].net);
	fputs("# ", to);
	write_install(r, to);
}

void pf_write_config(const struct pf *p, const char *file, FILE *to)
{
	const struct pf_relay *before = NULL;

	write_line("# What ", file, to);
	fprintf(to,
		" redirects, as relays.\n"
		"# Take these rules out of pf first: while it redirects, "
		"nobody "
		"gets to lowport.\n"
		"# On a Mac, a port below 1024 of one address is for launchd: "
		"the install line.\n"
		"# The backend sees a connection from lowport; proxy-protocol "
		"tells it the client.\n");
	if (p->others > 0)
		fprintf(to,
			"# %zu other rule%s (pass, block, nat, ...) "
			"redirect%s nothing and stay%s with pf;\n"
			"# what they say of a backend's port would have to be "
			"said of lowport's.\n",
			p->others, p->others == 1 ? "" : "s",
			p->others == 1 ? "s" : "", p->others == 1 ? "s" : "");
	for (size_t i = 0; i < p->relay_count; i++) {
		if (!pf_relay_is_needed(&p->relays[i]))
			continue;
		write_relay(&p->relays[i], before, to);
		before = &p->relays[i];
	}
}

void pf_write_install(const struct pf *p, FILE *to)
{
	for (size_t i = 0; i < p->relay_count; i++)
		if (pf_relay_is_needed(&p->relays[i]))
			write_install(&p->relays[i], to);
}
