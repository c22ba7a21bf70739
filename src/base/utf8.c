#include "base/utf8.h"

#include <stdbool.h>

static bool is_between(unsigned char c, unsigned char least, unsigned char most)
{
	return c >= least && c <= most;
}

/* What the second byte may be depends on the first. */
static bool is_second(unsigned char first, unsigned char second)
{
	switch (first) {
	case 0xe0:
		return is_between(second, 0xa0, 0xbf);
	case 0xed:
		return is_between(second, 0x80, 0x9f);
	case 0xf0:
		return is_between(second, 0x90, 0xbf);
	case 0xf4:
		return is_between(second, 0x80, 0x8f);
	default:
		return is_between(second, 0x80, 0xbf);
	}
}

size_t utf8_length(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t length;

	if (p[0] < 0x80)
		return 1;
	if (!is_between(p[0], 0xc2, 0xf4) || !is_second(p[0], p[1]))
		return 0;
	length = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	for (size_t i = 2; i < length; i++)
		if (!is_between(p[i], 0x80, 0xbf))
			return 0;
	return length;
}
