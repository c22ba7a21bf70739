#ifndef STANDIN_JOB_H
#define STANDIN_JOB_H

#include "domain.h"
#include "sockets.h"

#include <plist/plist.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A loaded job: it holds its sockets for as long as it is loaded, and starts
 * its program when one of them is readable, or when it is told to. All jobs are
 * in one list.
 */
struct job {
	struct job *next;
	struct target name;
	char *path;   /* of the property list */
	plist_t root; /* what it said when it was loaded */
	uid_t uid;    /* whom it runs as */
	gid_t gid;
	struct sockets sockets;

	pid_t pid;          /* 0: down */
	bool wanted;        /* start it, client or not */
	bool leaving;       /* booted out; gone once it has exited */
	const char *reason; /* why it was started last */
	uint64_t started_ms;
	uint64_t not_before_ms; /* ThrottleInterval */
	uint64_t kill_ms;       /* SIGKILL then; 0: not asked to stop */
	unsigned runs;
	bool has_exited;
	int status; /* as waitpid() says */
};

extern struct job *jobs;

/* Load it. Takes root. It starts at once if the list says so. */
struct job *job_load(const struct target *name, const char *path, plist_t root);

struct job *job_find(const struct target *name);
struct job *job_find_pid(pid_t pid);

/* How long it has to live before it may be started again, and how long it may
 * take to exit; 0 for the latter: as long as it likes. */
uint64_t job_throttle_s(const struct job *j);
uint64_t job_exit_timeout_s(const struct job *j);

/* The program, and what argv[0] says. NULL: the list names none. */
const char *job_program(plist_t root);

/* Start it now, whatever ThrottleInterval says. */
void job_start(struct job *j, const char *reason);

/* SIGTERM, and SIGKILL after ExitTimeOut. */
void job_stop(struct job *j);

/* Unload: free it and its sockets, now or once it has exited. Returns whether
 * that was at once. */
bool job_remove(struct job *j);

/* Its process has ended with that status. j may be freed. */
void job_reap(struct job *j, int status);

/* Do what time has come for. Returns when to look again, or UINT64_MAX. */
uint64_t job_tick(struct job *j, uint64_t now_ms);

/* May a waiting client start it now? */
bool job_listens(const struct job *j, uint64_t now_ms);

/* Kill all and free all. */
void job_end_all(void);

/* In the child, between fork() and exec(): become j. Does not return. */
_Noreturn void job_become(const struct job *j);

#endif
