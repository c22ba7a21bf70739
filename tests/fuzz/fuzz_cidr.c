#include "fuzz.h"

#include "base/cidr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Networks and addresses, one a line: the first is compared with the others,
 * bit by bit. */

static bool bit(const struct addr *a, unsigned i)
{
	return a->ip[i / 8] >> (7 - i % 8) & 1;
}

static bool begins_alike(const struct addr *a, const struct addr *b,
			 unsigned bits)
{
	for (unsigned i = 0; i < bits; i++)
		if (bit(a, i) != bit(b, i))
			return false;
	return true;
}

static bool is_in(const struct cidr *c, const struct addr *a)
{
	return a->family == c->base.family &&
	       (c->base.scope == 0 || c->base.scope == a->scope) &&
	       begins_alike(&c->base, a, c->bits);
}

static void must_make_sense(const struct cidr *c, const char *text)
{
	unsigned all = c->base.family == AF_INET ? 32 : 128;
	char printed[ADDR_TEXT];
	struct cidr again;

	MUST_OF(c->bits <= all, text);
	for (unsigned i = c->bits; i < all; i++)
		MUST_OF(!bit(&c->base, i), text);
	cidr_print(c, printed);
	MUST_OF(cidr_parse(&again, printed) == 0, printed);
	MUST_OF(again.bits == c->bits, printed);
	MUST_OF(addr_equal(&again.base, &c->base), printed);
	MUST(cidr_covers(c, c));
	MUST(cidr_contains(c, &c->base));
}

static bool read_net(struct cidr *c, const char *text)
{
	struct fault why = {""};

	if (cidr_parse(c, text) == 0) {
		must_make_sense(c, text);
		return true;
	}
	MUST(cidr_explain(text, &why) == -EINVAL);
	fuzz_must_explain(why.text);
	return false;
}

static void compare(const struct cidr *a, const struct cidr *b)
{
	MUST(cidr_contains(a, &b->base) == is_in(a, &b->base));
	MUST(cidr_covers(a, b) == (a->bits <= b->bits && is_in(a, &b->base)));
	if (cidr_covers(a, b) && cidr_covers(b, a))
		MUST(a->bits == b->bits);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed f = {data, size};
	struct cidr first, other;
	bool have = false;
	char *line;

	while ((line = feed_line(&f))) {
		if (!have)
			have = read_net(&first, line);
		else if (read_net(&other, line))
			compare(&first, &other);
		free(line);
	}
	return 0;
}
