#include "config/log_to.h"

#include "os/platform.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

static const struct {
	const char *name;
	int facility;
} facilities[] = {
	{"daemon", LOG_DAEMON},     {"auth", LOG_AUTH},
	{"authpriv", LOG_AUTHPRIV}, {"cron", LOG_CRON},
	{"ftp", LOG_FTP},           {"lpr", LOG_LPR},
	{"mail", LOG_MAIL},         {"news", LOG_NEWS},
	{"user", LOG_USER},         {"uucp", LOG_UUCP},
	{"local0", LOG_LOCAL0},     {"local1", LOG_LOCAL1},
	{"local2", LOG_LOCAL2},     {"local3", LOG_LOCAL3},
	{"local4", LOG_LOCAL4},     {"local5", LOG_LOCAL5},
	{"local6", LOG_LOCAL6},     {"local7", LOG_LOCAL7},
};

static const char syslog_name[] = "syslog";

static bool is_path(const char *text)
{
	return text[0] == '/' || strncmp(text, "./", 2) == 0 ||
	       strncmp(text, "../", 3) == 0;
}

static int set(struct log_to *to, enum log_place place, const char *path,
	       int facility, struct fault *why)
{
	char *copy = path ? strdup(path) : NULL;

	if (path && !copy)
		return fault_set(why, -ENOMEM, "out of memory");
	free(to->path);
	*to = (struct log_to){place, copy, facility};
	return 0;
}

/* rest: what stands behind "syslog". */
static int parse_syslog(struct log_to *to, const char *text, const char *rest,
			struct fault *why)
{
	const char *at = strchr(rest, '@');
	size_t length = at ? (size_t)(at - rest) : strlen(rest);

	if (at && at[1] != '/')
		return fault_set(why, -EINVAL,
				 "\"%s\" is to name the daemon's socket by its "
				 "whole path behind @ (try syslog@%s)",
				 text, platform_syslog);
	if (at)
		at++;
	if (length == 0)
		return set(to, LOG_TO_SYSLOG, at ? at : platform_syslog,
			   LOG_DAEMON, why);
	for (size_t i = 0; i < sizeof(facilities) / sizeof(*facilities); i++)
		if (strlen(facilities[i].name) == length - 1 &&
		    strncmp(rest + 1, facilities[i].name, length - 1) == 0)
			return set(to, LOG_TO_SYSLOG, at ? at : platform_syslog,
				   facilities[i].facility, why);
	return fault_set(why, -EINVAL,
			 "\"%s\" is not followed by a facility of syslog (try "
			 "daemon, user, local0 to local7)",
			 text);
}

int log_to_parse(struct log_to *to, const char *text, struct fault *why)
{
	const size_t length = sizeof(syslog_name) - 1;

	if (strcmp(text, "stderr") == 0)
		return set(to, LOG_TO_STDERR, NULL, 0, why);
	if (is_path(text))
		return set(to, LOG_TO_FILE, text, 0, why);
	if (strncmp(text, syslog_name, length) == 0 &&
	    (text[length] == '\0' || strchr(":@", text[length])))
		return parse_syslog(to, text, text + length, why);
	return fault_set(why, -EINVAL,
			 "\"%s\" is neither a path (try /var/log/lowport.log, "
			 "or ./lowport.log) nor stderr, syslog or "
			 "syslog:FACILITY",
			 text);
}

void log_to_free(struct log_to *to)
{
	free(to->path);
	to->path = NULL;
}
