#ifndef LOWPORT_CLI_LOGGER_H
#define LOWPORT_CLI_LOGGER_H

#include "base/log.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/*
 * The program's log: lines for standard error, written together on
 * the next turn of the loop, and never waited for. There is one.
 */

/* Lines below level are left out. Times are left out where the journal adds its
 * own. */
void logger_open(enum log_level level);

/* From now on write on the next turn of loop, not line by line. Returns
 * 0 or a negative errno. */
int logger_attach(uv_loop_t *loop);

void logger_put(enum log_level level, const char *text);

/* How many lines were lost because nobody read them. */
uint64_t logger_dropped(void);

/* Write what is held, and from now on write each line by itself. */
void logger_detach(void);

#endif
