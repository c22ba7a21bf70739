#ifndef LOWPORT_CLI_SERVICE_NOTIFY_H
#define LOWPORT_CLI_SERVICE_NOTIFY_H

#include <stdbool.h>
#include <uv.h>

/*
 * What the service manager is told of `lowport run` (os/notify.h): that it
 * serves, that it reads its configuration anew, that it ends; and, as often as
 * it wants to hear it, that the loop still turns. Where nobody asks, nothing
 * happens. What cannot be told is a line in the log.
 */
struct service_notify {
	uv_timer_t alive;
	bool open; /* alive is initialized */
};

/* All listeners are served, at the start or after a reload. Starts as zeroes;
 * status is one line for a person (`systemctl status` shows it). */
void service_ready(struct service_notify *n, uv_loop_t *loop,
		   const char *status);

/* A reload begins. service_ready() has to follow, also if it failed. */
void service_reloading(void);

/* No more clients are accepted. The loop goes on turning. */
void service_stopping(void);

/* At the end; the loop has to turn once more. May be called when not open. */
void service_close(struct service_notify *n);

#endif
