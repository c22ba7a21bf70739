#include "base/text.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 1024, DIGITS_MOST = 20 };

/* Room for so many more, and for the end. */
static bool make_room(struct text *t, size_t more)
{
	size_t room = t->room > 0 ? t->room : FIRST_ROOM;
	char *at;

	if (t->failed)
		return false;
	if (t->room > t->length + more)
		return true;
	while (room <= t->length + more)
		room *= 2;
	at = realloc(t->at, room);
	if (!at) {
		t->failed = true;
		return false;
	}
	t->at = at;
	t->room = room;
	return true;
}

void text_add_bytes(struct text *t, const char *bytes, size_t length)
{
	if (!make_room(t, length))
		return;
	memcpy(t->at + t->length, bytes, length);
	t->length += length;
	t->at[t->length] = '\0';
}

void text_add(struct text *t, const char *s)
{
	text_add_bytes(t, s, strlen(s));
}

void text_add_number(struct text *t, uint64_t n)
{
	char digits[DIGITS_MOST];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	text_add_bytes(t, digits + at, sizeof(digits) - at);
}

void text_addf(struct text *t, const char *format, ...)
{
	va_list args, again;
	int n;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	if (n >= 0 && make_room(t, (size_t)n)) {
		vsnprintf(t->at + t->length, (size_t)n + 1, format, again);
		t->length += (size_t)n;
	}
	va_end(again);
	va_end(args);
}

/* The C1 characters are commands to some terminals, too. */
static bool is_control(const char *s, size_t length)
{
	unsigned char c = (unsigned char)s[0];

	return c < 0x20 || c == 0x7f ||
	       (length == 2 && c == 0xc2 && (unsigned char)s[1] < 0xa0);
}

void text_add_escaped(struct text *t, const char *s)
{
	while (*s != '\0') {
		size_t length = utf8_length(s);

		if (length > 0 && !is_control(s, length)) {
			text_add_bytes(t, s, length);
		} else {
			length = length > 0 ? length : 1;
			for (size_t i = 0; i < length; i++)
				text_addf(t, "\\x%02x", (unsigned char)s[i]);
		}
		s += length;
	}
}

bool text_is_plain(const char *s)
{
	while (*s != '\0') {
		size_t length = utf8_length(s);

		if (length == 0 || is_control(s, length))
			return false;
		s += length;
	}
	return true;
}

size_t text_width(const char *s)
{
	size_t count = 0;

	while (*s != '\0') {
		size_t length = utf8_length(s);

		s += length > 0 ? length : 1;
		count++;
	}
	return count;
}

char *text_take(struct text *t)
{
	char *at;

	text_add_bytes(t, "", 0);
	at = t->failed ? NULL : t->at;
	if (t->failed)
		free(t->at);
	*t = (struct text){0};
	return at;
}

char *text_of_stream(FILE *to, char **text)
{
	bool failed = ferror(to);

	if (fclose(to) == 0 && !failed)
		return *text;
	free(*text);
	return NULL;
}

void text_free(struct text *t)
{
	free(t->at);
	*t = (struct text){0};
}
