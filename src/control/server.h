#ifndef LOWPORT_CONTROL_SERVER_H
#define LOWPORT_CONTROL_SERVER_H

#include "base/fault.h"

#include <stddef.h>
#include <sys/types.h>
#include <uv.h>

/*
 * The status socket: a Unix stream socket on which a running lowport is asked.
 * A client sends one line (a command, and what it is for, behind a blank), gets
 * one JSON document and a newline, and the connection is closed. Only the user
 * that lowport runs as, and root, are served.
 *
 * It is bounded whoever calls: so many clients at a time, the others wait in the
 * backlog; a line of at most CONTROL_REQUEST_MOST bytes, and CONTROL_PATIENCE_MS
 * for it to come and as long for the answer to be taken. None of its handles
 * keeps the loop alive. The process has to ignore SIGPIPE.
 */
struct control;

/* A client whose answer is due. */
struct control_request;

enum {
	CONTROL_CLIENTS_MOST = 8,
	CONTROL_REQUEST_MOST = 4096,
	CONTROL_PATIENCE_MS = 5000,
	CONTROL_FILES_MOST =
		250, /* that an answer carries; SCM_MAX_FD is 253 */
	/* How many descriptors it may have open. */
	CONTROL_DESCRIPTORS = CONTROL_CLIENTS_MOST + 2,
};

/* What can be asked. */
struct control_command {
	const char *name; /* one word; NULL ends an array of them */

	/* Answer q by one of the functions below, at once or later, exactly
	 * once. argument is what stands behind the name, "" if nothing, and
	 * lives as long as q. */
	void (*handle)(void *data, struct control_request *q,
		       const char *argument);
};

/* Serve path, whose file is made with mode 0600. A file that nobody serves is
 * replaced, one that is served is not. commands and data are lent until
 * control_close(). Returns 0, or a negative errno with *why. */
int control_open(struct control **out, uv_loop_t *loop, const char *path,
		 const struct control_command *commands, void *data,
		 struct fault *why);

/* Where it is. */
const char *control_path(const struct control *c);

/* Answer with a JSON document, which is taken and freed; NULL: out of memory. q
 * must not be used any more. The client may be gone: nobody hears of that. */
void control_answer(struct control_request *q, char *json);

/* The same, with descriptors beside it, which stay the caller's. */
void control_answer_files(struct control_request *q, char *json,
			  const int *files, size_t count);

/* Answer {"error": TEXT}. */
void control_refuse(struct control_request *q, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Who asks: lowport's own user, or root. */
uid_t control_user(const struct control_request *q);

/* Remove the file and take no more clients: another lowport wants the place.
 * Those that are there get their answers. */
void control_retire(struct control *c);

/* Remove the file, and close all; what has been asked and not answered may still
 * be answered, to nobody. c frees itself on a later turn of the loop, and may be
 * NULL. */
void control_close(struct control *c);

#endif
