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

/* May whoever runs this have a? 0, or -EPERM or -EINVAL with *why. */
int install_check_systemd(const struct agent *a, struct fault *why);

/* The first port below which an ordinary user may not open one
 * (net.ipv4.ip_unprivileged_port_start). */
unsigned install_low_ports_end(void);

/* Whom an app of the system runs as: whoever asks for it through sudo. NULL if
 * there is none, or that is root. */
const char *install_app_user(void);

/* Does what this user's systemd runs go on when they log out? */
bool install_lingers(void);

#endif
