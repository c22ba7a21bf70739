#include "os/mover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#ifndef MSG_MORE /* Linux has it; it only saves segments */
#define MSG_MORE 0
#endif

static ssize_t copy_fill(struct mover *m, int src)
{
	ssize_t n;

	if (m->held > 0)
		return -ENOBUFS;
	do
		n = recv(src, m->pool->scratch, MOVER_SCRATCH, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	m->at = m->pool->scratch;
	m->held = (size_t)n;
	return n;
}

static void copy_release(struct mover *m)
{
	free(m->kept);
	m->kept = NULL;
	m->at = NULL;
	m->held = 0;
}

/* The scratch buffer is everyone's: what stays must move out of it. */
static int keep(struct mover *m)
{
	if (m->kept)
		return 0;
	m->kept = malloc(m->held);
	if (!m->kept)
		return -ENOMEM;
	m->at = memcpy(m->kept, m->at, m->held);
	return 0;
}

int mover_copy_hold(struct mover *m, const void *bytes, size_t n)
{
	m->kept = malloc(n);
	if (!m->kept)
		return -ENOMEM;
	m->at = memcpy(m->kept, bytes, n);
	m->held = n;
	return 0;
}

static ssize_t copy_drain(struct mover *m, int dst, bool more)
{
	int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0);
	bool full, lacking;
	ssize_t n;

	do
		n = send(dst, m->at, m->held, flags);
	while (n < 0 && errno == EINTR);
	full = n < 0 && errno == EAGAIN;
	/* The system is short of memory for a moment; Linux says so of a Unix
	 * socket, Darwin of all. */
	lacking = n < 0 && (errno == ENOBUFS || errno == ENOMEM);
	if (n < 0 && !full && !lacking)
		return -errno;
	if (n > 0) {
		m->at += n;
		m->held -= (size_t)n;
	}
	if (m->held == 0)
		copy_release(m);
	else if (keep(m) < 0)
		return -ENOMEM;
	if (lacking)
		return -ENOBUFS;
	return full ? -EAGAIN : n;
}

const struct mover_kind mover_copy = {
	.name = "copy",
	.fill = copy_fill,
	.drain = copy_drain,
	.release = copy_release,
};
