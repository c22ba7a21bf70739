#include "config_rig.h"

#include "config/options.h"
#include "fuzz.h"
#include "os/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MOST = 1 << 20 };

static const char *file;
static size_t file_size, told;
static char last[2048];

void config_rig_file(const char *bytes, size_t size)
{
	file = bytes;
	file_size = size;
}

/* In place of the one of src/os/file.c, which is then not linked. */
int file_read(const char *path, char **text, size_t *length)
{
	(void)path;
	if (!file)
		return -ENOENT;
	if (file_size > FILE_MOST)
		return -EFBIG;
	*text = fuzz_text((const uint8_t *)file, file_size);
	*length = file_size;
	return 0;
}

static void note(const char *text)
{
	fuzz_must_explain(text);
	snprintf(last, sizeof(last), "%s", text);
	told++;
}

const char *config_rig_last(void)
{
	return last;
}

static void must_be_in_range(struct config *c)
{
	for (const struct option *o = options; o->name; o++) {
		uint64_t *member = option_member(c, o);

		if (o->scope == OPTION_PROCESS && o->max > 0 && *member > 0)
			MUST_OF(*member >= o->min && *member <= o->max,
				o->name);
	}
}

static void must_be_settled(const struct settings *s)
{
	MUST(s->rules.count == 0 || s->rules.at);
	MUST(s->front_count == 0 || s->fronts);
	MUST(s->max_rate.count == 0 || s->max_rate.period_ms > 0);
	MUST(s->unix_mode <= 0777);
	MUST(s->backlog > 0);
}

static void must_be_a_relay(const struct config_group *g)
{
	MUST(g->listener_count > 0);
	MUST(g->backend_count > 0);
	MUST(!g->command == !g->words);
	MUST(!g->command || g->words[0][0] != '\0');
	MUST(g->choice == BACKEND_GIVEN || g->command);
	for (size_t i = 0; i < g->listener_count; i++)
		MUST(g->listeners[i].source && g->listeners[i].text);
	for (size_t i = 0; i < g->backend_count; i++) {
		const struct relay_backend *b = &g->backends[i];

		MUST(b->host || b->addr.family != AF_UNSPEC);
		MUST(g->choice != BACKEND_GIVEN || b->addr.port > 0 ||
		     (b->addr.family == AF_UNIX && b->addr.path));
	}
	must_be_settled(&g->settings);
}

static void must_make_sense(struct config *c)
{
	MUST(c->group_count > 0);
	must_be_in_range(c);
	for (size_t i = 0; i < c->group_count; i++) {
		const struct config_group *g = &c->groups[i];

		must_be_a_relay(g);
		for (size_t j = 0; j < i; j++)
			MUST(!g->name || !c->groups[j].name ||
			     strcmp(g->name, c->groups[j].name) != 0);
	}
}

size_t config_rig_read(struct config *c, int argc, char *const argv[])
{
	size_t mistakes;

	told = 0;
	last[0] = '\0';
	config_init(c);
	mistakes = args_read(c, argc, argv, note);
	MUST(mistakes == told);
	MUST(!c->in_section);
	if (mistakes == 0)
		must_make_sense(c);
	return mistakes;
}
