#ifndef LOWPORT_CLI_DEMAND_H
#define LOWPORT_CLI_DEMAND_H

#include "cli/backend.h"
#include "config/config.h"

/*
 * The backends that --exec starts, one for each group that has a command: the
 * places that are chosen for them, what they are told, and their ends.
 */

struct demand_group {
	struct backend *backend;
	struct backend_plan plan;
	char **argv, **envp; /* envp borrows from set */
	char *set[8];        /* variables of ours */
	char *where;
	char *path; /* made by place_path() */
};

struct demand {
	uv_signal_t ended; /* SIGCHLD */
	struct demand_group *groups;
	size_t count; /* all groups; most have no backend */
	bool open, finishing;
};

/* Choose where those backends listen for which c leaves it to us, and say so in
 * c. pool_is_ours: the environment has a UV_THREADPOOL_SIZE that is not for
 * them. Returns 0, or a negative errno with *why; demand_free() in any case. */
int demand_prepare(struct demand *d, struct config *c, bool pool_is_ours,
		   struct fault *why);

/* From here on backends can be started. hold is as in struct backend_plan.
 * Returns 0 or a negative errno. */
int demand_open(struct demand *d, uv_loop_t *loop,
		void (*hold)(void *data, const struct backend *b, bool hold),
		void *data);

/* The backend of that group; NULL if nothing starts it. */
struct backend *demand_backend(const struct demand *d, size_t group);

/* For good: ask all to end, and run the loop until they are gone. */
void demand_finish(struct demand *d, uv_loop_t *loop);

/* If demand_finish() is at work: wait no longer for those that take their time.
 */
void demand_hurry(struct demand *d);

/* Remove what was made. */
void demand_free(struct demand *d);

#endif
