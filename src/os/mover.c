#include "os/mover.h"

#include <errno.h>
#include <stdlib.h>

int mover_pool_init(struct mover_pool *pool, size_t pipes_most)
{
	list_init(&pool->idle);
	pool->pipes = 0;
	pool->pipes_most = pipes_most;
	pool->patience = 0;
	pool->scratch = malloc(MOVER_SCRATCH);
	return pool->scratch ? 0 : -ENOMEM;
}

void mover_pool_free(struct mover_pool *pool)
{
	mover_pool_close_pipes(pool);
	free(pool->scratch);
	pool->scratch = NULL;
}

void mover_init(struct mover *m, struct mover_pool *pool)
{
	*m = (struct mover){.kind = &mover_copy, .pool = pool};
}

void mover_use(struct mover *m, const struct mover_kind *kind)
{
	m->kind->release(m);
	m->kind = kind;
}

void mover_release(struct mover *m)
{
	m->kind->release(m);
}
