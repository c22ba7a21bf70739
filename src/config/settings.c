#include "config/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A copy of count members; *out is NULL if there are none. */
static int copy(void *out, const void *array, size_t count, size_t size)
{
	void *made = count > 0 ? malloc(count * size) : NULL;

	if (count > 0 && !made)
		return -ENOMEM;
	if (made)
		memcpy(made, array, count * size);
	memcpy(out, &made, sizeof(made));
	return 0;
}

int settings_copy(struct settings *to, const struct settings *from)
{
	struct cidr *fronts;
	struct relay_rule *rules;
	int err =
		copy(&fronts, from->fronts, from->front_count, sizeof(*fronts));

	if (err < 0)
		return err;
	err = copy(&rules, from->rules.at, from->rules.count, sizeof(*rules));
	if (err < 0) {
		free(fronts);
		return err;
	}
	*to = *from;
	to->fronts = fronts;
	to->rules.at = rules;
	to->fronts_are_defaults = true;
	to->rules_are_defaults = true;
	memset(to->given, 0, sizeof(to->given));
	return 0;
}

static void forget_fronts(struct settings *s)
{
	free(s->fronts);
	s->fronts = NULL;
	s->front_count = 0;
	s->unix_fronts = false;
	s->fronts_are_defaults = false;
}

void settings_free(struct settings *s)
{
	forget_fronts(s);
	rules_free(&s->rules);
}

int settings_add_front(struct settings *s, const char *text, struct fault *why)
{
	struct cidr net, *fronts;

	if (s->fronts_are_defaults)
		forget_fronts(s);
	if (strcmp(text, "unix") == 0) {
		s->unix_fronts = true;
		return 0;
	}
	if (cidr_parse(&net, text) < 0)
		return fault_set(why, -EINVAL,
				 "\"%s\" is neither an address, nor a network "
				 "with no bit set behind its prefix, nor unix "
				 "(try 127.0.0.1, 10.0.0.0/8 or fd00::/8)",
				 text);
	fronts = realloc(s->fronts, (s->front_count + 1) * sizeof(*fronts));
	if (!fronts)
		return fault_set(why, -ENOMEM, "out of memory");
	s->fronts = fronts;
	fronts[s->front_count++] = net;
	return 0;
}

int settings_add_rule(struct settings *s, const char *text, bool allow,
		      struct fault *why)
{
	if (s->rules_are_defaults)
		rules_free(&s->rules);
	s->rules_are_defaults = false;
	return rules_add(&s->rules, text, allow, why);
}
