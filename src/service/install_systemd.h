#ifndef LOWPORT_SERVICE_INSTALL_SYSTEMD_H
#define LOWPORT_SERVICE_INSTALL_SYSTEMD_H

#include "service/steps.h"

/* Putting an agent into systemd, taking it out, loading it anew: as struct
 * manager has it. */

int install_systemd(struct agent *a, const char *program, install_say say,
		    struct fault *why);
int install_reload_systemd(const char *name, const char *program,
			   install_say say, struct fault *why);
int install_remove_systemd(const char *name, install_say say,
			   struct fault *why);

#endif
