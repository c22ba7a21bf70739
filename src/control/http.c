#include "control/http_parts.h"

#include "os/sock.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	REQUEST_BYTES = 16384, /* its head and what it takes to answer */
	SNAPSHOT_GAP_MS = 50,  /* no client makes the loop do it more often */
	LOOK_MS = 1000,
	/* It counts those too that it is about to close. */
	CONNECTIONS_MOST = 2 * HTTP_CLIENTS,
};

static uint64_t now_ms(void)
{
	return uv_hrtime() / 1000000;
}

/* --- snapshots ------------------------------------------------------------ */

static void take(struct http *h);

static void ready(void *data, const struct snapshot *s)
{
	struct http *h = data;
	struct list *pos, *after;

	h->taking = false;
	h->taken_ms = now_ms();
	list_for_each_safe (pos, after, &h->batch) {
		struct request *r = list_entry(pos, struct request, node);

		list_remove(pos);
		http_answer(r, s);
		http_resume(r);
	}
	if (h->handles == 0)
		free(h);
	else
		take(h);
}

static void on_gap(uv_timer_t *timer)
{
	take(timer->data);
}

static bool wants_connections(const struct http *h)
{
	struct list *pos;

	list_for_each (pos, &h->batch)
		if (list_entry(pos, struct request, node)->page == PAGE_STATUS)
			return true;
	return false;
}

/* One for all who wait, unless one is being taken, or was just now. */
static void take(struct http *h)
{
	uint64_t due_ms = h->taken_ms + SNAPSHOT_GAP_MS, at_ms = now_ms();

	if (h->taking || h->closing || uv_is_active((uv_handle_t *)&h->gap))
		return;
	uv_mutex_lock(&h->mutex);
	if (!list_is_empty(&h->waiting) && at_ms >= due_ms)
		list_take(&h->batch, &h->waiting);
	else if (!list_is_empty(&h->waiting))
		uv_timer_start(&h->gap, on_gap, due_ms - at_ms, 0);
	uv_mutex_unlock(&h->mutex);
	if (list_is_empty(&h->batch))
		return;
	h->taking = true;
	h->source.take(h->source.data, wants_connections(h), ready, h);
}

/* --- clients -------------------------------------------------------------- */

static bool is_full(struct http *h)
{
	bool full;

	uv_mutex_lock(&h->mutex);
	full = h->visitor_count + h->arriving >= HTTP_CLIENTS;
	uv_mutex_unlock(&h->mutex);
	return full;
}

static void hand_over(struct http *h, int fd)
{
	/* Who it is does not matter, and a Unix client's address is more than
	 * libmicrohttpd 0.9.75 has room for. */
	const struct sockaddr_in nobody = {.sin_family = AF_INET};

	uv_mutex_lock(&h->mutex);
	h->arriving++;
	uv_mutex_unlock(&h->mutex);
	if (MHD_add_connection(h->daemon, fd, (const struct sockaddr *)&nobody,
			       sizeof(nobody)) == MHD_YES)
		return;
	uv_mutex_lock(&h->mutex);
	h->arriving--;
	uv_mutex_unlock(&h->mutex);
}

static void on_door(uv_poll_t *poll, int status, int events);

/* Take clients if there is room for one. */
static void open_door(struct http *h)
{
	if (h->closing || h->retired)
		return;
	if (is_full(h))
		uv_poll_stop(&h->door);
	else if (!uv_is_active((uv_handle_t *)&h->door))
		uv_poll_start(&h->door, UV_READABLE, on_door);
}

static void on_look(uv_timer_t *timer)
{
	struct http *h = timer->data;
	uint64_t at_ms = now_ms();
	bool empty;
	struct list *pos;

	uv_mutex_lock(&h->mutex);
	/* libmicrohttpd has the descriptor still: it closes it when it is told
	 * of the end, and http_visit() comes before that. */
	list_for_each (pos, &h->visitors) {
		struct visitor *v = list_entry(pos, struct visitor, node);

		if (at_ms - v->since_ms >= h->request_ms)
			shutdown(v->fd, SHUT_RDWR);
	}
	/* One that it had no memory for never becomes a visitor. */
	empty = list_is_empty(&h->visitors);
	if (empty)
		h->arriving = 0;
	uv_mutex_unlock(&h->mutex);
	open_door(h);
	if (empty)
		uv_timer_stop(timer);
}

static void on_door(uv_poll_t *poll, int status, int events)
{
	struct http *h = poll->data;
	struct addr peer;
	int fd;

	(void)status;
	(void)events;
	fd = sock_accept(h->fd, &peer);
	if (fd >= 0)
		hand_over(h, fd);
	/* At a shortage of descriptors the next look is soon enough. */
	if (fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM || fd == -ENOBUFS)
		uv_poll_stop(&h->door);
	else
		open_door(h);
	if (!uv_is_active((uv_handle_t *)&h->look))
		uv_timer_start(&h->look, on_look, LOOK_MS, LOOK_MS);
}

static void on_wake(uv_async_t *wake)
{
	struct http *h = wake->data;

	open_door(h);
	take(h);
}

