#ifndef LOWPORT_CONFIG_HTTP_H
#define LOWPORT_CONFIG_HTTP_H

#include "config/spec.h"

/* Where lowport tells over HTTP what it does, and to whom. */
struct config_http {
	struct listener_spec at; /* its text is NULL: nowhere */
	char **hosts;            /* beside localhost and the address */
	size_t host_count;
	uint64_t anywhere; /* 0: only to this machine */
};

/* ADDR:PORT, unix:/path or off. Returns 0, or -EINVAL or -ENOMEM with *why. */
int http_set(struct config_http *h, const char *text, struct fault *why);

/* A name, or an address, that a Host header may have. Likewise. */
int http_add_host(struct config_http *h, const char *text, struct fault *why);

/* May others than this machine reach it, and has nobody said that they may?
 * -EINVAL with *why; else 0. */
int http_check(const struct config_http *h, struct fault *why);

void http_free(struct config_http *h);

#endif
