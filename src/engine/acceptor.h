#ifndef LOWPORT_ENGINE_ACCEPTOR_H
#define LOWPORT_ENGINE_ACCEPTOR_H

#include "base/addr.h"
#include "engine/watch.h"

#include <stdbool.h>

/*
 * One listening descriptor. It accepts in small batches, and only as many as
 * it may: uv_listen() would shed the whole backlog in silence when descriptors
 * run out, and hide every error of accept().
 */
struct acceptor;

struct acceptor_events {
	/* May another one be accepted now? If not, the owner has paused the
	 * acceptor, or does so soon. */
	bool (*may_accept)(void *owner);
	/* A connection; takes fd. */
	void (*accepted)(void *owner, int fd, const struct addr *client);
	/* accept() said err: -EMFILE and its like pass, others mean that this
	 * listener is dead; then it is not watched any more. */
	void (*failed)(void *owner, int err);
	/* accept() says err, which is about neither a connection nor the
	 * listener: what guards the system may say no (accept(2): EPERM). It
	 * would at once again; the acceptor is paused. */
	void (*refused)(void *owner, int err);
};

/* A paused acceptor. Takes fd on success. Returns 0 or a negative errno. */
int acceptor_open(struct acceptor **out, struct watch_set *watches, int fd,
		  const struct acceptor_events *events, void *owner);

void acceptor_pause(struct acceptor *a);
void acceptor_resume(struct acceptor *a);

/* Look whether the descriptor still listens; if not, failed() is told, once. */
void acceptor_check(struct acceptor *a);

/* Is err a shortage that passes by itself? */
bool acceptor_error_passes(int err);

/* Closes the descriptor; a frees itself. */
void acceptor_close(struct acceptor *a);

#endif
