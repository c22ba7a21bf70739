#ifndef LOWPORT_CLI_FIND_H
#define LOWPORT_CLI_FIND_H

#include "base/fault.h"

#include <cJSON.h>
#include <stddef.h>

/* The lowports that run: where their status sockets are, and what they say. */

/* One that was asked. */
struct found {
	char *path;
	char *answer;  /* as it came; NULL: why says why there is none */
	cJSON *status; /* likewise */
	struct fault why;
};

struct finds {
	struct found *at;
	size_t count;
};

/* Ask one, or with which NULL all that this user may know of: a path, or the
 * name of a socket in one of the usual folders. What a lowport has left behind
 * there is removed. Returns 0 or a negative errno with *why: -ENOENT, there is
 * none. */
int find_ask(struct finds *out, const char *which, const char *request,
	     struct fault *why);

/* The path of the one and only. Likewise; *path is the caller's to free.
 * -EINVAL: there are several, and *why says to name one with option. */
int find_one(char **path, const char *which, const char *option,
	     struct fault *why);

void find_free(struct finds *f);

#endif
