#include "control/health.h"

#include <stdio.h>
#include <stdlib.h>

static bool any_alive(const struct snapshot *s)
{
	for (size_t i = 0; i < s->relay_count; i++)
		for (size_t j = 0; j < s->relays[i].listener_count; j++)
			if (s->relays[i].listeners[j].state != LISTENER_DEAD)
				return true;
	return false;
}

static void print_dead(FILE *out, const struct snapshot *s)
{
	const char *between = "no listener is alive: ";
	size_t count = 0;

	for (size_t i = 0; i < s->relay_count; i++) {
		const struct snapshot_relay *r = &s->relays[i];

		for (size_t j = 0; j < r->listener_count; j++, count++) {
			char at[ADDR_TEXT];

			fprintf(out, "%s%s of relay %s", between,
				addr_print(&r->listeners[j].addr, at), r->name);
			between = ", ";
		}
	}
	fputs(count > 0 ? "\n" : "there is no listener\n", out);
}

char *health_print(const struct snapshot *s, bool *fine)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool bad;

	if (!out)
		return NULL;
	*fine = !s->draining && any_alive(s);
	if (*fine)
		fputs("ok\n", out);
	else if (s->draining)
		fputs("draining: no new clients are taken\n", out);
	else
		print_dead(out, s);
	bad = ferror(out);
	if (fclose(out) == 0 && !bad)
		return text;
	free(text);
	return NULL;
}
