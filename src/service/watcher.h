#ifndef LOWPORT_SERVICE_WATCHER_H
#define LOWPORT_SERVICE_WATCHER_H

#include "service/steps.h"

/*
 * launchd makes sockets when it loads a job and never again: an address that
 * comes later (a tunnel that goes up after login) leaves the job with a socket
 * that is not bound, for good. The watcher waits for the addresses of an agent
 * and loads it anew when one has come at which nobody listens.
 *
 * It runs until it fails: then it returns a negative errno with *why.
 */
int watcher_run(const char *name, const char *program, install_say say,
		struct fault *why);

#endif
