#ifndef LOWPORT_OS_CHILD_H
#define LOWPORT_OS_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * A program that runs beside us, at the head of a process group of its own: it
 * gets none of our descriptors, no signal that we ignore or block, and the
 * descriptor limit that we began with. Where the system can, it is asked to
 * end (SIGTERM) when we are killed.
 */

struct child_plan {
	char *const *argv; /* argv[0] is looked for on PATH; ends with NULL */
	char *const *envp; /* likewise */
	int output;        /* becomes its standard output and error */
};

/* Start it, with no input. Returns 0 with *pid, which is its group's number
 * too, or what exec or fork said (-ENOENT, -EACCES, ...). Call it from the
 * thread that lives longest. */
int child_start(const struct child_plan *plan, pid_t *pid);

/* How it ended, as waitpid() puts it. Returns false while it runs. */
bool child_reap(pid_t pid, int *status);

/* A signal for all of its group. Returns false if there is none left. */
bool child_signal(pid_t pid, int number);

/* An environment: all of ours but the variables dropped, and those in set,
 * NAME=VALUE; NULL ends either. The caller frees the array alone, which borrows
 * from set and from ours; NULL if there is no memory. */
char **child_environment(const char *const dropped[], char *const set[]);

#endif
