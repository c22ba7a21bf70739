#ifndef LOWPORT_SERVICE_SYSTEMCTL_H
#define LOWPORT_SERVICE_SYSTEMCTL_H

#include "base/fault.h"

#include <stdbool.h>
#include <sys/types.h>

/* systemctl(1), of the system or of this user (--user). */

/* What `systemctl show` says of a unit. */
struct systemctl_unit {
	bool known;      /* LoadState=loaded */
	bool stale;      /* its file has changed since it was loaded */
	char state[24];  /* ActiveState: active, inactive, failed, ... */
	char file[24];   /* UnitFileState: enabled, disabled, ... */
	char result[40]; /* success, or what went wrong the last time */
	pid_t pid;       /* of a service; 0: not running */
	int last_status; /* of a service: exit status, or the signal if */
	bool was_signal; /* that is what ended it */
};

/* Returns 0, or a negative errno with *why: there is no such manager, or it
 * cannot be reached from here. */
int systemctl_check(bool of_system, struct fault *why);

/* Returns 0, or a negative errno with *why. A unit that is not there is not
 * known. */
int systemctl_show(bool of_system, const char *unit, struct systemctl_unit *out,
		   struct fault *why);

/* The same until it is neither starting nor stopping, for at most so long. */
int systemctl_settle(bool of_system, const char *unit,
		     struct systemctl_unit *out, int patience_ms,
		     struct fault *why);

/* Run systemctl with these words, which end with NULL. Returns 0, or a negative
 * errno with *why, which has what it said. */
int systemctl_run(bool of_system, const char *const words[], struct fault *why);

#endif
