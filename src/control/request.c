#include "control/request.h"

#include "control/json.h"
#include "os/sock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How far a client is. */
enum stage {
	ASKING,    /* its line is awaited */
	WAITING,   /* a command has it, and nobody looks at the socket */
	ANSWERING, /* it is given the answer */
};

struct control_request {
	struct list node;
	struct requests *requests; /* NULL: it has left */
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
	bool closed, answered; /* once requests is NULL; freed with both */
};

static void on_request_closed(uv_handle_t *handle)
{
	struct control_request *q = handle->data;

	free(q->answer);
	free(q);
}

/* Take the client off, whose socket is closed. */
static void leave(struct control_request *q)
{
	struct requests *all = q->requests;

	list_remove(&q->node);
	q->requests = NULL;
	all->count--;
	all->left(all);
}

static void drop(struct control_request *q)
{
	uv_close((uv_handle_t *)&q->poll, on_request_closed);
	close(q->fd);
	leave(q);
}

static void set_deadline(struct control_request *q)
{
	q->due_ms = uv_now(q->requests->loop) + CONTROL_PATIENCE_MS;
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
	if (!q->requests) {
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
	const struct control_command *known = q->requests->commands;
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
	struct requests *all = q->requests;
	size_t name = strcspn(q->line, " ");
	char *argument = q->line + name;

	while (*argument == ' ')
		*argument++ = '\0';
	q->stage = WAITING;
	uv_poll_stop(&q->poll);
	for (const struct control_command *i = all->commands; i->name; i++) {
		if (strcmp(i->name, q->line) != 0)
			continue;
		i->handle(all->data, q, argument);
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

int request_begin(struct requests *all, int fd)
{
	struct control_request *q = calloc(1, sizeof(*q));
	int err = q ? sock_peer_user(fd, &q->user) : -ENOMEM;

	if (err == 0)
		err = uv_poll_init(all->loop, &q->poll, fd);
	if (err < 0) {
		free(q);
		close(fd);
		return err;
	}
	uv_unref((uv_handle_t *)&q->poll);
	q->poll.data = q;
	q->requests = all;
	q->fd = fd;
	list_append(&all->list, &q->node);
	all->count++;
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

void requests_close_late(struct requests *all)
{
	uint64_t now_ms = uv_now(all->loop);
	struct list *pos, *after;

	list_for_each_safe (pos, after, &all->list) {
		struct control_request *q =
			list_entry(pos, struct control_request, node);

		if (q->stage != WAITING && now_ms >= q->due_ms)
			drop(q);
	}
}

static void on_orphaned(uv_handle_t *handle)
{
	struct control_request *q = handle->data;

	q->closed = true;
	free_orphan(q);
}

void requests_close(struct requests *all)
{
	struct list *pos, *after;

	list_for_each_safe (pos, after, &all->list) {
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
}
