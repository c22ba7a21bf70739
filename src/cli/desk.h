#ifndef LOWPORT_CLI_DESK_H
#define LOWPORT_CLI_DESK_H

#include "config/config.h"
#include "control/server.h"
#include "control/snapshot.h"

/*
 * The status socket of `lowport run`: what can be asked there, and where it is.
 */
struct desk {
	struct snapshot_source source;
	struct relay *relay;
	struct control *control; /* NULL: there is none */
};

/* How many descriptors to keep free for it. */
size_t desk_descriptors(const struct config *c);

/* Open it where c says. source and relay have to outlive it. If it cannot be
 * had, that is a warning, and lowport runs without. */
void desk_open(struct desk *d, uv_loop_t *loop, const struct config *c,
	       const struct snapshot_source *source, struct relay *relay);

void desk_close(struct desk *d);

#endif
