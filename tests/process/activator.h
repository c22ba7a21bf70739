#ifndef LOWPORT_TESTS_ACTIVATOR_H
#define LOWPORT_TESTS_ACTIVATOR_H

#include "process/program.h"

/* systemd's own activator, for tests of what is handed over. */

/* A port for it: a privileged one where the test may bind it. */
const char *activated_where(void);

/*
 * systemd-socket-activate with these options, and `lowport run` with those.
 * Root holds the sockets, and only the program behind them is an ordinary
 * user's. It is started by the first client.
 */
struct proc *activate(const char *const options[], const char *const run[]);

#endif
