#ifndef LOWPORT_CONFIG_LOG_TO_H
#define LOWPORT_CONFIG_LOG_TO_H

#include "base/fault.h"

/* Where the log goes. */
enum log_place { LOG_TO_STDERR, LOG_TO_FILE, LOG_TO_SYSLOG };

struct log_to {
	enum log_place place;
	char *path;   /* of the file, or of the daemon's socket */
	int facility; /* of syslog, shifted as syslog.h has it */
};

/* Read stderr, /path, ./path, or syslog[:FACILITY][@/path/of/socket]; what was
 * in *to is freed. Returns 0, or -EINVAL or -ENOMEM with *why and *to as it
 * was. */
int log_to_parse(struct log_to *to, const char *text, struct fault *why);

void log_to_free(struct log_to *to);

#endif
