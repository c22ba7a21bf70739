#ifndef LOWPORT_CLI_BRIEF_H
#define LOWPORT_CLI_BRIEF_H

#include "config/options.h"

/* What an option does, in the few words that fit a line of --help: the ones
 * chosen for it, else how its help text begins. */
void brief_option(const struct option *o, char *buf, size_t size);

#endif
