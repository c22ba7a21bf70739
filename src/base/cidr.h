#ifndef LOWPORT_BASE_CIDR_H
#define LOWPORT_BASE_CIDR_H

#include "base/addr.h"

#include <stdbool.h>

/* The addresses whose first bits are those of base. */
struct cidr {
	struct addr base;
	unsigned bits;
};

/* Read 10.0.0.0/8 or fd00::/8; an address alone is that one. Returns 0, or
 * -EINVAL, also when bits beyond the prefix are set. */
int cidr_parse(struct cidr *c, const char *text);

/* Is a in there? An IPv4 address is in IPv4 nets only, a Unix one in none. */
bool cidr_contains(const struct cidr *c, const struct addr *a);

#endif
