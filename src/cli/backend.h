#ifndef LOWPORT_CLI_BACKEND_H
#define LOWPORT_CLI_BACKEND_H

#include "base/record.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/*
 * A backend that runs while somebody wants it: a command that is started for
 * the first client, again when it dies while there are clients (less and less
 * often, if it dies soon), and stopped when there has been none for a while.
 *
 *   DOWN     nothing runs; the timer may be set to start it again
 *   UP       it runs; the timer stops it when nobody has come for so long
 *   ENDING   it has been asked to end, or has died and left others of its
 *            process group behind, who have been asked; the timer kills them
 */
struct backend;

/* All of it has to outlive the backend. */
struct backend_plan {
	const char *relay;   /* its name, for messages; NULL: it has none */
	const char *command; /* as the user wrote it, for messages */
	char *const *argv, *const *envp;
	const char *where; /* it listens, for messages */
	const char *path;  /* a socket of ours that it may leave behind; NULL:
			    * none */
	uint64_t stop_idle_ms; /* 0: never */

	/* Clients are to wait in the backlog: who connects to a backend that
	 * ends might be accepted once more, and then be cut off. */
	void (*hold)(void *data, const struct backend *b, bool hold);
	/* After backend_stop(): it is gone, and may be closed. */
	void (*gone)(void *data);
	void *data;
};

/* Nothing runs yet. Returns 0 or a negative errno. */
int backend_open(struct backend **out, uv_loop_t *loop,
		 const struct backend_plan *plan);

/* A client has come. Returns false if it must be refused, for the command
 * cannot be run; else it leaves some time. */
bool backend_arrived(struct backend *b);

/* what may be NULL. */
void backend_left(struct backend *b, const struct record *what);

/* Are its clients to wait now? */
bool backend_holds(const struct backend *b);

/* For SIGCHLD: has it ended? */
void backend_look(struct backend *b);

/* End it for good: ask it, and kill it if it is not gone some seconds later, or
 * at once when asked a second time. */
void backend_stop(struct backend *b);

bool backend_is_gone(const struct backend *b);

/* b, which is gone, frees itself on a later turn of the loop. */
void backend_close(struct backend *b);

#endif
