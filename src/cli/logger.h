#ifndef LOWPORT_CLI_LOGGER_H
#define LOWPORT_CLI_LOGGER_H

#include "base/fault.h"
#include "base/log.h"
#include "base/record.h"
#include "config/log_to.h"
#include "os/rights.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/*
 * The program's log: lines for standard error, a file or a syslog daemon,
 * written together on the next turn of the loop, and never waited for. There is
 * one.
 */

struct logger_options {
	enum log_level level; /* lines below it are left out */
	bool json;
	const struct log_to *to;   /* NULL: standard error */
	const struct rights *user; /* whom root opens a file for; or NULL */
};

/* Open it, or, where it is open, go over to what opt says. Returns 0, or a
 * negative errno with *why and the log as it was. Nothing of *opt is kept. */
int logger_open(const struct logger_options *opt, struct fault *why);

/* Another level from here on. */
void logger_level(enum log_level level);

/* From now on write on the next turn of loop, not line by line. Returns
 * 0 or a negative errno. */
int logger_attach(uv_loop_t *loop);

void logger_put(enum log_level level, const char *text);

/* The access line of a connection that has ended. */
void logger_put_record(const struct record *ended);

/* The same as logger_put(LEVEL_INFO, ...), at any level: somebody has asked. */
void logger_answer(const char *text);

/* Open the file anew, by its name, and say how that went. */
void logger_reopen(void);

/* Lines that could not be written and had to be dropped, since the start. */
uint64_t logger_dropped(void);

/* Write what is held, and from now on write each line by itself. */
void logger_detach(void);

#endif
