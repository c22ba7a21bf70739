#ifndef LOWPORT_CLI_LOG_SIGNALS_H
#define LOWPORT_CLI_LOG_SIGNALS_H

#include "cli/summary.h"
#include "lowport.h"

/*
 * The signals that are about the log: SIGUSR1, and SIGINFO where a terminal has
 * one (Ctrl-T), is answered with a summary of how things are, SIGUSR2 opens the
 * file of the log anew.
 */
struct log_signals {
	uv_signal_t handles[3];
	size_t count;
	struct relay *relay;
	uint64_t began_ms;
	struct summary now, last;
	bool asked; /* a summary is being made */
};

/* From now on one of these signals waits until log_signals_open() rather than
 * to kill; for the beginning of a program. */
void log_signals_hold(void);

/* Take them on this loop, which they do not keep alive. r has to outlive s.
 * Returns 0 or a negative errno. */
int log_signals_open(struct log_signals *s, uv_loop_t *loop, struct relay *r);

/* Take none any more, and never let one kill. s is free to go once the loop has
 * closed its handles. */
void log_signals_close(struct log_signals *s);

#endif
