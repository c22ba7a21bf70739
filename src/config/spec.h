#ifndef LOWPORT_CONFIG_SPEC_H
#define LOWPORT_CONFIG_SPEC_H

#include "base/fault.h"
#include "lowport.h"
#include "os/listen.h"

/*
 * What a listener and a backend are called: one grammar for the command line
 * and for files.
 *
 *   listener   ADDR:PORT  *:PORT  unix:/path  if:INTERFACE[+ll]:PORT
 *              SOURCE[:NAME][@ADDR:PORT]  SOURCE[:NAME][@if:INTERFACE[:PORT]]
 *              (port 0 where we bind: any free one)
 *   backend    ADDR:PORT  PORT  NAME:PORT  unix:/path
 *              (and auto, unix:auto, which config.c knows)
 */

/* A parsed listener. Its strings are its own. */
struct listener_spec {
	const struct listen_source *source;
	struct listen_request request; /* mode and backlog left at 0 */
	char *text, *name, *path, *interface;
};

/* Returns 0, or -EINVAL or -ENOMEM with *why; the caller frees what came out
 * with 0. */
int spec_parse_listener(struct listener_spec *out, const char *text,
			struct fault *why);

void spec_free_listener(struct listener_spec *spec);

/* A parsed backend; out->host or out->addr.path is owned by *strings, which the
 * caller frees. Returns 0, or -EINVAL or -ENOMEM with *why. */
int spec_parse_backend(struct relay_backend *out, char **strings,
		       const char *text, struct fault *why);

#endif
