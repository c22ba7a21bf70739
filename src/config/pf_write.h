#ifndef LOWPORT_CONFIG_PF_WRITE_H
#define LOWPORT_CONFIG_PF_WRITE_H

#include "config/pf.h"

#include <stdio.h>

/* The relays of a pf.conf as a lowport.conf, each with the line that installs
 * it in a comment. */
void pf_write_config(const struct pf *p, const char *file, FILE *to);

/* Those lines alone. */
void pf_write_install(const struct pf *p, FILE *to);

#endif
