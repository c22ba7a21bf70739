#ifndef LOWPORT_CONFIG_INI_H
#define LOWPORT_CONFIG_INI_H

#include <stddef.h>

/*
 * The lines of an INI file: sections in brackets, key = value, comments behind
 * # or ; at the beginning of a line, and behind a blank and ; at its end.
 */

struct ini_events {
	/* [NAME] on that line. */
	void (*section)(void *data, unsigned line, const char *name);
	void (*key)(void *data, unsigned line, const char *key,
		    const char *value);
	/* The line is none of that; text says what is wrong. */
	void (*mistake)(void *data, unsigned line, const char *text);
	void *data;
};

/* The strings are lent for the call. */
void ini_read(const char *text, size_t length, const struct ini_events *events);

#endif
