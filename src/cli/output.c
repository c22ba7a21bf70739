#include "cli/output.h"

#include "cli/logger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	NAME_MOST = 64,
	LINE_MOST = 1024, /* longer ones are broken */
	CHUNK = 4096,     /* in one turn, so that the others get theirs */
	LAST_CHUNKS = 64, /* a pipe's worth and more */
};

struct output {
	uv_poll_t poll;
	int fd;
	char name[NAME_MOST];
	size_t held;
	char line[LINE_MOST];
};

static void say_line(struct output *o)
{
	char text[NAME_MOST + LINE_MOST + 8];

	if (o->held > 0)
		snprintf(text, sizeof(text), "%s: %.*s", o->name, (int)o->held,
			 o->line);
	if (o->held > 0)
		logger_put(LEVEL_INFO, text);
	o->held = 0;
}

static void take(struct output *o, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '\n' || o->held == sizeof(o->line))
			say_line(o);
		if (bytes[i] != '\n' && bytes[i] != '\r' && bytes[i] != '\0')
			o->line[o->held++] = bytes[i];
	}
}

/* Returns false at the end, and while there is nothing. */
static bool read_chunk(struct output *o, bool *ended)
{
	char chunk[CHUNK];
	ssize_t n;

	do
		n = read(o->fd, chunk, sizeof(chunk));
	while (n < 0 && errno == EINTR);
	*ended = n == 0 || (n < 0 && errno != EAGAIN);
	if (n > 0)
		take(o, chunk, (size_t)n);
	return n > 0;
}

static void on_output(uv_poll_t *poll, int status, int events)
{
	struct output *o = poll->data;
	bool ended = status < 0;

	(void)events;
	if (!ended)
		read_chunk(o, &ended);
	if (!ended)
		return;
	say_line(o);
	uv_poll_stop(poll);
}

static int make_pipe(int fds[2])
{
	if (pipe(fds) < 0)
		return -errno;
	fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	/* Only our end: most programs cannot print to one that is full. */
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	return 0;
}

int output_open(struct output **out, uv_loop_t *loop, int *write_end)
{
	struct output *o = calloc(1, sizeof(*o));
	int fds[2], err = o ? make_pipe(fds) : -ENOMEM;

	if (err < 0)
		goto free_output;
	err = uv_poll_init(loop, &o->poll, fds[0]);
	if (err < 0)
		goto close_pipe;
	o->poll.data = o;
	o->fd = fds[0];
	*write_end = fds[1];
	*out = o;
	return 0;

close_pipe:
	close(fds[0]);
	close(fds[1]);
free_output:
	free(o);
	return err;
}

void output_start(struct output *o, const char *name, pid_t pid)
{
	snprintf(o->name, sizeof(o->name), "%.40s[%ld]", name, (long)pid);
	uv_poll_start(&o->poll, UV_READABLE, on_output);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void output_close(struct output *o)
{
	bool ended = false;

	if (!o)
		return;
	for (int i = 0; i < LAST_CHUNKS && read_chunk(o, &ended); i++)
		;
	say_line(o);
	uv_close((uv_handle_t *)&o->poll, on_closed);
	close(o->fd);
}
