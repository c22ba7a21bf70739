#include "os/mover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * A pipe of the pool, held by at most one mover, and only while there are
 * bytes in it.
 */
struct pipe {
	struct list node;
	size_t size;
	int in, out;
};

/* Below this a pipe moves less at a time than copying does. A user past
 * pipe-user-pages-soft gets 8 KiB (pipe(7)). */
enum { PIPE_WORTH_HAVING = 64 << 10 };

/* After a refusal, this many asks pass before the system is asked again: to be
 * refused costs five system calls. */
enum { PATIENCE = 4096 };

static void pipe_free(struct mover_pool *pool, struct pipe *p)
{
	list_remove(&p->node);
	close(p->in);
	close(p->out);
	free(p);
	pool->pipes--;
}

static struct pipe *pipe_new(struct mover_pool *pool)
{
	struct pipe *p = malloc(sizeof(*p));
	int fds[2], size;

	if (!p)
		return NULL;
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0) {
		free(p);
		return NULL;
	}
	list_init(&p->node);
	p->out = fds[0];
	p->in = fds[1];
	pool->pipes++;
	/* It may be refused, or granted in part: only the answer counts. */
	if (fcntl(p->in, F_SETPIPE_SZ, MOVER_PIPE) < 0)
		fcntl(p->in, F_SETPIPE_SZ, MOVER_PIPE / 4);
	size = fcntl(p->in, F_GETPIPE_SZ);
	if (size < PIPE_WORTH_HAVING) {
		pipe_free(pool, p);
		return NULL;
	}
	p->size = (size_t)size;
	return p;
}

bool mover_pool_has_pipe(struct mover_pool *pool)
{
	struct pipe *p;

	if (!list_is_empty(&pool->idle))
		return true;
	if (pool->pipes >= pool->pipes_most)
		return false;
	if (pool->patience > 0) {
		pool->patience--;
		return false;
	}
	p = pipe_new(pool);
	if (!p) {
		pool->patience = PATIENCE;
		return false;
	}
	list_append(&pool->idle, &p->node);
	return true;
}

void mover_pool_close_pipes(struct mover_pool *pool)
{
	while (!list_is_empty(&pool->idle))
		pipe_free(pool, list_entry(pool->idle.next, struct pipe, node));
}

/* The pipe used last is the one whose pages are still in the cache. */
static struct pipe *borrow(struct mover_pool *pool)
{
	struct pipe *p;

	if (!mover_pool_has_pipe(pool))
		return NULL;
	p = list_entry(pool->idle.prev, struct pipe, node);
	list_remove(&p->node);
	return p;
}

static void give_back(struct mover *m)
{
	list_append(&m->pool->idle, &m->pipe->node);
	m->pipe = NULL;
}

static ssize_t splice_fill(struct mover *m, int src)
{
	ssize_t n;
	int error;

	if (!m->pipe)
		m->pipe = borrow(m->pool);
	if (!m->pipe)
		return -EINVAL;
	if (m->held == m->pipe->size)
		return -ENOBUFS;
	do
		n = splice(src, NULL, m->pipe->in, NULL,
			   m->pipe->size - m->held,
			   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	while (n < 0 && errno == EINTR);
	error = errno;
	if (n > 0)
		m->held += (size_t)n;
	if (m->held == 0)
		give_back(m);
	/* One EAGAIN for "nothing to read" and "pipe out of slots". */
	if (n < 0)
		return error == EAGAIN && m->held > 0 ? -ENOBUFS : -error;
	return n;
}

static ssize_t splice_drain(struct mover *m, int dst, bool more)
{
	ssize_t n;

	(void)more;
	/* No SPLICE_F_MORE: it holds back the last segment like a cork. */
	do
		n = splice(m->pipe->out, NULL, dst, NULL, m->held,
			   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ENOMEM ? -ENOBUFS : -errno;
	m->held -= (size_t)n;
	if (m->held == 0)
		give_back(m);
	return n;
}

/* A pipe with bytes of one connection in it never serves another. */
static void splice_release(struct mover *m)
{
	if (m->pipe)
		pipe_free(m->pool, m->pipe);
	m->pipe = NULL;
	m->held = 0;
}

const struct mover_kind mover_splice = {
	.name = "splice",
	.fill = splice_fill,
	.drain = splice_drain,
	.release = splice_release,
};
