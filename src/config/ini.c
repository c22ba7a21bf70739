#include "config/ini.h"

#include "base/fault.h"

#include <ctype.h>
#include <ini.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { KEY_SHOWN_MOST = 40 };

/* inih cuts what is too long, tells of the first bad line only, and whether it
 * counts lines is its builder's choice. So it is given one line at a time. */
struct line {
	const struct ini_events *events;
	const char *text;
	size_t length;
	unsigned number;
	const char *probe; /* a line to follow a section, which is told of
			    * only with a key */
	bool given;
	char section[64]; /* inih has room for less */
	size_t most;      /* what inih has room for; 0 until it has asked */
};

static void complain(const struct line *l, const char *text)
{
	l->events->mistake(l->events->data, l->number, text);
}

/* As fgets(). */
static char *give(char *buf, int size, void *data)
{
	struct line *l = data;
	const char *from = l->given ? l->probe : l->text;
	size_t length = l->given ? strlen(from) : l->length;

	/* Room for a newline and the end. */
	l->most = size > 3 ? (size_t)size - 3 : 0;
	if ((l->given && !l->probe[0]) || length > l->most)
		return NULL;
	if (l->given)
		l->probe = "";
	l->given = true;
	memcpy(buf, from, length);
	memcpy(buf + length, "\n", 2);
	return buf;
}

static bool has_blank(const char *text)
{
	while (*text != '\0' && !isspace((unsigned char)*text))
		text++;
	return *text != '\0';
}

static int take_key(void *data, const char *section, const char *key,
		    const char *value)
{
	struct line *l = data;
	struct fault why;

	(void)section;
	if (key[0] == '\0' || has_blank(key)) {
		fault_set(&why, 0,
			  "\"%.*s\" is no key (a line is key = value, as in "
			  "listen = 127.0.0.1:80)",
			  KEY_SHOWN_MOST, key);
		complain(l, why.text);
	} else if (value[0] == '\0') {
		fault_set(&why, 0, "%s: has no value", key);
		complain(l, why.text);
	} else {
		l->events->key(l->events->data, l->number, key, value);
	}
	return 1;
}

/* Without the blanks around it. */
static void trim(char *buf, size_t size, const char *text)
{
	size_t length;

	text += strspn(text, " \t\v\f\r");
	length = strlen(text);
	while (length > 0 && isspace((unsigned char)text[length - 1]))
		length--;
	snprintf(buf, size, "%.*s", (int)length, text);
}

static int take_section(void *data, const char *section, const char *key,
			const char *value)
{
	struct line *l = data;

	(void)key;
	(void)value;
	trim(l->section, sizeof(l->section), section);
	return 1;
}

static void read_line(struct line *l)
{
	bool section = l->text[0] == '[';
	struct fault why;
	int bad;

	l->probe = section ? "x = x" : "";
	l->given = false;
	bad = ini_parse_stream(give, l, section ? take_section : take_key, l);
	if (!l->given) {
		fault_set(&why, 0,
			  "this line has %zu bytes, and there is room for %zu "
			  "(put a long command into a script)",
			  l->length, l->most);
		complain(l, why.text);
	} else if (bad == 0 && section) {
		l->events->section(l->events->data, l->number, l->section);
	} else if (bad != 0) {
		complain(l, section ? "this section has no ] (try [relay web])"
				    : "this is neither [section] nor key = "
				      "value (a comment begins with #)");
	}
}

/* Of what a line may begin with: a blank, or a byte order mark, which is also in
 * the middle where files have been joined. Left to inih, [section] behind one
 * would be passed over. */
static size_t blank_length(const struct line *l)
{
	static const char bom[] = "\xef\xbb\xbf";
	const size_t length = strlen(bom);

	if (l->length >= length && memcmp(l->text, bom, length) == 0)
		return length;
	return l->length > 0 && isspace((unsigned char)l->text[0]);
}

static void read_trimmed(struct line *l)
{
	size_t skipped;

	while (l->length > 0 && isspace((unsigned char)l->text[l->length - 1]))
		l->length--;
	/* An indented line would continue the one before. */
	while ((skipped = blank_length(l)) > 0) {
		l->text += skipped;
		l->length -= skipped;
	}
	if (memchr(l->text, '\0', l->length))
		complain(l, "there is a zero byte in this line: is this a text "
			    "file?");
	else if (l->length > 0 && l->text[0] != '#' && l->text[0] != ';')
		read_line(l);
}

void ini_read(const char *text, size_t length, const struct ini_events *events)
{
	struct line l = {.events = events};

	while (length > 0) {
		const char *end = memchr(text, '\n', length);
		size_t taken = end ? (size_t)(end - text) + 1 : length;

		l.text = text;
		l.length = taken;
		l.number++;
		read_trimmed(&l);
		text += taken;
		length -= taken;
	}
}
