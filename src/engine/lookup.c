#include "engine/lookup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A question. It cannot be taken back, so it lives on by itself when those who
 * wait have gone. */
struct lookup {
	uv_getaddrinfo_t request;
	struct list node;    /* in the worker's lookups */
	struct list waiting; /* of struct lookup_wait */
	char host[];
};

int lookup_error(int status)
{
	switch (status) {
	case UV_EAI_AGAIN:
		return -EAGAIN;
	case UV_EAI_MEMORY:
		return -ENOMEM;
	default:
		return -ENXIO;
	}
}

static void on_found(uv_getaddrinfo_t *request, int status,
		     struct addrinfo *list)
{
	struct lookup *l = list_entry(request, struct lookup, request);

	/* Whoever asks for the name from here on gets a fresh answer. */
	list_remove(&l->node);
	while (!list_is_empty(&l->waiting)) {
		struct lookup_wait *wait =
			list_entry(l->waiting.next, struct lookup_wait, node);

		list_remove(&wait->node);
		wait->answered(wait, status, list);
	}
	if (list)
		uv_freeaddrinfo(list);
	free(l);
}

static struct lookup *find(const struct worker *w, const char *host)
{
	struct list *pos;

	list_for_each (pos, &w->lookups) {
		struct lookup *l = list_entry(pos, struct lookup, node);

		if (strcmp(l->host, host) == 0)
			return l;
	}
	return NULL;
}

static int ask(struct worker *w, const char *host, struct lookup **out)
{
	static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	size_t size = strlen(host) + 1;
	struct lookup *l = malloc(sizeof(*l) + size);
	int err;

	if (!l)
		return -ENOMEM;
	memcpy(l->host, host, size);
	err = uv_getaddrinfo(w->loop, &l->request, on_found, l->host, NULL,
			     &hints);
	if (err < 0) {
		free(l);
		return err;
	}
	list_init(&l->waiting);
	list_init(&l->node);
	list_append(&w->lookups, &l->node);
	*out = l;
	return 0;
}

void lookup_init(struct lookup_wait *wait,
		 void (*answered)(struct lookup_wait *wait, int status,
				  const struct addrinfo *list))
{
	list_init(&wait->node);
	wait->answered = answered;
}

int lookup_ask(struct worker *w, const char *host, struct lookup_wait *wait)
{
	struct lookup *l = find(w, host);
	int err = l ? 0 : ask(w, host, &l);

	if (err == 0)
		list_append(&l->waiting, &wait->node);
	return err;
}

void lookup_forget(struct lookup_wait *wait)
{
	list_remove(&wait->node);
}
