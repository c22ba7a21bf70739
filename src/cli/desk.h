#ifndef LOWPORT_CLI_DESK_H
#define LOWPORT_CLI_DESK_H

#include "config/config.h"
#include "control/server.h"
#include "control/snapshot.h"

/*
 * The status socket of `lowport run`: what can be asked there, and where it is.
 */

/* What desk_open() is told of the rest of the program. */
struct desk_actions {
	/* Read the configuration again. Returns EXIT_OK, or what else a reload
	 * may end with after telling mistake what is wrong. */
	int (*reload)(void *data, void (*mistake)(const char *text));

	/* Tell of each listener that another lowport may take over. */
	void (*listeners)(void *data,
			  void (*each)(void *context, int fd,
				       const struct addr *at),
			  void *context);

	/* It has taken them over: let the clients that are there finish, and
	 * end; on a later turn of the loop. */
	void (*leave)(void *data);
	void *data;
};

struct desk {
	struct snapshot_source source;
	struct relay *relay;
	struct desk_actions actions;
	struct control *control; /* NULL: there is none */
	bool left;               /* another one has taken over */
};

/* How many descriptors to keep free for it. */
size_t desk_descriptors(const struct config *c);

/* Open it where c says. source and relay have to outlive it. If it cannot be
 * had, that is a warning, and lowport runs without. */
void desk_open(struct desk *d, uv_loop_t *loop, const struct config *c,
	       const struct snapshot_source *source, struct relay *relay,
	       const struct desk_actions *actions);

void desk_close(struct desk *d);

#endif
