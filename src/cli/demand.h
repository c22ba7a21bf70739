#ifndef LOWPORT_CLI_DEMAND_H
#define LOWPORT_CLI_DEMAND_H

#include "base/list.h"
#include "cli/backend.h"
#include "config/config.h"

/*
 * The backends that --exec starts: the places that are chosen for them, what
 * they are told, and their ends. A configuration that takes the place of another
 * shares those that stay the same.
 */

/* One of them. */
struct wanted;

struct demand {
	uv_loop_t *loop;   /* NULL until demand_open() */
	uv_signal_t ended; /* SIGCHLD */
	struct list all;
	bool pool_is_ours;
	void (*hold)(void *data, const struct backend *b, bool hold);
	void *data;
	bool looking, finishing;
};

/* None is there. hold is as in struct backend_plan. pool_is_ours: the environment
 * has a UV_THREADPOOL_SIZE that is not for backends. */
void demand_init(struct demand *d, bool pool_is_ours,
		 void (*hold)(void *data, const struct backend *b, bool hold),
		 void *data);

/* From here on they can be started. Returns 0 or a negative errno. */
int demand_open(struct demand *d, uv_loop_t *loop);

/* The backend that g->command starts: one that is there already, if it is the
 * same in all, else a new one. Where that is left to us, the place is chosen,
 * and said in g; it is owner's alone, who is whoever says the same again. Returns
 * 0, or a negative errno with *why; *out is given back with demand_drop(). */
int demand_take(struct demand *d, struct wanted **out, const void *owner,
		struct config_group *g, struct fault *why);

/* It may be NULL. Nobody wants it any more when all have given it back: then it
 * is asked to end. */
void demand_drop(struct demand *d, struct wanted *w);

/* NULL if w is. */
struct backend *demand_backend(const struct wanted *w);

/* For good: ask all to end, and run the loop until they are gone. */
void demand_finish(struct demand *d);

/* If demand_finish() is at work: wait no longer for those that take their time.
 */
void demand_hurry(struct demand *d);

/* Remove what was made, without waiting for anything. */
void demand_free(struct demand *d);

#endif
