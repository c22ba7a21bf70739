#ifndef LOWPORT_TESTS_FUZZ_CONFIG_RIG_H
#define LOWPORT_TESTS_FUZZ_CONFIG_RIG_H

#include "config/args.h"

/* The only file that there is, whatever it is called: these bytes, which are
 * lent. Opening one with bytes NULL fails. */
void config_rig_file(const char *bytes, size_t size);

/* Read those arguments. What comes of it has to make sense: every mistake is
 * told and explained, and without one it is a configuration that can be run.
 * Returns the number of mistakes; the last one's text is in config_rig_last().
 */
size_t config_rig_read(struct config *c, int argc, char *const argv[]);

const char *config_rig_last(void);

#endif
