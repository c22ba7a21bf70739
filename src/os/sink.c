#include "os/sink.h"

#include "os/given.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	/* A pipe that polls writable takes this much without blocking (POSIX
	 * asks for 512, Linux and Darwin give more). */
	CHUNK = 512,
	FILE_MODE = 0640,
};

/* Does it pass by itself, or when somebody has made room? */
static bool is_passing(int error)
{
	return error == EAGAIN || error == EINTR || error == ENOSPC ||
	       error == EDQUOT || error == ENOBUFS || error == ENOMEM;
}

static ssize_t write_stream(struct sink *s, const char *bytes, size_t length)
{
	struct pollfd p = {.fd = s->fd, .events = POLLOUT};
	ssize_t n;

	if (!s->is_file && poll(&p, 1, 0) <= 0) {
		s->error = EAGAIN;
		return -EAGAIN;
	}
	n = write(s->fd, bytes, s->is_file || length < CHUNK ? length : CHUNK);
	s->error = n < 0 ? errno : 0;
	if (n < 0)
		return is_passing(s->error) ? -EAGAIN : -s->error;
	return n;
}

static bool is_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static void begin(struct sink *s, int fd)
{
	s->write = write_stream;
	s->line_by_line = false;
	s->is_file = is_file(fd);
	s->fd = fd;
	s->own = false;
	s->path = NULL;
	s->error = 0;
	s->lost = 0;
	s->lost_error = 0;
	s->dropped = 0;
	s->held = 0;
	s->lines = 0;
	s->begun = 0;
}

void sink_init(struct sink *s, int fd)
{
	begin(s, fd);
	/* A terminal calls itself writable when it has less room than a line
	 * takes. Its own descriptor is shared with whoever started us, so it
	 * must not be made non-blocking: another one is. */
	if (isatty(fd)) {
		const char *name = ttyname(fd);
		int own = name ? open(name, O_WRONLY | O_NONBLOCK | O_NOCTTY |
						    O_CLOEXEC)
			       : -1;

		s->own = own >= 0;
		if (s->own)
			s->fd = own;
	}
}

static int open_file(const char *path, const struct rights *user)
{
	return given_open(path,
			  O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK |
				  O_NOCTTY | O_CLOEXEC,
			  FILE_MODE, user);
}

int sink_open(struct sink *s, const char *path, const struct rights *user)
{
	char *copy = strdup(path);
	int fd = copy ? open_file(path, user) : -ENOMEM;

	if (fd < 0) {
		free(copy);
		return fd;
	}
	begin(s, fd);
	s->own = true;
	s->path = copy;
	return 0;
}

static void drop_line(struct sink *s, int error)
{
	s->lost++;
	s->lost_error = error;
	s->dropped++;
}

/* Take the first n bytes of those that are held, and the lines that they end,
 * off the account. Returns how many lines that were. */
static size_t pass_lines(struct sink *s, size_t first, size_t n)
{
	size_t line = first;

	s->begun += n;
	while (line < s->lines && s->begun >= s->length[line])
		s->begun -= s->length[line++];
	return line - first;
}

static void remove_passed(struct sink *s, size_t bytes, size_t lines)
{
	s->held -= bytes;
	s->lines -= lines;
	memmove(s->buf, s->buf + bytes, s->held);
	memmove(s->length, s->length + lines, s->lines * sizeof(*s->length));
}

bool sink_flush(struct sink *s)
{
	size_t done = 0, lines = 0;
	bool wrote = false;

	while (done < s->held) {
		size_t rest = s->length[lines] - s->begun;
		size_t give = s->line_by_line ? rest - 1 : s->held - done;
		ssize_t n = s->write(s, s->buf + done, give);

		if (n == -EAGAIN)
			break;
		if (n < 0)
			drop_line(s, (int)-n);
		wrote |= n > 0;
		if (n < 0 || s->line_by_line)
			n = (ssize_t)rest;
		lines += pass_lines(s, lines, (size_t)n);
		done += (size_t)n;
	}
	remove_passed(s, done, lines);
	return wrote;
}

/* Once lines are lost, more than one has to find room again: or else there would
 * be as many that say so as others. */
static bool fits(const struct sink *s, size_t length)
{
	size_t room = s->lost > 0 ? SINK_ROOM / 2 : SINK_ROOM;

	return s->held + length <= room && s->lines < SINK_LINES &&
	       length <= UINT16_MAX;
}

bool sink_has_room(struct sink *s, size_t length)
{
	if (!fits(s, length))
		sink_flush(s);
	return fits(s, length);
}

void sink_drop(struct sink *s)
{
	drop_line(s, s->error);
}

bool sink_put(struct sink *s, const char *line, size_t length)
{
	if (!sink_has_room(s, length)) {
		sink_drop(s);
		return false;
	}
	memcpy(s->buf + s->held, line, length);
	s->held += length;
	s->length[s->lines++] = (uint16_t)length;
	return true;
}

void sink_told(struct sink *s)
{
	s->lost = 0;
	s->lost_error = 0;
}

/* Half a line would stand at the head of another file. */
static void drop_begun(struct sink *s)
{
	size_t rest = s->begun > 0 ? s->length[0] - s->begun : 0;

	if (rest == 0)
		return;
	drop_line(s, s->error);
	remove_passed(s, rest, pass_lines(s, 0, rest));
}

int sink_reopen(struct sink *s)
{
	int fd = open_file(s->path, NULL);

	if (fd < 0)
		return fd;
	sink_flush(s);
	drop_begun(s);
	close(s->fd);
	s->fd = fd;
	s->is_file = is_file(fd);
	return 0;
}

void sink_close(struct sink *s)
{
	sink_flush(s);
	for (size_t i = 0; i < s->lines; i++)
		drop_line(s, s->error);
	remove_passed(s, s->held, s->lines);
	s->begun = 0;
	if (s->own && s->fd >= 0)
		close(s->fd);
	free(s->path);
	s->path = NULL;
	s->fd = -1;
}
