#include "config/rules.h"

#include <errno.h>
#include <stdlib.h>

static const char *word(bool allow)
{
	return allow ? "allow" : "deny";
}

/* The rule that decides otherwise for all of net; NULL if there is none. */
static const struct relay_rule *
find_in_the_way(const struct rules *r, const struct cidr *net, bool allow)
{
	for (size_t i = 0; i < r->count; i++)
		if (cidr_covers(&r->at[i].net, net))
			return r->at[i].allow == allow ? NULL : &r->at[i];
	return NULL;
}

int rules_add(struct rules *r, const char *text, bool allow, struct fault *why)
{
	const struct relay_rule *in_the_way;
	struct relay_rule rule = {.allow = allow}, *more;
	char net[ADDR_TEXT];

	if (cidr_parse(&rule.net, text) < 0)
		return cidr_explain(text, why);
	in_the_way = find_in_the_way(r, &rule.net, allow);
	if (in_the_way)
		return fault_set(why, -EINVAL,
				 "\"%s\" can never apply: --%s %s before it "
				 "decides for all of it, and the first that "
				 "fits counts (put --%s %s first)",
				 text, word(in_the_way->allow),
				 cidr_print(&in_the_way->net, net), word(allow),
				 text);
	more = realloc(r->at, (r->count + 1) * sizeof(*more));
	if (!more)
		return fault_set(why, -ENOMEM, "out of memory");
	r->at = more;
	r->at[r->count++] = rule;
	r->any_allow |= allow;
	return 0;
}

void rules_free(struct rules *r)
{
	free(r->at);
	*r = (struct rules){0};
}
