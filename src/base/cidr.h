#ifndef LOWPORT_BASE_CIDR_H
#define LOWPORT_BASE_CIDR_H

#include "base/addr.h"
#include "base/fault.h"

/* A network: the addresses whose first `bits` bits are those of base. */
struct cidr {
	struct addr base;
	unsigned bits;
};

/* Read 10.0.0.0/8 or fd00::/8; an address alone is a network of one. IPv4
 * inside IPv6 (::ffff:10.0.0.0/104) is folded to IPv4. Returns 0, or -EINVAL,
 * also if there are bits beyond the prefix. */
int cidr_parse(struct cidr *c, const char *text);

/* Fill in why cidr_parse() refused text, with what would be right. Returns
 * -EINVAL. */
int cidr_explain(const char *text, struct fault *why);

/* Is the address of a, whatever its port, in c? IPv4 is only in IPv4 networks,
 * a Unix address in none. A network with a scope has only addresses of that
 * scope. */
bool cidr_contains(const struct cidr *c, const struct addr *a);

/* Is all of inner in c? */
bool cidr_covers(const struct cidr *c, const struct cidr *inner);

/* Print it as cidr_parse() reads it, a network of one without its bits. Returns
 * buf. */
const char *cidr_print(const struct cidr *c, char buf[ADDR_TEXT]);

#endif
