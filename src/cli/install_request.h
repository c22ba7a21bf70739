#ifndef LOWPORT_CLI_INSTALL_REQUEST_H
#define LOWPORT_CLI_INSTALL_REQUEST_H

#include "service/agent.h"

#include <stdbool.h>
#include <stddef.h>

/* What `lowport install` is asked for on its command line. */

/* What install itself understands; all else is an option of run. */
struct install_request {
	const char *label;
	const char *reload;
	bool print, daemon;
	bool has_file; /* -c */
	int argc;      /* the rest */
	char *const *argv;
	char *rest[AGENT_ARGUMENTS_MAX];
};

/* Sort out what is for install; r is all zero, and points into argv then.
 * Returns how many mistakes were told. */
int install_request_read(struct install_request *r, int argc,
			 char *const argv[]);

/* The value of the --listen at r->argv[*i], moving *i to it; NULL if that is
 * another option. */
const char *install_request_listener(const struct install_request *r, int *i);

/* What the agent is to be called: as was said, or after its file or its first
 * listener, in buf. */
const char *install_request_label(const struct install_request *r, char *buf,
				  size_t size);

/* Does it listen without a word on where to forward? */
bool install_request_lacks_backend(const struct install_request *r);

/* How it was asked for, as words for a shell: `PROGRAM install ...`. The caller
 * frees it; NULL: out of memory. */
char *install_request_print(const struct install_request *r,
			    const char *program);

#endif
