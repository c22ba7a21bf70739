#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

void fuzz_fail(const char *file, int line, const char *what, const char *about)
{
	fprintf(stderr, "%s:%d: this has to hold: %s\n", file, line, what);
	if (about)
		fprintf(stderr, "of: %s\n", about);
	abort();
}

static void *must_have(void *memory)
{
	if (!memory)
		fuzz_fail(__FILE__, __LINE__, "there is memory", NULL);
	return memory;
}

char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = must_have(malloc(size + 1));

	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

uint8_t *fuzz_copy(const uint8_t *data, size_t size)
{
	uint8_t *copy = must_have(malloc(size > 0 ? size : 1));

	if (size > 0)
		memcpy(copy, data, size);
	return copy;
}

uint8_t feed_byte(struct feed *f)
{
	if (f->left == 0)
		return 0;
	f->left--;
	return *f->at++;
}

uint64_t feed_number(struct feed *f, unsigned bytes)
{
	uint64_t n = 0;

	while (bytes-- > 0)
		n = n << 8 | feed_byte(f);
	return n;
}

char *feed_line(struct feed *f)
{
	const uint8_t *end;
	size_t length;
	char *line;

	if (f->left == 0)
		return NULL;
	end = memchr(f->at, '\n', f->left);
	length = end ? (size_t)(end - f->at) : f->left;
	line = fuzz_text(f->at, length);
	length += end != NULL;
	f->at += length;
	f->left -= length;
	return line;
}

/* The code point at *p, which moves behind it; -1 if there is none. */
static long next_point(const unsigned char **p)
{
	static const long least[] = {0, 0x80, 0x800, 0x10000};
	unsigned char first = *(*p)++;
	unsigned more = first < 0x80           ? 0
			: (first >> 5) == 0x06 ? 1
			: (first >> 4) == 0x0e ? 2
			: (first >> 3) == 0x1e ? 3
					       : 4;
	long point = more == 0 ? first : first & (0x3f >> more);

	if (more > 3)
		return -1;
	for (unsigned i = 0; i < more; i++) {
		if ((**p & 0xc0) != 0x80)
			return -1;
		point = point << 6 | (*(*p)++ & 0x3f);
	}
	if (point < least[more] || point > 0x10ffff ||
	    (point >= 0xd800 && point <= 0xdfff))
		return -1;
	return point;
}

bool fuzz_is_plain(const char *text, const char *controls)
{
	const unsigned char *p = (const unsigned char *)text;

	while (*p != '\0') {
		long point = next_point(&p);

		if (point < 0)
			return false;
		if ((point < 0x20 || (point >= 0x7f && point < 0xa0)) &&
		    (point >= 0x80 || !strchr(controls, (int)point)))
			return false;
	}
	return true;
}

void fuzz_must_explain(const char *text)
{
	MUST(text[0] != '\0');
	MUST_OF(strcmp(text, "out of memory") != 0, text);
}