static void add_visitor(struct http *h, struct MHD_Connection *connection,
			void **visitor)
{
	struct visitor *v = calloc(1, sizeof(*v));

	*visitor = v;
	if (!v)
		return;
	v->fd = MHD_get_connection_info(connection,
					MHD_CONNECTION_INFO_CONNECTION_FD)
			->connect_fd;
	v->since_ms = now_ms();
	uv_mutex_lock(&h->mutex);
	list_append(&h->visitors, &v->node);
	h->visitor_count++;
	if (h->arriving > 0)
		h->arriving--;
	uv_mutex_unlock(&h->mutex);
}

void http_visit(void *data, struct MHD_Connection *connection, void **visitor,
		enum MHD_ConnectionNotificationCode what)
{
	struct http *h = data;
	struct visitor *v = *visitor;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		add_visitor(h, connection, visitor);
	} else if (v) {
		uv_mutex_lock(&h->mutex);
		list_remove(&v->node);
		h->visitor_count--;
		if (!h->closing)
			uv_async_send(&h->wake);
		uv_mutex_unlock(&h->mutex);
		free(v);
	}
}

void http_answered(void *data, struct MHD_Connection *connection,
		   void **request, enum MHD_RequestTerminationCode how)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct http *h = data;
	struct request *r = *request;

	(void)how;
	if (r && r->answer)
		MHD_destroy_response(r->answer);
	free(r);
	*request = NULL;
	if (!info || !info->socket_context)
		return;
	uv_mutex_lock(&h->mutex);
	((struct visitor *)info->socket_context)->since_ms = now_ms();
	uv_mutex_unlock(&h->mutex);
}

/* --- beginning and end ---------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
	struct http *h = handle->data;

	if (--h->handles > 0)
		return;
	uv_mutex_destroy(&h->mutex);
	/* A snapshot that is being taken comes to us still. */
	if (!h->taking)
		free(h);
}

static void close_handle(struct http *h, uv_handle_t *handle)
{
	handle->data = h;
	uv_close(handle, on_closed);
}

static int open_handles(struct http *h)
{
	uv_handle_t *const all[] = {(uv_handle_t *)&h->wake,
				    (uv_handle_t *)&h->look,
				    (uv_handle_t *)&h->gap,
				    (uv_handle_t *)&h->door};
	int err = uv_async_init(h->loop, &h->wake, on_wake);

	if (err < 0)
		return err;
	uv_timer_init(h->loop, &h->look);
	uv_timer_init(h->loop, &h->gap);
	h->handles = 3;
	err = uv_poll_init(h->loop, &h->door, h->fd);
	if (err == 0)
		h->handles = 4;
	for (unsigned i = 0; i < h->handles; i++) {
		all[i]->data = h;
		uv_unref(all[i]);
	}
	return err;
}

static void close_handles(struct http *h)
{
	close_handle(h, (uv_handle_t *)&h->wake);
	close_handle(h, (uv_handle_t *)&h->look);
	close_handle(h, (uv_handle_t *)&h->gap);
	if (h->handles == 4)
		close_handle(h, (uv_handle_t *)&h->door);
}

static struct MHD_Daemon *start(struct http *h)
{
	return MHD_start_daemon(
		MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
			MHD_USE_NO_LISTEN_SOCKET,
		0, NULL, NULL, http_asked, h, MHD_OPTION_NOTIFY_COMPLETED,
		http_answered, h, MHD_OPTION_NOTIFY_CONNECTION, http_visit, h,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MOST,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_BYTES,
		MHD_OPTION_END);
}

int http_open(struct http **out, uv_loop_t *loop,
	      const struct http_options *opt)
{
	struct http *h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return -ENOMEM;
	h->loop = loop;
	h->fd = opt->fd;
	h->at = opt->at;
	h->hosts = opt->hosts;
	h->host_count = opt->host_count;
	h->source = opt->source;
	h->request_ms = opt->request_ms;
	list_init(&h->batch);
	list_init(&h->waiting);
	list_init(&h->visitors);
	err = uv_mutex_init(&h->mutex);
	if (err < 0)
		goto free_http;
	err = open_handles(h);
	if (err < 0 && h->handles == 0)
		goto destroy_mutex;
	if (err == 0) {
		h->daemon = start(h);
		err = h->daemon ? 0 : -EAGAIN;
	}
	if (err < 0) {
		close_handles(h);
		return err;
	}
	open_door(h);
	*out = h;
	return 0;

destroy_mutex:
	uv_mutex_destroy(&h->mutex);
free_http:
	free(h);
	return err;
}

static void refuse_all(struct list *requests)
{
	struct list *pos, *after;

	list_for_each_safe (pos, after, requests) {
		list_remove(pos);
		http_refuse(list_entry(pos, struct request, node));
	}
}

void http_retire(struct http *h)
{
	h->retired = true;
	uv_poll_stop(&h->door);
}

void http_close(struct http *h)
{
	struct list waiting;

	if (!h)
		return;
	uv_mutex_lock(&h->mutex);
	h->closing = true;
	list_take(&waiting, &h->waiting);
	uv_mutex_unlock(&h->mutex);
	refuse_all(&waiting);
	refuse_all(&h->batch);
	/* Waits for its thread; no callback comes after that. */
	MHD_stop_daemon(h->daemon);
	uv_poll_stop(&h->door);
	close(h->fd);
	close_handles(h);
}
