#include "config/pf.h"

#include "config/pf_convert.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pf_make_plain(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || (unsigned char)*text > '~')
			*text = '?';
}

static char *print_text(const char *format, va_list args)
{
	char *text = NULL;

	if (vasprintf(&text, format, args) < 0)
		return NULL;
	pf_make_plain(text);
	return text;
}

void pf_add_string(struct pf *p, char ***list, size_t *count,
		   const char *format, ...)
{
	va_list args;
	char **more, *text;

	if (*count >= PF_STRINGS_MOST)
		return;
	more = realloc(*list, (*count + 1) * sizeof(*more));
	va_start(args, format);
	text = print_text(format, args);
	va_end(args);
	if (more)
		*list = more;
	if (!more || !text) {
		free(text);
		p->no_memory = true;
		return;
	}
	more[(*count)++] = text;
}

void pf_add_client(struct pf *p, struct pf_client **list, size_t *count,
		   const char *net, bool deny)
{
	struct pf_client *more = realloc(*list, (*count + 1) * sizeof(*more));
	char *copy = strdup(net);

	if (more)
		*list = more;
	if (!more || !copy) {
		free(copy);
		p->no_memory = true;
		return;
	}
	more[(*count)++] = (struct pf_client){copy, deny};
}

void pf_clients_free(struct pf_client *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(list[i].net);
	free(list);
}

void pf_say(struct pf *p, bool mistake, const char *format, ...)
{
	struct pf_message *more;
	va_list args;

	if (mistake)
		p->mistakes++;
	else
		p->left_out++;
	/* Mistakes end the reading before there are many. */
	if (!mistake && p->left_out > PF_MESSAGES_MOST)
		return;
	more = realloc(p->messages, (p->message_count + 1) * sizeof(*more));
	if (!more) {
		p->no_memory = true;
		return;
	}
	p->messages = more;
	va_start(args, format);
	more[p->message_count].text = print_text(format, args);
	va_end(args);
	more[p->message_count].mistake = mistake;
	if (more[p->message_count].text)
		p->message_count++;
	else
		p->no_memory = true;
}

void pf_leave_out(struct pf *p, const struct pf_origin *from,
		  const char *format, ...)
{
	struct fault why;
	va_list args;

	va_start(args, format);
	vsnprintf(why.text, sizeof(why.text), format, args);
	va_end(args);
	pf_say(p, false, "%s:%u: %s: %s", from->file, from->line, from->text,
	       why.text);
}

static void free_strings(char **list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(list[i]);
	free(list);
}

void pf_relay_free(struct pf_relay *r)
{
	free(r->name);
	free(r->file);
	free(r->rule);
	free(r->listeners);
	free(r->to);
	pf_clients_free(r->clients, r->client_count);
	free_strings(r->notes, r->note_count);
}

void pf_free(struct pf *p)
{
	for (size_t i = 0; i < p->relay_count; i++)
		pf_relay_free(&p->relays[i]);
	for (size_t i = 0; i < p->message_count; i++)
		free(p->messages[i].text);
	free(p->relays);
	free(p->messages);
	pf_macros_free(&p->macros);
	*p = (struct pf){0};
}
