#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const level_names[LEVELS] = {
	[LEVEL_ERROR] = "error",
	[LEVEL_WARN] = "warn",
	[LEVEL_INFO] = "info",
	[LEVEL_DEBUG] = "debug",
};

const char *log_level_name(enum log_level level)
{
	return level_names[level];
}

int log_level_parse(const char *text, enum log_level *level)
{
	for (int i = 0; i < LEVELS; i++) {
		if (strcmp(text, level_names[i]) == 0) {
			*level = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

static size_t print_time(char *buf, size_t size, uint64_t time_ms)
{
	time_t seconds = (time_t)(time_ms / 1000);
	struct tm tm;
	size_t n;

	if (time_ms == 0 || !localtime_r(&seconds, &tm))
		return 0;
	n = strftime(buf, size, "%Y-%m-%d %H:%M:%S", &tm);
	n += (size_t)snprintf(buf + n, size - n, ".%03u ",
			      (unsigned)(time_ms % 1000));
	return n;
}

size_t log_line(char buf[LOG_TEXT], uint64_t time_ms, enum log_level level,
		const char *text)
{
	/* Room for one escape, the newline and the end behind any n < last. */
	const size_t last = LOG_TEXT - 8;
	size_t n = print_time(buf, LOG_TEXT, time_ms);

	n += (size_t)snprintf(buf + n, LOG_TEXT - n, "%s ", level_names[level]);
	for (; *text != '\0' && n < last; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '\n')
			n += (size_t)snprintf(buf + n, LOG_TEXT - n, "\n  ");
		else if (c < 0x20 || c == 0x7f)
			n += (size_t)snprintf(buf + n, LOG_TEXT - n, "\\x%02x",
					      c);
		else
			buf[n++] = (char)c;
	}
	buf[n++] = '\n';
	buf[n] = '\0';
	return n;
}
