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

/* Its severity to syslog and the journal: 3 to 7 (RFC 5424, 6.2.1). */
int log_severity(enum log_level level);

/* Enough for a time in any of these forms, its end included. */
#define LOG_TIME 48

/* Milliseconds since 1970 as local time. Each returns buf. */
const char *log_time(char buf[LOG_TIME],
		     uint64_t time_ms); /* 2023-11-14 22:13:20.007 */
const char *log_time_rfc3339(char buf[LOG_TIME], uint64_t time_ms);
const char *log_time_rfc3164(char buf[LOG_TIME],
			     uint64_t time_ms); /* Nov 14 22:13:20 */

/*
 * text as it may stand in a log: nothing that a peer sends can forge a line or
 * move a terminal's cursor. Control characters, those above 0x80 included, and
 * bytes that are no UTF-8 become \xNN, a newline becomes `newline`. Cut, at a
 * whole character, to what fits. Returns the length.
 */
size_t log_escape(char *buf, size_t size, const char *text,
		  const char *newline);

/* Enough for any line, its newline and end included. */
#define LOG_TEXT 2048

/* One line for the log: head (at most half of it), the level, the text as
 * log_escape() writes it. Returns the length, newline included. */
size_t log_line(char buf[LOG_TEXT], const char *head, enum log_level level,
		const char *text, const char *newline);

#endif
