#ifndef LOWPORT_SERVICE_USER_SYSTEMD_H
#define LOWPORT_SERVICE_USER_SYSTEMD_H

#include "service/agent.h"

/* Whoever runs this, and what systemd lets them have. */

/* May whoever runs this have a? 0, or -EPERM or -EINVAL with *why. */
int user_check_systemd(const struct agent *a, struct fault *why);

/* The first port below which an ordinary user may not open one
 * (net.ipv4.ip_unprivileged_port_start). */
unsigned user_low_ports_end(void);

/* Whom an app of the system runs as: whoever asks for it through sudo. NULL if
 * there is none, or that is root. */
const char *user_behind_sudo(void);

/* Does what this user's systemd runs go on when they log out? */
bool user_lingers(void);

#endif
