#include "fuzz.h"

#include "config/ini.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* No line is passed over: each that is neither blank nor a comment (of text) is
 * told of exactly once, in order. And what was read is read again once it is written
 * down. */

struct seen {
	unsigned line; /* the last */
	size_t count, mistakes;
	FILE *copy;
};

static void note(struct seen *s, unsigned line)
{
	MUST(line > s->line);
	s->line = line;
	s->count++;
}

static bool has_edge_blanks(const char *text)
{
	size_t length = strlen(text);

	return length > 0 && (isspace((unsigned char)text[0]) ||
			      isspace((unsigned char)text[length - 1]));
}

static void on_section(void *data, unsigned line, const char *section)
{
	struct seen *s = data;

	note(s, line);
	MUST_OF(!has_edge_blanks(section), section);
	MUST_OF(!strpbrk(section, "\n]"), section);
	fprintf(s->copy, "[%s]\n", section);
}

static void on_key(void *data, unsigned line, const char *key,
		   const char *value)
{
	struct seen *s = data;

	note(s, line);
	MUST(key[0] != '\0' && value[0] != '\0');
	MUST_OF(!has_edge_blanks(key) && !has_edge_blanks(value), value);
	for (const char *p = key; *p != '\0'; p++)
		MUST_OF(!isspace((unsigned char)*p), key);
	MUST_OF(!strchr(value, '\n'), value);
	/* No longer than it was: the room for a line is bounded. */
	fprintf(s->copy, "%s=%s\n", key, value);
}

static void on_mistake(void *data, unsigned line, const char *text)
{
	struct seen *s = data;

	note(s, line);
	s->mistakes++;
	fuzz_must_explain(text);
}

static struct seen read_all(const char *bytes, size_t size, char **copy)
{
	struct seen s = {0};
	size_t length;
	const struct ini_events events = {on_section, on_key, on_mistake, &s};

	s.copy = open_memstream(copy, &length);
	MUST(s.copy);
	ini_read(bytes, size, &events);
	fclose(s.copy);
	return s;
}

/* A blank, or the mark that some editors put before the first line. */
static size_t blank(const char *at, size_t left)
{
	if (left >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0)
		return 3;
	return isspace((unsigned char)*at) ? 1 : 0;
}

/* Lines in which something is said. */
static size_t count_lines(const char *bytes, size_t size)
{
	size_t count = 0, n;

	while (size > 0) {
		char c = *bytes;
		const char *end = memchr(bytes, '\n', size);
		size_t length = end ? (size_t)(end - bytes) : size, i = 0;

		while (i < length && (n = blank(bytes + i, length - i)) > 0)
			i += n;
		c = i < length ? bytes[i] : '#';
		count += (c != '#' && c != ';') ||
			 memchr(bytes, '\0', length) != NULL;
		length += end != NULL;
		bytes += length;
		size -= length;
	}
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = (char *)fuzz_copy(data, size), *copy, *second;
	struct seen first = read_all(bytes, size, &copy), again;

	MUST(first.count == count_lines(bytes, size));
	again = read_all(copy, strlen(copy), &second);
	MUST_OF(again.mistakes == 0, copy);
	MUST_OF(strcmp(copy, second) == 0, copy);
	free(bytes);
	free(copy);
	free(second);
	return 0;
}
