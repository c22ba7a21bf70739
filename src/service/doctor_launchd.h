#ifndef LOWPORT_SERVICE_DOCTOR_LAUNCHD_H
#define LOWPORT_SERVICE_DOCTOR_LAUNCHD_H

#include "service/doctor.h"

/* The agent's files, whether it is loaded, how it last ended. Returns whether
 * it is loaded. */
bool doctor_agent_launchd(struct doctor *d, const struct agent *a);

/* Its sockets, which launchd should hold, and its watcher, if its addresses
 * come and go. */
void doctor_sockets_launchd(struct doctor *d, const struct agent *a,
			    bool loaded);

#endif
