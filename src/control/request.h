#ifndef LOWPORT_CONTROL_REQUEST_H
#define LOWPORT_CONTROL_REQUEST_H

#include "base/list.h"
#include "control/server.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * One client of the status socket, from its connection to the last byte of its
 * answer. server.h has how a command answers it.
 */

/* Those that there are, and what they may ask for. */
struct requests {
	uv_loop_t *loop;
	const struct control_command *commands;
	void *data; /* for them */
	struct list list;
	size_t count;

	/* One of them has left, and its place is free. */
	void (*left)(struct requests *all);
};

/* Serve the client at fd, which is taken. all has to stay until it has left.
 * Returns 0, or a negative errno. */
int request_begin(struct requests *all, int fd);

/* Hang up on those that have been waited for too long. */
void requests_close_late(struct requests *all);

/* Hang up on all. Who still has an answer to give gives it to nobody. */
void requests_close(struct requests *all);

#endif
