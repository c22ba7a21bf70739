#ifndef LOWPORT_CLI_SCREEN_H
#define LOWPORT_CLI_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A text that is shown again and again: in place on a terminal, which is left as
 * it was found, whatever signal ends us; one behind the other elsewhere. There is
 * one.
 */

enum screen_event {
	SCREEN_DUE,     /* the time is over */
	SCREEN_RESIZED, /* show it again */
	SCREEN_END,     /* the user wants no more, or nobody reads it */
};

void screen_open(void);

/* On a terminal as much as there is room for. */
void screen_show(const char *text);

/* The next text is another one; for where they stand one behind the other. */
void screen_next(void);

enum screen_event screen_wait(uint64_t ms);

void screen_close(void);

/* May what is printed be UTF-8? */
bool screen_is_utf8(void);

#endif
