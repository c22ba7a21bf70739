#ifndef LOWPORT_SERVICE_LAUNCHCTL_H
#define LOWPORT_SERVICE_LAUNCHCTL_H

#include "base/fault.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * launchctl(1), which is the only public way to tell launchd something. Its
 * exit status is launchd's error number; what each means in practice, and what
 * to do about it, is one table in launchctl.c.
 */

/* gui/UID while the user is logged in at the screen, else user/UID. */
struct launchctl_domain {
	char text[32];
};

/* Find the domain of this user. Returns 0, or a negative errno with *why. */
int launchctl_domain(struct launchctl_domain *domain, struct fault *why);

/* What `launchctl print` says of a job. */
struct launchctl_job {
	bool loaded;
	pid_t pid;      /* 0: not running */
	bool has_ended; /* then last_status counts */
	int last_status;
	int last_signal;     /* what ended it the last time; 0: none did */
	int exit_timeout_s;  /* from SIGTERM to SIGKILL */
	char text[16 << 10]; /* all of it, for a person */
};

void launchctl_print(const struct launchctl_domain *domain, const char *label,
		     struct launchctl_job *job);

/* Its process, for which this waits so long: a connection starts it. 0 if it
 * does not come. */
pid_t launchctl_await_pid(const struct launchctl_domain *domain,
			  const char *label, int patience_ms);

/*
 * Load the job of a property list, having waited for an older one of that label
 * to be gone. The errors that pass by themselves (5 and 37, while the older one
 * is torn down) are waited out. Returns 0, or a negative errno with *why.
 */
int launchctl_bootstrap(const struct launchctl_domain *domain,
			const char *label, const char *plist,
			struct fault *why);

/* Unload the job and wait until it is gone. A job that is not loaded is fine.
 * Returns 0, or a negative errno with *why. */
int launchctl_bootout(const struct launchctl_domain *domain, const char *label,
		      struct fault *why);

#endif
