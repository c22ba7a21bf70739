#ifndef LOWPORT_TESTS_PROC_H
#define LOWPORT_TESTS_PROC_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * A program that a test has started: what it says is collected while it runs,
 * every wait has an end, and it never outlives the test. What goes wrong here
 * fails the test with all that the program has said.
 */

enum { PROC_PATIENCE_MS = 20000 }; /* for what takes milliseconds when idle */

struct proc;

/* All zero: no input, output collected, the user and limits of the test. */
struct proc_options {
	const char *const *env; /* NAME=VALUE beside the test's own */
	const int *fds;         /* become 3, 4, ... ; they stay the test's */
	unsigned fd_count;
	const char *activated; /* set LISTEN_PID, LISTEN_FDS and, unless it is
				* empty, LISTEN_FDNAMES to this */
	int in, out, err;      /* descriptors of the test; 0: none, collected,
				* collected */
	unsigned descriptors;  /* soft and hard limit; 0: the test's */
	bool drop; /* to proc_user(), in /: the test's own folder may be one
		    * that this user cannot enter */
};

/* An ordinary user who owns nothing. Nobody else runs as this one, so that what
 * the system rations per user is all there. */
unsigned proc_user(void);

/* Start argv[0], found through PATH; argv ends with NULL. */
struct proc *proc_start(const char *const argv[],
			const struct proc_options *opt);

pid_t proc_pid(const struct proc *p);

/* Wait until the index-th line on standard error (from 0) that contains text
 * has come, and return it from there on, without its end. */
const char *proc_line(struct proc *p, const char *text, unsigned index);

/* What has come so far. */
unsigned proc_count_lines(struct proc *p, const char *text);
const char *proc_out(struct proc *p);
const char *proc_err(struct proc *p);

bool proc_runs(struct proc *p);

void proc_signal(struct proc *p, int number);

/* Wait for the end, which has to be with this exit status, or with 128 and the
 * signal that kills it. */
void proc_end(struct proc *p, int status);

/* Likewise, with whatever it is, which is returned; -1 if it does not end in so
 * many milliseconds. */
int proc_await(struct proc *p, unsigned ms);

/* What an ordinary user has to run may lie where only root can look: make an
 * executable copy. Returns less than 0 if that did not work. */
int proc_copy(const char *from, const char *to);

/* Is there such a program in PATH? */
bool proc_has(const char *name);

/* Kill what still runs, with its children, and free all; for teardowns. */
void proc_stop_all(void);

#endif
