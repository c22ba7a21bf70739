#include "base/cidr.h"

#include "base/num.h"

#include <errno.h>
#include <string.h>

enum { TEXT_MOST = 64, BITS_V4 = 32, BITS_V6 = 128 };

/* Do the first bits of both agree? */
static bool agree(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8;
	uint8_t mask = (uint8_t)(0xff00 >> bits % 8);

	return memcmp(a, b, whole) == 0 &&
	       (bits % 8 == 0 || ((a[whole] ^ b[whole]) & mask) == 0);
}

static bool has_more_bits(const struct cidr *c, unsigned width)
{
	for (unsigned i = c->bits; i < width; i++)
		if (c->base.ip[i / 8] & 0x80 >> i % 8)
			return true;
	return false;
}

int cidr_parse(struct cidr *c, const char *text)
{
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	struct cidr parsed;
	char ip[TEXT_MOST];
	unsigned width;
	uint64_t bits;

	if (length >= sizeof(ip))
		return -EINVAL;
	memcpy(ip, text, length);
	ip[length] = '\0';
	if (addr_parse_ip(&parsed.base, ip) < 0 || parsed.base.scope > 0)
		return -EINVAL;
	width = parsed.base.family == AF_INET ? BITS_V4 : BITS_V6;
	bits = width;
	if (slash && num_parse(slash + 1, 10, 0, width, &bits) < 0)
		return -EINVAL;
	parsed.bits = (unsigned)bits;
	if (has_more_bits(&parsed, width))
		return -EINVAL;
	*c = parsed;
	return 0;
}

bool cidr_contains(const struct cidr *c, const struct addr *a)
{
	return a->family == c->base.family && a->family != AF_UNIX &&
	       agree(c->base.ip, a->ip, c->bits);
}
