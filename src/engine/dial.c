#include "engine/dial.h"

#include "os/sock.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * A question to the resolver, and the dials that wait for its answer. There is
 * one for each name at a time: the resolver's threads are few, and a name that
 * it gets stuck on must not take them all. It cannot be taken back, so it lives
 * on by itself when the dials have gone.
 */
struct lookup {
	uv_getaddrinfo_t request;
	struct list node;    /* in the worker's lookups */
	struct list waiting; /* dials */
	char host[];
};

struct dial {
	struct worker *worker;
	const struct relay_route *route;
	bool speaks_first;
	size_t backend;      /* the next one of the route */
	struct addr *found;  /* the addresses of the name in hand */
	size_t count, next;  /* how many, and the next one */
	struct list lookup;  /* in the lookup's waiting, or in no list */
	struct watch *watch; /* of the attempt in progress, or NULL */
	int fd;              /* of the attempt in progress, or -1 */
	int error;           /* what the last attempt said */
	struct addr where;   /* the address tried last */
	struct deadline timeout, retry;
	dial_cb cb;
	void *data;
};

static void go_on(struct dial *d);

static void end_attempt(struct dial *d)
{
	deadline_cancel(&d->timeout);
	deadline_cancel(&d->retry);
	if (d->watch)
		watch_close(d->watch, NULL, NULL);
	d->watch = NULL;
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}

void dial_cancel(struct dial *d)
{
	end_attempt(d);
	list_remove(&d->lookup);
	free(d->found);
	free(d);
}

static void finish(struct dial *d, int error)
{
	struct addr where = d->where;
	struct watch *w = d->watch;
	dial_cb cb = d->cb;
	void *data = d->data;
	int fd = d->fd;

	if (error == 0) {
		d->watch = NULL;
		d->fd = -1;
	}
	dial_cancel(d);
	if (error == 0)
		cb(data, 0, fd, w, &where);
	else
		cb(data, error, -1, NULL, &where);
}

static void fail_attempt(struct dial *d, int error)
{
	end_attempt(d);
	d->error = error;
	go_on(d);
}

/* Nobody listens, and the port that the system chose for our end was the one
 * that we connect to: TCP then connects a socket to itself (RFC 793, 3.4). */
static bool is_itself(const struct dial *d)
{
	const struct sock_ports *chosen = &d->worker->ephemeral;
	struct addr local;

	return d->where.family != AF_UNIX && d->where.port >= chosen->first &&
	       d->where.port <= chosen->last &&
	       sock_local(d->fd, &local) == 0 && addr_equal(&local, &d->where);
}

/* The socket is writable: the connection is decided. */
static void on_decided(void *data, int ready)
{
	struct dial *d = data;
	int err = ready & WATCH_FAILED ? sock_error(d->fd) : 0;

	if (err == 0 && is_itself(d))
		err = -ECONNREFUSED;
	if (err < 0)
		fail_attempt(d, err);
	else
		finish(d, 0);
}

/* Is it a shortage of ours that may pass, rather than an answer? */
static bool is_shortage(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOBUFS ||
	       err == -ENOMEM;
}

static void set_options(const struct dial *d, int fd)
{
	if (d->where.family == AF_UNIX)
		return;
	sock_nodelay(fd);
	sock_inline_urgent(fd);
	if (d->speaks_first)
		sock_speaks_first(fd);
}

static int open_socket(struct dial *d)
{
	int err, fd = sock_open(d->where.family);

	if (fd < 0)
		return fd;
	set_options(d, fd);
	err = watch_open(&d->watch, &d->worker->watches, fd, on_decided, d);
	if (err < 0) {
		close(fd);
		return err;
	}
	d->fd = fd;
	return 0;
}

/* Try d->where. Returns 0 when it is under way or has succeeded (d may be gone
 * then), or what went wrong. */
static int attempt(struct dial *d)
{
	int err = d->fd < 0 ? open_socket(d) : 0;

	if (is_shortage(err)) {
		d->worker->events->starved(d->worker->owner, err);
		worker_arm(d->worker, QUEUE_RETRY, &d->retry);
		return 0;
	}
	if (err == 0)
		err = sock_connect(d->fd, &d->where);
	if (err == -EINPROGRESS) {
		watch_for(d->watch, WATCH_WRITE);
		return 0;
	}
	/* The backlog of a Unix listener is full: nothing will tell when it no
	 * longer is. */
	if (err == -EAGAIN) {
		worker_arm(d->worker, QUEUE_RETRY, &d->retry);
		return 0;
	}
	if (err == 0)
		finish(d, 0);
	return err;
}

