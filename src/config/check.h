#ifndef LOWPORT_CONFIG_CHECK_H
#define LOWPORT_CONFIG_CHECK_H

#include "config/reader.h"

/* Does all that was read make sense together? Each mistake is told to r, and
 * what is left to us is filled in: an exec without a to has "auto". */
void config_check(struct reader *r);

#endif
