#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

/*
 * The backend. Two loops, each on a thread of its own, so that who sends bulk
 * does not delay who echoes: a connection starts on the echoing one, and if it
 * asks for bulk, a duplicate of its descriptor goes to the other through a
 * pipe.
 */

struct peer {
	union {
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	};
	uv_write_t write;
	int known; /* its first byte has been read */
};

/* What the far side has not taken of an echo. */
struct rest {
	uv_write_t write;
	char bytes[];
};

/* Who asks for bulk: fewer bytes than a pipe splits. */
struct handover {
	int fd;
	uv_handle_type type;
};

static char scratch[LOAD_CHUNK];
static char source[LOAD_CHUNK];
static int handover[2];

static void free_peer(uv_handle_t *h)
{
	free(h->data);
}

static void drop(struct peer *p)
{
	if (!uv_is_closing((uv_handle_t *)&p->stream))
		uv_close((uv_handle_t *)&p->stream, free_peer);
}

static struct peer *new_peer(uv_loop_t *loop, uv_handle_type type)
{
	struct peer *p = calloc(1, sizeof(*p));

	if (!p)
		load_die("a peer", ENOMEM);
	if (type == UV_NAMED_PIPE)
		uv_pipe_init(loop, &p->pipe, 0);
	else
		uv_tcp_init(loop, &p->tcp);
	p->stream.data = p;
	return p;
}

static void send_more(uv_write_t *write, int status)
{
	struct peer *p = write->data;
	uv_buf_t buf = uv_buf_init(source, sizeof(source));

	if (status < 0 || uv_write(write, &p->stream, &buf, 1, send_more) < 0)
		drop(p);
}

static void take_over(uv_loop_t *loop, const struct handover *given)
{
	struct peer *p = new_peer(loop, given->type);

	if (given->type == UV_NAMED_PIPE)
		uv_pipe_open(&p->pipe, given->fd);
	else
		uv_tcp_open(&p->tcp, given->fd);
	p->write.data = p;
	send_more(&p->write, 0);
}

/* On the bulk loop. All that wait are taken at once: a turn of this loop is
 * long, and those that wait for the next would look stalled. */
static void on_handover(uv_poll_t *poll, int status, int events)
{
	struct handover given[256];
	ssize_t n = read(handover[0], given, sizeof(given));

	(void)status;
	(void)events;
	for (ssize_t i = 0; i < n / (ssize_t)sizeof(given[0]); i++)
		take_over(poll->loop, &given[i]);
}

static void run_bulk(void *arg)
{
	uv_loop_t loop;
	uv_poll_t poll;

	(void)arg;
	uv_loop_init(&loop);
	uv_poll_init(&loop, &poll, handover[0]);
	uv_poll_start(&poll, UV_READABLE, on_handover);
	uv_run(&loop, UV_RUN_DEFAULT);
}

static void hand_over(struct peer *p)
{
	struct handover given = {.type = p->stream.type};
	uv_os_fd_t fd;

	uv_fileno((uv_handle_t *)&p->stream, &fd);
	given.fd = dup(fd);
	drop(p);
	if (given.fd < 0 || write(handover[1], &given, sizeof(given)) < 0)
		load_die("handing a connection over", errno);
}

static void echoed(uv_write_t *write, int status)
{
	struct peer *p = write->handle->data;

	free(write->data);
	if (status < 0)
		drop(p);
}

static void echo(struct peer *p, const char *bytes, size_t size)
{
	uv_buf_t buf = uv_buf_init((char *)bytes, (unsigned)size);
	int n = uv_try_write(&p->stream, &buf, 1);
	struct rest *rest;

	if (n == (int)size)
		return;
	if (n < 0)
		n = 0;
	size -= (size_t)n;
	rest = malloc(sizeof(*rest) + size);
	if (!rest)
		load_die("an echo", ENOMEM);
	memcpy(rest->bytes, bytes + n, size);
	rest->write.data = rest;
	buf = uv_buf_init(rest->bytes, (unsigned)size);
	if (uv_write(&rest->write, &p->stream, &buf, 1, echoed) < 0) {
		free(rest);
		drop(p);
	}
}

static void lend(uv_handle_t *h, size_t size, uv_buf_t *buf)
{
	(void)h;
	(void)size;
	*buf = uv_buf_init(scratch, sizeof(scratch));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct peer *p = stream->data;
	const char *bytes = buf->base;

	if (n < 0) {
		drop(p);
		return;
	}
	if (n > 0 && !p->known) {
		p->known = 1;
		if (*bytes == LOAD_SOURCE) {
			hand_over(p);
			return;
		}
		bytes++;
		n--;
	}
	if (n > 0)
		echo(p, bytes, (size_t)n);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct peer *p;

	if (status < 0)
		return;
	p = new_peer(listener->loop, listener->type);
	if (uv_accept(listener, &p->stream) < 0) {
		drop(p);
		return;
	}
	if (p->stream.type == UV_TCP)
		uv_tcp_nodelay(&p->tcp, 1);
	uv_read_start(&p->stream, lend, on_read);
}

void load_serve(const struct load_args *args)
{
	uv_loop_t *loop = uv_default_loop();
	struct sockaddr_in sin;
	uv_thread_t bulk;
	uv_pipe_t unix_listener;
	uv_tcp_t tcp_listener;
	int err;

	if (pipe(handover) < 0)
		load_die("a pipe", errno);
	uv_tcp_init(loop, &tcp_listener);
	uv_ip4_addr("127.0.0.1", (int)args->number[0], &sin);
	uv_tcp_bind(&tcp_listener, (struct sockaddr *)&sin, 0);
	err = uv_listen((uv_stream_t *)&tcp_listener, 4096, on_connection);
	if (err < 0)
		load_die("listening", err);
	if (args->path) {
		uv_pipe_init(loop, &unix_listener, 0);
		err = uv_pipe_bind(&unix_listener, args->path);
		if (err == 0)
			err = uv_listen((uv_stream_t *)&unix_listener, 4096,
					on_connection);
		if (err < 0)
			load_die(args->path, err);
		uv_pipe_chmod(&unix_listener, UV_READABLE | UV_WRITABLE);
	}
	uv_thread_create(&bulk, run_bulk, NULL);
	uv_run(loop, UV_RUN_DEFAULT);
}
