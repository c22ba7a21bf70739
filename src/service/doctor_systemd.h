#ifndef LOWPORT_SERVICE_DOCTOR_SYSTEMD_H
#define LOWPORT_SERVICE_DOCTOR_SYSTEMD_H

#include "service/doctor.h"

/* As struct manager has them. */

bool doctor_agent_systemd(struct doctor *d, const struct agent *a);
void doctor_sockets_systemd(struct doctor *d, const struct agent *a,
			    bool loaded);
void doctor_plan_systemd(struct doctor *d, const struct addr *at);

#endif
