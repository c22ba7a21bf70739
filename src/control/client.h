#ifndef LOWPORT_CONTROL_CLIENT_H
#define LOWPORT_CONTROL_CLIENT_H

#include "base/fault.h"

#include <stddef.h>
#include <sys/types.h>

/* The other end of the status socket: asks, waits, and gives up after a while.
 */

enum { CLIENT_PATIENCE_MS = 10000 };

/* Descriptors that come with an answer. */
struct client_files {
	int *at; /* room for them; closed on exec, and the caller's */
	size_t most;
	size_t count;
	uid_t user; /* taken from: this one, root, and whoever asks */
};

/*
 * Send request, which has no newline, to the lowport at path. *answer, a JSON
 * document, is the caller's to free. files may be NULL. Returns 0, or a negative
 * errno with *why:
 *
 *   -ENOENT        there is no such socket
 *   -ECONNREFUSED  nobody serves it any more
 *   -EACCES        this user may not ask
 *   -EPERM         files are not taken from who answers there
 *   -ETIMEDOUT     it does not answer
 */
int client_ask(const char *path, const char *request, char **answer,
	       struct client_files *files, struct fault *why);

#endif
