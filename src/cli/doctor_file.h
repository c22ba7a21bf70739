#ifndef LOWPORT_CLI_DOCTOR_FILE_H
#define LOWPORT_CLI_DOCTOR_FILE_H

#include "config/config.h"
#include "service/manager.h"

/* The files that a was installed with, read into *c: their mistakes, whether
 * they can be read, and whether the service manager holds what they listen on. */
void doctor_file(struct doctor *d, struct agent *a, struct config *c);

#endif
