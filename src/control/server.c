#include "control/server.h"

#include "base/list.h"
#include "control/json.h"
#include "os/listen.h"
#include "os/sock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TICK_MS = 250 };

struct control {
	uv_loop_t *loop;
	uv_poll_t poll;   /* of the listener */
	uv_timer_t timer; /* runs while there is a deadline */
	unsigned handles; /* that are open */
	struct listeners listeners;
	struct listen_request asked;
	char *path, *text;
	const struct control_command *commands;
	void *data;
	struct list clients;
	size_t count;
	bool paused;  /* nobody is accepted now */
	bool retired; /* and never again */
	bool closing;
};

/* How far a client is. */
enum stage {
	ASKING,    /* its line is awaited */
	WAITING,   /* a command has it, and nobody looks at the socket */
	ANSWERING, /* it is given the answer */
};

struct control_request {
	struct list node;
	struct control *control; /* NULL: it has been closed */
	uv_poll_t poll;
	int fd;
	uid_t user;
	enum stage stage;
	uint64_t due_ms; /* of ASKING and ANSWERING */
	char line[CONTROL_REQUEST_MOST + 1];
	size_t length;
	char *answer;
	size_t answer_length, sent; /* its newline included */
	const int *files;           /* until the first byte is sent */
	size_t file_count;
	bool closed, answered; /* once control is NULL; freed with both */
};

static void accept_more(struct control *c);

static void on_request_closed(uv_handle_t *handle)
{
	struct control_request *q = handle->data;

	free(q->answer);
	free(q);
}

/* Take the client off, whose socket is closed. */
static void leave(struct control_request *q)
{
	struct control *c = q->control;

	list_remove(&q->node);
	q->control = NULL;
	c->count--;
	if (!c->closing)
		accept_more(c);
}

static void drop(struct control_request *q)
{
	uv_close((uv_handle_t *)&q->poll, on_request_closed);
	close(q->fd);
	leave(q);
}

static void on_tick(uv_timer_t *timer)
{
	struct control *c = timer->data;
	uint64_t now_ms = uv_now(c->loop);
	struct list *pos, *after;

	list_for_each_safe (pos, after, &c->clients) {
		struct control_request *q =
			list_entry(pos, struct control_request, node);

		if (q->stage != WAITING && now_ms >= q->due_ms)
			drop(q);
	}
	accept_more(c);
	if (c->count == 0 && !c->paused)
		uv_timer_stop(timer);
}

static void set_deadline(struct control_request *q)
{
	struct control *c = q->control;

	q->due_ms = uv_now(c->loop) + CONTROL_PATIENCE_MS;
	if (!uv_is_active((uv_handle_t *)&c->timer))
		uv_timer_start(&c->timer, on_tick, TICK_MS, TICK_MS);
}

/* The descriptors go with the first byte. */
static void add_files(struct msghdr *m, const int *files, size_t count)
{
	struct cmsghdr *head;

	m->msg_controllen = (socklen_t)CMSG_SPACE(count * sizeof(*files));
	head = CMSG_FIRSTHDR(m);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = (socklen_t)CMSG_LEN(count * sizeof(*files));
	memcpy(CMSG_DATA(head), files, count * sizeof(*files));
}

/* Returns the bytes that were taken, or a negative errno. */
static ssize_t send_some(struct control_request *q)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(CONTROL_FILES_MOST * sizeof(int))];
	} files;
	struct iovec piece = {.iov_base = q->answer + q->sent,
			      .iov_len = q->answer_length - q->sent};
	struct msghdr m = {.msg_iov = &piece, .msg_iovlen = 1};
	ssize_t n;

	if (q->file_count > 0) {
		memset(&files, 0, sizeof(files));
		m.msg_control = files.room;
		add_files(&m, q->files, q->file_count);
	}
	do
		n = sendmsg(q->fd, &m, 0);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static void on_writable(uv_poll_t *poll, int status, int events);

static void go_on_answering(struct control_request *q)
{
	while (q->sent < q->answer_length) {
		ssize_t n = send_some(q);

		/* Nothing was sent before the descriptors: there is room. */
		if (n < 0 && (n != -EAGAIN || q->file_count > 0))
			break;
		if (n < 0) {
			uv_poll_start(&q->poll, UV_WRITABLE, on_writable);
			return;
		}
		q->sent += (size_t)n;
		q->file_count = 0;
	}
	drop(q);
}

static void on_writable(uv_poll_t *poll, int status, int events)
{
	struct control_request *q = poll->data;

	(void)events;
	if (status < 0)
		drop(q);
	else
		go_on_answering(q);
}

static void free_orphan(struct control_request *q)
{
	if (q->closed && q->answered)
		free(q);
}

/* Put the newline behind it. */
static bool finish_answer(struct control_request *q, char *json)
{
	static const char none[] = "{\"error\":\"out of memory\"}";
	size_t length;
	char *more;

	if (!json)
		json = strdup(none);
	length = json ? strlen(json) : 0;
	more = json ? realloc(json, length + 2) : NULL;
	if (!more) {
		free(json);
		return false;
	}
	memcpy(more + length, "\n", 2);
	q->answer = more;
	q->answer_length = length + 1;
	return true;
}

