#include "base/cidr.h"

#include "base/num.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum {
	BITS_4 = 32,
	BITS_6 = 128,
	MAPPED_BITS = 96, /* of ::ffff:0:0, before IPv4 begins */
};

static unsigned bits_of(const struct addr *a)
{
	return a->family == AF_INET ? BITS_4 : BITS_6;
}

/* Put what stands before the slash, if there is one, into head. Returns what
 * stands behind it, NULL if there is none or head is too small. */
static const char *split(const char *text, char *head, size_t size)
{
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);

	head[0] = '\0';
	if (length >= size)
		return NULL;
	memcpy(head, text, length);
	head[length] = '\0';
	return slash ? slash + 1 : NULL;
}

/* The part of byte i that belongs to a prefix of so many bits. */
static uint8_t mask(unsigned bits, unsigned i)
{
	if (bits >= 8 * (i + 1))
		return 0xff;
	if (bits <= 8 * i)
		return 0;
	return (uint8_t)(0xff << (8 * (i + 1) - bits));
}

/* Clear the bits beyond the prefix. Returns whether there were any. */
static bool trim(struct cidr *c)
{
	bool any = false;

	for (unsigned i = 0; i < bits_of(&c->base) / 8; i++) {
		uint8_t kept = c->base.ip[i] & mask(c->bits, i);

		any |= kept != c->base.ip[i];
		c->base.ip[i] = kept;
	}
	return any;
}

/* Read text, bits beyond the prefix included. */
static int parse(struct cidr *c, const char *text)
{
	char head[ADDR_TEXT];
	const char *tail = split(text, head, sizeof(head));
	uint64_t bits;
	bool mapped;

	if (addr_parse_ip(&c->base, head) < 0)
		return -EINVAL;
	c->bits = bits_of(&c->base);
	if (!tail)
		return 0;
	mapped = c->base.family == AF_INET && strchr(head, ':');
	if (num_parse(tail, 10, mapped ? MAPPED_BITS : 0,
		      mapped ? BITS_6 : c->bits, &bits) < 0)
		return -EINVAL;
	c->bits = (unsigned)bits - (mapped ? MAPPED_BITS : 0);
	return 0;
}

int cidr_parse(struct cidr *c, const char *text)
{
	struct cidr parsed;

	if (parse(&parsed, text) < 0 || trim(&parsed))
		return -EINVAL;
	*c = parsed;
	return 0;
}

/* How many bits a netmask such as 255.255.0.0 has; -1 if it is none. */
static int netmask_bits(const char *text)
{
	struct in_addr in;
	uint32_t rest;
	int bits = 0;

	if (inet_pton(AF_INET, text, &in) != 1)
		return -1;
	for (rest = ntohl(in.s_addr); rest & (UINT32_C(1) << 31); rest <<= 1)
		bits++;
	return rest == 0 ? bits : -1;
}

static int explain_prefix(const char *text, const struct addr *ip,
			  const char *tail, struct fault *why)
{
	struct cidr right = {.base = *ip};
	int bits = ip->family == AF_INET ? netmask_bits(tail) : -1;
	char try[ADDR_TEXT];
	uint64_t few;

	/* ::ffff:10.0.0.0/8 */
	if (ip->family == AF_INET && num_parse(tail, 10, 0, BITS_4, &few) == 0)
		bits = (int)few;

	if (bits < 0)
		return fault_set(why, -EINVAL,
				 "\"%s\": \"%s\" is not a prefix of %s (0 to "
				 "%u bits)",
				 text, tail,
				 ip->family == AF_INET ? "an IPv4 address"
						       : "an IPv6 address",
				 bits_of(ip));
	right.bits = (unsigned)bits;
	trim(&right);
	return fault_set(why, -EINVAL,
			 "\"%s\" is not how a network is written (try %s)",
			 text, cidr_print(&right, try));
}

int cidr_explain(const char *text, struct fault *why)
{
	char head[ADDR_TEXT], try[ADDR_TEXT];
	const char *tail = split(text, head, sizeof(head));
	struct cidr c;
	struct addr ip;

	if (parse(&c, text) == 0 && trim(&c))
		return fault_set(why, -EINVAL,
				 "\"%s\" has bits set beyond its prefix (try "
				 "%s, or %s for that one address)",
				 text, cidr_print(&c, try), head);
	if (tail && addr_parse_ip(&ip, head) == 0)
		return explain_prefix(text, &ip, tail, why);
	if (addr_parse(&c.base, text) == 0) {
		c.bits = bits_of(&c.base);
		return fault_set(why, -EINVAL,
				 "\"%s\": a network has no port (try %s)", text,
				 cidr_print(&c, try));
	}
	return fault_set(why, -EINVAL,
			 "\"%s\" is neither a network nor an address (try "
			 "10.0.0.0/8, fd00::/8 or 127.0.0.1; for everyone, "
			 "0.0.0.0/0 and ::/0)",
			 text);
}

bool cidr_contains(const struct cidr *c, const struct addr *a)
{
	unsigned whole = c->bits / 8, rest = c->bits % 8;

	if (a->family != c->base.family ||
	    (a->family != AF_INET && a->family != AF_INET6))
		return false;
	if (c->base.scope > 0 && c->base.scope != a->scope)
		return false;
	if (memcmp(a->ip, c->base.ip, whole) != 0)
		return false;
	return rest == 0 ||
	       (a->ip[whole] & mask(c->bits, whole)) == c->base.ip[whole];
}

bool cidr_covers(const struct cidr *c, const struct cidr *inner)
{
	return c->bits <= inner->bits && cidr_contains(c, &inner->base);
}

const char *cidr_print(const struct cidr *c, char buf[ADDR_TEXT])
{
	char ip[INET6_ADDRSTRLEN], zone[16] = "", bits[8] = "";

	inet_ntop(c->base.family, c->base.ip, ip, sizeof(ip));
	if (c->base.scope > 0)
		snprintf(zone, sizeof(zone), "%%%u", (unsigned)c->base.scope);
	if (c->bits < bits_of(&c->base))
		snprintf(bits, sizeof(bits), "/%u", c->bits);
	snprintf(buf, ADDR_TEXT, "%s%s%s", ip, zone, bits);
	return buf;
}
