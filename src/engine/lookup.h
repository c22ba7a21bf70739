#ifndef LOWPORT_ENGINE_LOOKUP_H
#define LOWPORT_ENGINE_LOOKUP_H

#include "engine/worker.h"

/*
 * Names. There is one question to the resolver for each name at a time, whoever
 * waits for its answer: the resolver's threads are few, and a name that it gets
 * stuck on must not take them all.
 */

/* Who waits for an answer. */
struct lookup_wait {
	struct list node;
	/* status is 0, or libuv's word for it (UV_EAI_...); list is the
	 * resolver's, and gone afterwards. */
	void (*answered)(struct lookup_wait *wait, int status,
			 const struct addrinfo *list);
};

/* A wait that is none yet. */
void lookup_init(struct lookup_wait *wait,
		 void (*answered)(struct lookup_wait *wait, int status,
				  const struct addrinfo *list));

/* Ask; answered comes once, from a later turn of the loop. Returns 0, or a
 * negative errno when it cannot be asked. */
int lookup_ask(struct worker *w, const char *host, struct lookup_wait *wait);

/* Wait no more. The question itself cannot be taken back. */
void lookup_forget(struct lookup_wait *wait);

/* The resolver's word for it, as an errno that the access line can print. */
int lookup_error(int status);

#endif