/* The same address again; its timeout runs on. */
void dial_retry(struct deadline *deadline)
{
	struct dial *d = list_entry(deadline, struct dial, retry);
	int err = attempt(d);

	if (err < 0)
		fail_attempt(d, err);
}

void dial_timed_out(struct deadline *deadline)
{
	struct dial *d = list_entry(deadline, struct dial, timeout);

	list_remove(&d->lookup);
	fail_attempt(d, -ETIMEDOUT);
}

static void keep_found(struct dial *d, const struct addrinfo *list,
		       uint16_t port)
{
	const struct addrinfo *ai;
	size_t count = 0;

	for (ai = list; ai; ai = ai->ai_next)
		count++;
	free(d->found);
	d->found = calloc(count ? count : 1, sizeof(*d->found));
	d->next = 0;
	d->count = 0;
	for (ai = list; ai && d->found; ai = ai->ai_next) {
		struct addr *a = &d->found[d->count];

		addr_from_sockaddr(a, ai->ai_addr, ai->ai_addrlen);
		a->port = port;
		if (a->family != AF_UNSPEC)
			d->count++;
	}
}

/* The resolver's word for it, as an errno that the access line can print. */
static int lookup_error(int status)
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

static void answer(struct dial *d, int status, const struct addrinfo *list)
{
	deadline_cancel(&d->timeout);
	if (status < 0)
		d->error = lookup_error(status);
	else
		keep_found(d, list,
			   d->route->backends[d->backend - 1].addr.port);
	go_on(d);
}

static void on_found(uv_getaddrinfo_t *request, int status,
		     struct addrinfo *list)
{
	struct lookup *l = list_entry(request, struct lookup, request);

	/* Whoever asks for the name from here on gets a fresh answer. */
	list_remove(&l->node);
	while (!list_is_empty(&l->waiting)) {
		struct dial *d =
			list_entry(l->waiting.next, struct dial, lookup);

		list_remove(&d->lookup);
		answer(d, status, list);
	}
	if (list)
		uv_freeaddrinfo(list);
	free(l);
}

static struct lookup *find_lookup(const struct worker *w, const char *host)
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

/* Returns 0 when the answer is on its way. */
static int look_up(struct dial *d, const char *host)
{
	struct lookup *l = find_lookup(d->worker, host);
	int err = l ? 0 : ask(d->worker, host, &l);

	if (err < 0)
		return err;
	list_append(&l->waiting, &d->lookup);
	worker_arm(d->worker, QUEUE_CONNECT, &d->timeout);
	return 0;
}

static int find_localhost(struct dial *d, const struct addr both[2])
{
	free(d->found);
	d->found = calloc(2, sizeof(*d->found));
	d->next = 0;
	d->count = d->found ? 2 : 0;
	if (!d->found)
		return -ENOMEM;
	memcpy(d->found, both, 2 * sizeof(*both));
	return 0;
}

/* Put the next address into d->where. Returns 0, -EINPROGRESS when a name is
 * being looked up, -ENOENT when there is none left. */
static int next_address(struct dial *d)
{
	for (;;) {
		const struct relay_backend *b;
		struct addr both[2];
		int err;

		if (d->next < d->count) {
			d->where = d->found[d->next++];
			return 0;
		}
		if (d->backend == d->route->count)
			return -ENOENT;
		b = &d->route->backends[d->backend++];
		if (!b->host) {
			d->where = b->addr;
			return 0;
		}
		if (addr_localhost(b->host, b->addr.port, both)) {
			d->error = find_localhost(d, both);
			continue;
		}
		err = look_up(d, b->host);
		if (err == 0)
			return -EINPROGRESS;
		d->error = err;
	}
}

/* Go through the addresses until one is under way, or none is left. */
static void go_on(struct dial *d)
{
	for (;;) {
		int err = next_address(d);

		if (err == -EINPROGRESS)
			return;
		if (err < 0)
			break;
		worker_arm(d->worker, QUEUE_CONNECT, &d->timeout);
		err = attempt(d);
		if (err == 0)
			return;
		end_attempt(d);
		d->error = err;
	}
	finish(d, d->error);
}

int dial_start(struct dial **out, struct worker *w,
	       const struct relay_route *route, bool speaks_first, dial_cb cb,
	       void *data)
{
	struct dial *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->worker = w;
	d->route = route;
	d->speaks_first = speaks_first;
	d->fd = -1;
	d->error = -EHOSTUNREACH;
	d->cb = cb;
	d->data = data;
	list_init(&d->lookup);
	deadline_init(&d->timeout);
	deadline_init(&d->retry);
	*out = d;
	go_on(d);
	return 0;
}
