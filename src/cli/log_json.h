#ifndef LOWPORT_CLI_LOG_JSON_H
#define LOWPORT_CLI_LOG_JSON_H

#include "base/log.h"
#include "base/record.h"

/*
 * A line of the log as one JSON object, with its newline: time (RFC 3339, local
 * time with its offset), level, message; and of a connection that has ended
 * client, local, backend, up, down (bytes), duration_ms, reason, error. What
 * there is not (a backend, an error) is left out. Text is as log_escape() writes
 * it, and so always UTF-8.
 */

/* Enough for any of these, the end included. */
#define LOG_JSON 8192

/* ended: the connection, or NULL. Returns the length. */
size_t log_json_line(char buf[LOG_JSON], uint64_t time_ms, enum log_level level,
		     const char *text, const struct record *ended);

#endif
