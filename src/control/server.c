#include "control/server.h"

#include "control/request.h"
#include "os/listen.h"
#include "os/sock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TICK_MS = 250 };

struct control {
	uv_poll_t poll;   /* of the listener */
	uv_timer_t timer; /* runs while there is a deadline */
	unsigned handles; /* that are open */
	struct listeners listeners;
	struct listen_request asked;
	char *path, *text;
	struct requests requests;
	bool paused;  /* nobody is accepted now */
	bool retired; /* and never again */
	bool closing;
};

static void accept_more(struct control *c);

static void on_tick(uv_timer_t *timer)
{
	struct control *c = timer->data;

	requests_close_late(&c->requests);
	accept_more(c);
	if (c->requests.count == 0 && !c->paused)
		uv_timer_stop(timer);
}

static void start_ticking(struct control *c)
{
	if (!uv_is_active((uv_handle_t *)&c->timer))
		uv_timer_start(&c->timer, on_tick, TICK_MS, TICK_MS);
}

static void on_left(struct requests *all)
{
	struct control *c = list_entry(all, struct control, requests);

	if (!c->closing)
		accept_more(c);
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
	struct control *c = poll->data;
	struct addr peer;
	int fd = 0;

	(void)status;
	(void)events;
	while (c->requests.count < CONTROL_CLIENTS_MOST) {
		fd = sock_accept(c->listeners.at[0].fd, &peer);
		if (fd == -ECONNABORTED)
			continue;
		if (fd < 0 || request_begin(&c->requests, fd) < 0)
			break;
		start_ticking(c);
	}
	if (fd == -EAGAIN)
		return;
	/* As many as there may be, or a shortage, which passes. */
	c->paused = true;
	uv_poll_stop(&c->poll);
	start_ticking(c);
}

static void accept_more(struct control *c)
{
	if (!c->paused || c->retired ||
	    c->requests.count == CONTROL_CLIENTS_MOST)
		return;
	c->paused = false;
	uv_poll_start(&c->poll, UV_READABLE, on_connection);
}

static int listen_at(struct control *c, const char *path, struct fault *why)
{
	struct sockaddr_storage ss;

	c->path = strdup(path);
	if (!c->path || asprintf(&c->text, "unix:%s", path) < 0) {
		c->text = NULL;
		return fault_set(why, -ENOMEM, "out of memory");
	}
	c->asked.text = c->text;
	c->asked.mode = 0600;
	c->asked.backlog = SOMAXCONN;
	c->asked.addr.family = AF_UNIX;
	c->asked.addr.path = c->path;
	if (addr_to_sockaddr(&c->asked.addr, &ss) == 0)
		return fault_set(why, -ENAMETOOLONG,
				 "%s: the path is too long for a socket "
				 "(choose a shorter one)",
				 path);
	return listen_open_unix(&c->asked, &c->listeners, why);
}

static void free_control(struct control *c)
{
	listen_close(&c->listeners, 0);
	free(c->path);
	free(c->text);
	free(c);
}

static void on_closed(uv_handle_t *handle)
{
	struct control *c = handle->data;

	if (--c->handles == 0)
		free_control(c);
}

int control_open(struct control **out, uv_loop_t *loop, const char *path,
		 const struct control_command *commands, void *data,
		 struct fault *why)
{
	struct control *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return fault_set(why, -ENOMEM, "out of memory");
	c->requests = (struct requests){.loop = loop,
					.commands = commands,
					.data = data,
					.left = on_left};
	list_init(&c->requests.list);
	err = listen_at(c, path, why);
	if (err == 0) {
		err = uv_poll_init(loop, &c->poll, c->listeners.at[0].fd);
		if (err < 0)
			fault_set(why, err, "%s: %s", path, uv_strerror(err));
	}
	if (err < 0) {
		free_control(c);
		return err;
	}
	uv_timer_init(loop, &c->timer);
	c->poll.data = c;
	c->timer.data = c;
	c->handles = 2;
	uv_unref((uv_handle_t *)&c->poll);
	uv_unref((uv_handle_t *)&c->timer);
	uv_poll_start(&c->poll, UV_READABLE, on_connection);
	*out = c;
	return 0;
}

const char *control_path(const struct control *c)
{
	return c->path;
}

void control_retire(struct control *c)
{
	if (c->retired)
		return;
	c->retired = true;
	c->paused = false;
	/* Not later: its descriptor may be another's by then. */
	uv_close((uv_handle_t *)&c->poll, on_closed);
	listen_close(&c->listeners, 0);
}

void control_close(struct control *c)
{
	if (!c)
		return;
	c->closing = true;
	requests_close(&c->requests);
	control_retire(c);
	uv_close((uv_handle_t *)&c->timer, on_closed);
}
