#include "base/log.h"

#include "base/utf8.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

static const struct {
	const char *name;
	int severity;
} levels[LEVELS] = {
	[LEVEL_ERROR] = {"error", LOG_ERR},
	[LEVEL_WARN] = {"warn", LOG_WARNING},
	[LEVEL_INFO] = {"info", LOG_INFO},
	[LEVEL_DEBUG] = {"debug", LOG_DEBUG},
};

const char *log_level_name(enum log_level level)
{
	return levels[level].name;
}

int log_level_parse(const char *text, enum log_level *level)
{
	for (int i = 0; i < LEVELS; i++) {
		if (strcmp(text, levels[i].name) == 0) {
			*level = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

int log_severity(enum log_level level)
{
	return levels[level].severity;
}

static struct tm local_time(uint64_t time_ms)
{
	time_t seconds = (time_t)(time_ms / 1000);
	struct tm tm = {.tm_mday = 1};

	localtime_r(&seconds, &tm);
	return tm;
}

static unsigned milliseconds(uint64_t time_ms)
{
	return (unsigned)(time_ms % 1000);
}

const char *log_time(char buf[LOG_TIME], uint64_t time_ms)
{
	struct tm tm = local_time(time_ms);
	size_t n = strftime(buf, LOG_TIME, "%Y-%m-%d %H:%M:%S", &tm);

	snprintf(buf + n, LOG_TIME - n, ".%03u", milliseconds(time_ms));
	return buf;
}

const char *log_time_rfc3339(char buf[LOG_TIME], uint64_t time_ms)
{
	struct tm tm = local_time(time_ms);
	size_t n = strftime(buf, LOG_TIME, "%Y-%m-%dT%H:%M:%S", &tm);
	int minutes = abs((int)(tm.tm_gmtoff / 60));

	snprintf(buf + n, LOG_TIME - n, ".%03u%c%02u:%02u",
		 milliseconds(time_ms), tm.tm_gmtoff < 0 ? '-' : '+',
		 (unsigned)minutes / 60, (unsigned)minutes % 60);
	return buf;
}

const char *log_time_rfc3164(char buf[LOG_TIME], uint64_t time_ms)
{
	struct tm tm = local_time(time_ms);

	strftime(buf, LOG_TIME, "%b %e %H:%M:%S", &tm);
	return buf;
}

/* U+0000 to U+001F, U+007F to U+009F. The latter are two bytes in UTF-8, and
 * some terminals act on them. */
static bool is_control(const unsigned char *c)
{
	return c[0] < 0x20 || c[0] == 0x7f || (c[0] == 0xc2 && c[1] < 0xa0);
}

/* How long it is as far as it needs no look at all. */
static size_t plain_length(const char *text, size_t most)
{
	size_t n = 0;

	while (n < most && text[n] >= 0x20 && text[n] < 0x7f)
		n++;
	return n;
}

size_t log_escape(char *buf, size_t size, const char *text, const char *newline)
{
	size_t n = plain_length(text, size - 1);

	memcpy(buf, text, n);
	text += n;
	while (*text != '\0') {
		const unsigned char *c = (const unsigned char *)text;
		size_t taken = utf8_length(text), given = taken;
		const char *from = text;
		char hex[5];

		if (*c == '\n') {
			from = newline;
			given = strlen(newline);
		} else if (taken == 0 || is_control(c)) {
			given = (size_t)snprintf(hex, sizeof(hex), "\\x%02x",
						 *c);
			from = hex;
			taken = 1;
		}
		if (n + given >= size)
			break;
		memcpy(buf + n, from, given);
		n += given;
		text += taken;
	}
	buf[n] = '\0';
	return n;
}

size_t log_line(char buf[LOG_TEXT], const char *head, enum log_level level,
		const char *text, const char *newline)
{
	size_t n = (size_t)snprintf(buf, LOG_TEXT / 2, "%s%s ", head,
				    levels[level].name);

	if (n >= LOG_TEXT / 2)
		n = LOG_TEXT / 2 - 1;
	n += log_escape(buf + n, LOG_TEXT - 1 - n, text, newline);
	buf[n++] = '\n';
	buf[n] = '\0';
	return n;
}
