#include "config/take.h"

#include "config/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int check_source(const struct takes *t, const struct listener_spec *spec,
			struct fault *why)
{
	if (!spec->source->handed_over)
		return fault_set(why, -EINVAL,
				 "\"%s\" is nobody who hands sockets over (try "
				 "systemd, systemd:NAME, launchd:NAME or fd:3)",
				 spec->text);
	if (spec->request.interface || spec->request.addr.family != AF_UNSPEC)
		return fault_set(why, -EINVAL,
				 "\"%s\": which listener takes a socket is a "
				 "matter of where it is bound: leave the @... "
				 "away",
				 spec->text);
	for (size_t i = 0; i < t->count; i++)
		if (config_overlap(&t->at[i], spec))
			return fault_set(why, -EINVAL,
					 "\"%s\" asks for what \"%s\" has "
					 "already taken; name each source once",
					 spec->text, t->at[i].text);
	return 0;
}

int takes_add(struct takes *t, const char *text, struct fault *why)
{
	struct listener_spec spec, *at;
	int err = spec_parse_listener(&spec, text, why);

	if (err < 0)
		return err;
	err = check_source(t, &spec, why);
	if (err < 0)
		goto free_spec;
	at = realloc(t->at, (t->count + 1) * sizeof(*at));
	if (!at) {
		err = fault_set(why, -ENOMEM, "out of memory");
		goto free_spec;
	}
	t->at = at;
	at[t->count++] = spec;
	return 0;

free_spec:
	spec_free_listener(&spec);
	return err;
}

void takes_free(struct takes *t)
{
	for (size_t i = 0; i < t->count; i++)
		spec_free_listener(&t->at[i]);
	free(t->at);
	*t = (struct takes){0};
}

static void check_one(struct reader *r, const struct listener_spec *take,
		      const struct listener_spec *spec)
{
	struct fault why;

	if (!config_overlap(take, spec))
		return;
	fault_set(&why, 0,
		  "\"%s\": the listener \"%s\" asks for its sockets already; "
		  "name the address there (try 127.0.0.1:80), or leave --take "
		  "away",
		  take->text, spec->text);
	reader_complain(r, "--take", why.text);
}

void takes_check(struct reader *r)
{
	const struct config *c = r->config;

	for (size_t t = 0; t < c->takes.count; t++)
		for (size_t i = 0; i < c->group_count; i++)
			for (size_t j = 0; j < c->groups[i].listener_count; j++)
				check_one(r, &c->takes.at[t],
					  &c->groups[i].listeners[j]);
}
