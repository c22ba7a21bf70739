#include "engine/proxy_header.h"

#include "os/sock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Bytes that are skipped in one go. */
enum { SKIP = 4096 };

struct proxy_wait {
	int fd;
	struct watch *watch;
	struct deadline timeout;
	proxy_cb cb;
	void *data;
	struct proxy_header header;
	size_t have; /* in bytes; they are taken from the socket */
	size_t left; /* of a header that is understood, to be skipped */
	uint8_t bytes[PROXY_ROOM];
};

bool proxy_is_front(const struct relay_route *route, const struct addr *peer)
{
	if (peer->family == AF_UNIX)
		return route->unix_fronts;
	for (size_t i = 0; i < route->front_count; i++)
		if (cidr_contains(&route->fronts[i], peer))
			return true;
	return false;
}

/* Returns the bytes taken, 0 at the end, or a negative errno. */
static ssize_t get(int fd, void *buf, size_t size, int flags)
{
	ssize_t n;

	do
		n = recv(fd, buf, size, flags);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static int skip(struct proxy_wait *p)
{
	char nobody[SKIP];

	while (p->left > 0) {
		size_t most = p->left < SKIP ? p->left : SKIP;
		ssize_t n = get(p->fd, nobody, most, 0);

		if (n <= 0)
			return n < 0 ? (int)n : -EPROTO;
		p->left -= (size_t)n;
	}
	return 0;
}

/* Take what has come. Returns 0 when p->header has it, -EAGAIN when there is
 * more to come, or what proxy_cb is told. */
static int take(struct proxy_wait *p)
{
	while (p->left == 0) {
		uint8_t *at = p->bytes + p->have;
		ssize_t n = get(p->fd, at, PROXY_ROOM - p->have, MSG_PEEK);
		size_t length;

		if (n == 0)
			return p->have > 0 ? -EPROTO : -ENODATA;
		if (n < 0)
			return (int)n;
		switch (proxy_parse(p->bytes, p->have + (size_t)n, &p->header,
				    &length)) {
		case PROXY_MALFORMED:
			return -EPROTO;
		case PROXY_DONE:
			p->left = length - p->have;
			break;
		case PROXY_NEED_MORE:
			/* All of it is the header's; what is not taken would
			 * be told of again and again. */
			n = get(p->fd, at, (size_t)n, 0);
			if (n < 0)
				return (int)n;
			p->have += (size_t)n;
		}
	}
	return skip(p);
}

void proxy_cancel(struct proxy_wait *p)
{
	deadline_cancel(&p->timeout);
	free(p);
}

static void finish(struct proxy_wait *p, int error)
{
	struct proxy_header header = p->header;
	proxy_cb cb = p->cb;
	void *data = p->data;

	watch_for(p->watch, 0);
	/* What came behind the header has been told of here. */
	watch_more(p->watch);
	proxy_cancel(p);
	cb(data, error, &header);
}

static void on_ready(void *data, int ready)
{
	struct proxy_wait *p = data;
	int err = take(p);

	(void)ready;
	if (err == -EAGAIN)
		watch_for(p->watch, WATCH_READ);
	else
		finish(p, err);
}

void proxy_timed_out(struct deadline *d)
{
	finish(list_entry(d, struct proxy_wait, timeout), -ETIMEDOUT);
}

int proxy_await(struct proxy_wait **out, struct worker *w, uint64_t timeout_ms,
		int fd, struct watch *watch, proxy_cb cb, void *data)
{
	struct proxy_wait *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->fd = fd;
	p->watch = watch;
	p->cb = cb;
	p->data = data;
	deadline_init(&p->timeout);
	worker_arm_for(w, TIMEOUT_HEADER, timeout_ms, &p->timeout);
	watch_hand_over(watch, on_ready, p);
	*out = p;
	on_ready(p, WATCH_READ);
	return 0;
}

int proxy_introduce(struct pump *up, enum proxy_version version,
		    const struct addr *client, const struct addr *local, int fd)
{
	uint8_t header[PROXY_ROOM];
	struct addr real = *local;

	if (addr_is_wildcard(local))
		sock_local(fd, &real);
	return pump_prefix(up, header,
			   proxy_print(header, version, client, &real));
}
