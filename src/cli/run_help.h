#ifndef LOWPORT_CLI_RUN_HELP_H
#define LOWPORT_CLI_RUN_HELP_H

/* Print what `lowport run --help` says, the options from their table. Returns
 * what the command ends with. */
int run_help(void);

#endif
