#include "os/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A pipe that polls writable takes this much without blocking (POSIX asks for
 * 512, Linux and Darwin give more). */
enum { CHUNK = 512 };

void sink_init(struct sink *s, int fd)
{
	s->fd = fd;
	/* A terminal calls itself writable when it has less room than a line
	 * takes. Its own descriptor is shared with whoever started us, so it
	 * must not be made non-blocking: another one is. */
	if (isatty(fd)) {
		const char *name = ttyname(fd);
		int own = name ? open(name, O_WRONLY | O_NONBLOCK | O_NOCTTY |
						    O_CLOEXEC)
			       : -1;

		if (own >= 0)
			s->fd = own;
	}
	s->held = 0;
	s->dropped = 0;
}

static void append(struct sink *s, const char *text, size_t length)
{
	memcpy(s->buf + s->held, text, length);
	s->held += length;
}

void sink_put(struct sink *s, const char *line, size_t length)
{
	char lost[64];
	int n = 0;

	if (s->dropped > 0)
		n = snprintf(lost, sizeof(lost),
			     "warn %" PRIu64 " log lines were lost\n",
			     s->dropped);
	if (s->held + (size_t)n + length > sizeof(s->buf))
		sink_flush(s);
	if (s->held + (size_t)n + length > sizeof(s->buf)) {
		s->dropped++;
		s->dropped_ever++;
		return;
	}
	append(s, lost, (size_t)n);
	append(s, line, length);
	s->dropped = 0;
}

void sink_flush(struct sink *s)
{
	size_t done = 0;

	while (done < s->held) {
		struct pollfd p = {.fd = s->fd, .events = POLLOUT};
		size_t left = s->held - done;
		ssize_t n;

		if (poll(&p, 1, 0) <= 0)
			break;
		n = write(s->fd, s->buf + done, left < CHUNK ? left : CHUNK);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n < 0)
			n = (ssize_t)left;
		done += (size_t)n;
	}
	s->held -= done;
	memmove(s->buf, s->buf + done, s->held);
}
