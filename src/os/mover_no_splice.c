#include "os/mover.h"

#include <errno.h>

/* A system without splice(): the pool never has a pipe, so nothing comes here
 * but the refusal. */

bool mover_pool_has_pipe(struct mover_pool *pool)
{
	(void)pool;
	return false;
}

void mover_pool_close_pipes(struct mover_pool *pool)
{
	(void)pool;
}

static ssize_t no_fill(struct mover *m, int src)
{
	(void)m;
	(void)src;
	return -EINVAL;
}

static ssize_t no_drain(struct mover *m, int dst, bool more)
{
	(void)m;
	(void)dst;
	(void)more;
	return -EINVAL;
}

static void no_release(struct mover *m)
{
	m->held = 0;
}

const struct mover_kind mover_splice = {
	.name = "splice",
	.fill = no_fill,
	.drain = no_drain,
	.release = no_release,
};
