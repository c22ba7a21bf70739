#include "control/health.h"

#include "base/text.h"

static bool any_alive(const struct snapshot *s)
{
	for (size_t i = 0; i < s->relay_count; i++)
		for (size_t j = 0; j < s->relays[i].listener_count; j++)
			if (s->relays[i].listeners[j].state != LISTENER_DEAD)
				return true;
	return false;
}

static void print_dead(struct text *out, const struct snapshot *s)
{
	const char *between = "no listener is alive: ";
	size_t count = 0;

	for (size_t i = 0; i < s->relay_count; i++) {
		const struct snapshot_relay *r = &s->relays[i];

		for (size_t j = 0; j < r->listener_count; j++, count++) {
			char at[ADDR_TEXT];

			text_addf(out, "%s%s of relay ", between,
				  addr_print(&r->listeners[j].addr, at));
			text_add_escaped(out, r->name);
			between = ", ";
		}
	}
	text_add(out, count > 0 ? "\n" : "there is no listener\n");
}

char *health_print(const struct snapshot *s, bool *fine)
{
	struct text out = {0};

	*fine = !s->draining && any_alive(s);
	if (*fine)
		text_add(&out, "ok\n");
	else if (s->draining)
		text_add(&out, "draining: no new clients are taken\n");
	else
		print_dead(&out, s);
	return text_take(&out);
}
