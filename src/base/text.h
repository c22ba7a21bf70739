#ifndef LOWPORT_BASE_TEXT_H
#define LOWPORT_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Text that grows as it is written. Starts as zeroes. Where memory runs out,
 * the rest is left out and text_take() says so: nobody has to look before.
 */
struct text {
	char *at;
	size_t length, room;
	bool failed;
};

void text_add(struct text *t, const char *s);
void text_add_bytes(struct text *t, const char *bytes, size_t length);
void text_add_number(struct text *t, uint64_t n);
void text_addf(struct text *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* s, made harmless for a terminal: control characters as \xNN, what is not
 * UTF-8 as well. */
void text_add_escaped(struct text *t, const char *s);

/* Is it harmless as it is? */
bool text_is_plain(const char *s);

/* What was written, the caller's to free, and t starts anew; NULL: out of
 * memory. */
char *text_take(struct text *t);

/* Close a stream of open_memstream(3), whose text is *text. Returns that, the
 * caller's to free; NULL: memory ran out, and a part of it is missing. */
char *text_of_stream(FILE *to, char **text);

/* Drop it. */
void text_free(struct text *t);

/* How many characters of s, bytes that are in none counted as one each. */
size_t text_width(const char *s);

#endif
