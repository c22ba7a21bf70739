#ifndef LOWPORT_BASE_LOG_H
#define LOWPORT_BASE_LOG_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* How much a line matters. */
enum log_level { LEVEL_ERROR, LEVEL_WARN, LEVEL_INFO, LEVEL_DEBUG, LEVELS };

/* error, warn, info or debug. */
const char *log_level_name(enum log_level level);

/* Returns 0, or -EINVAL if text names no level. */
int log_level_parse(const char *text, enum log_level *level);

/* Enough for any line, its newline and end included. */
#define LOG_TEXT 2048

/*
 * One line for the log: the time (milliseconds since 1970, as local time; 0
 * leaves it out), the level, the text. Control characters are written as \xNN,
 * so that nothing a peer sends can forge a line; a newline stays one, indented.
 * Returns the length, newline included.
 */
size_t log_line(char buf[LOG_TEXT], uint64_t time_ms, enum log_level level,
		const char *text);

#endif