void control_answer_files(struct control_request *q, char *json,
			  const int *files, size_t count)
{
	if (!q->control) {
		free(json);
		q->answered = true;
		free_orphan(q);
		return;
	}
	q->stage = ANSWERING;
	q->files = files;
	q->file_count = count < CONTROL_FILES_MOST ? count : CONTROL_FILES_MOST;
	set_deadline(q);
	if (finish_answer(q, json))
		go_on_answering(q);
	else
		drop(q);
}

void control_answer(struct control_request *q, char *json)
{
	control_answer_files(q, json, NULL, 0);
}

void control_refuse(struct control_request *q, const char *format, ...)
{
	struct json j = {.first = true};
	char text[sizeof(struct fault)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_begin(&j, NULL, '{');
	json_string(&j, "error", text);
	json_end(&j, '}');
	control_answer(q, text_take(&j.text));
}

uid_t control_user(const struct control_request *q)
{
	return q->user;
}

static void refuse_unknown(struct control_request *q, const char *name)
{
	const struct control_command *known = q->control->commands;
	char names[256] = "";
	size_t n = 0;

	for (; known->name && n < sizeof(names); known++)
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s",
				      n > 0 ? ", " : "", known->name);
	control_refuse(q,
		       "\"%.64s\" is no command of lowport %s (which knows %s)",
		       name, LOWPORT_VERSION, names);
}

static void obey(struct control_request *q)
{
	struct control *c = q->control;
	size_t name = strcspn(q->line, " ");
	char *argument = q->line + name;

	while (*argument == ' ')
		*argument++ = '\0';
	q->stage = WAITING;
	uv_poll_stop(&q->poll);
	for (const struct control_command *i = c->commands; i->name; i++) {
		if (strcmp(i->name, q->line) != 0)
			continue;
		i->handle(c->data, q, argument);
		return;
	}
	refuse_unknown(q, q->line);
}

/* A line without its end may be a part of another: kill 17 of kill 172. */
static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct control_request *q = poll->data;
	char *newline;
	ssize_t n;

	(void)events;
	n = status < 0 ? -1
		       : read(q->fd, q->line + q->length,
			      CONTROL_REQUEST_MOST - q->length);
	if (n < 0 && status == 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(q);
		return;
	}
	newline = memchr(q->line + q->length, '\n', (size_t)n);
	q->length += (size_t)n;
	if (newline && strlen(q->line) < (size_t)(newline - q->line)) {
		control_refuse(q, "the request is no text");
	} else if (newline) {
		*newline = '\0';
		obey(q);
	} else if (q->length == CONTROL_REQUEST_MOST) {
		control_refuse(q, "the request is too long (at most %d bytes)",
			       CONTROL_REQUEST_MOST);
	}
}

static bool is_welcome(const struct control_request *q)
{
	return q->user == geteuid() || q->user == 0;
}

/* Takes fd. */
static int begin(struct control *c, int fd)
{
	struct control_request *q = calloc(1, sizeof(*q));
	int err = q ? sock_peer_user(fd, &q->user) : -ENOMEM;

	if (err == 0)
		err = uv_poll_init(c->loop, &q->poll, fd);
	if (err < 0) {
		free(q);
		close(fd);
		return err;
	}
	uv_unref((uv_handle_t *)&q->poll);
	q->poll.data = q;
	q->control = c;
	q->fd = fd;
	list_append(&c->clients, &q->node);
	c->count++;
	set_deadline(q);
	if (is_welcome(q))
		uv_poll_start(&q->poll, UV_READABLE, on_readable);
	else
		control_refuse(q,
			       "this lowport answers its own user (%u) and "
			       "root, and nobody else",
			       (unsigned)geteuid());
	return 0;
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
	struct control *c = poll->data;
	struct addr peer;
	int fd = 0;

	(void)status;
	(void)events;
	while (c->count < CONTROL_CLIENTS_MOST) {
		fd = sock_accept(c->listeners.at[0].fd, &peer);
		if (fd == -ECONNABORTED)
			continue;
		if (fd < 0 || begin(c, fd) < 0)
			break;
	}
	if (fd == -EAGAIN)
		return;
	/* As many as there may be, or a shortage, which passes. */
	c->paused = true;
	uv_poll_stop(&c->poll);
	if (!uv_is_active((uv_handle_t *)&c->timer))
		uv_timer_start(&c->timer, on_tick, TICK_MS, TICK_MS);
}

static void accept_more(struct control *c)
{
	if (!c->paused || c->retired || c->count == CONTROL_CLIENTS_MOST)
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
	c->loop = loop;
	c->commands = commands;
	c->data = data;
	list_init(&c->clients);
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

static void on_orphaned(uv_handle_t *handle)
{
	struct control_request *q = handle->data;

	q->closed = true;
	free_orphan(q);
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
	struct list *pos, *after;

	if (!c)
		return;
	c->closing = true;
	list_for_each_safe (pos, after, &c->clients) {
		struct control_request *q =
			list_entry(pos, struct control_request, node);

		if (q->stage != WAITING) {
			drop(q);
			continue;
		}
		uv_close((uv_handle_t *)&q->poll, on_orphaned);
		close(q->fd);
		leave(q);
	}
	control_retire(c);
	uv_close((uv_handle_t *)&c->timer, on_closed);
}
