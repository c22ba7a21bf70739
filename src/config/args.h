#ifndef LOWPORT_CONFIG_ARGS_H
#define LOWPORT_CONFIG_ARGS_H

#include "config/config.h"

/*
 * Read the arguments of `lowport run` (without the program's name and the
 * subcommand) into *c, which config_init() has set up. Each mistake is told to
 * mistake(), one call each: the place, the value and what would be right.
 * Returns how many there were.
 */
size_t args_read(struct config *c, int argc, char *const argv[],
		 void (*mistake)(const char *text));

#endif
