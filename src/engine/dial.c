#include "engine/dial.h"

#include "os/sock.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A question to the resolver. It cannot be taken back once a thread works on
 * it, so it lives on by itself when the dial has gone. */
struct lookup {
	uv_getaddrinfo_t request;
	struct dial *dial; /* NULL: nobody waits for the answer any more */
};

struct dial {
	struct worker *worker;
	const struct relay_route *route;
	size_t backend;        /* the next one of the route */
	struct addr *found;    /* the addresses of the name in hand */
	size_t count, next;    /* how many, and the next one */
	struct lookup *lookup; /* in progress, or NULL */
	struct watch *watch;   /* of the attempt in progress, or NULL */
	int fd;                /* of the attempt in progress, or -1 */
	int error;             /* what the last attempt said */
	struct addr where;     /* the address tried last */
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
	if (d->lookup) {
		d->lookup->dial = NULL;
		uv_cancel((uv_req_t *)&d->lookup->request);
	}
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
		watch_for(w, 0);
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

/* The socket is writable: the connection is decided. */
static void on_decided(void *data, int ready)
{
	struct dial *d = data;
	int err = sock_error(d->fd);

	(void)ready;
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

static int open_socket(struct dial *d)
{
	const struct relay_options *opt = d->worker->options;
	int err, fd = sock_open(d->where.family);

	if (fd < 0)
		return fd;
	sock_nodelay(fd);
	if (opt->keepalive_s > 0)
		sock_keepalive(fd, opt->keepalive_s);
	err = watch_open(&d->watch, d->worker->loop, fd, on_decided, d);
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
	int err = open_socket(d);

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

void dial_retry(struct deadline *deadline)
{
	struct dial *d = list_entry(deadline, struct dial, retry);
	int err;

	/* The same address again; its timeout runs on. */
	if (d->watch)
		watch_close(d->watch, NULL, NULL);
	d->watch = NULL;
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
	err = attempt(d);
	if (err < 0)
		fail_attempt(d, err);
}

void dial_timed_out(struct deadline *deadline)
{
	struct dial *d = list_entry(deadline, struct dial, timeout);

	if (d->lookup) {
		d->lookup->dial = NULL;
		uv_cancel((uv_req_t *)&d->lookup->request);
		d->lookup = NULL;
	}
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

static void on_found(uv_getaddrinfo_t *request, int status,
		     struct addrinfo *list)
{
	struct lookup *l = (struct lookup *)(void *)request;
	struct dial *d = l->dial;

	if (d) {
		d->lookup = NULL;
		deadline_cancel(&d->timeout);
		if (status < 0)
			d->error = lookup_error(status);
		else
			keep_found(
				d, list,
				d->route->backends[d->backend - 1].addr.port);
	}
	if (list)
		uv_freeaddrinfo(list);
	free(l);
	if (d)
		go_on(d);
}

/* Returns 0 when the answer is on its way. */
static int look_up(struct dial *d, const char *host)
{
	static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct lookup *l = malloc(sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	err = uv_getaddrinfo(d->worker->loop, &l->request, on_found, host, NULL,
			     &hints);
	if (err < 0) {
		free(l);
		return err;
	}
	l->dial = d;
	d->lookup = l;
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
	       const struct relay_route *route, dial_cb cb, void *data)
{
	struct dial *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->worker = w;
	d->route = route;
	d->fd = -1;
	d->error = -EHOSTUNREACH;
	d->cb = cb;
	d->data = data;
	deadline_init(&d->timeout);
	deadline_init(&d->retry);
	*out = d;
	go_on(d);
	return 0;
}
