#ifndef LOWPORT_SERVICE_ACCESS_SYSTEMD_H
#define LOWPORT_SERVICE_ACCESS_SYSTEMD_H

#include "service/agent.h"

/* What a service of the system can get at, as struct manager has it. */

int access_file_systemd(struct agent *a, const char *path, struct fault *why);
int access_socket_systemd(const struct agent *a, const char *path,
			  struct fault *why);

#endif
