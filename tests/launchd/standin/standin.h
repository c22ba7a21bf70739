#ifndef STANDIN_STANDIN_H
#define STANDIN_STANDIN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * What the parts of the stand-in share: the settings that a test chose, the
 * clock, and the log, which is its standard error as launchd's is `log show`.
 */
struct standin {
	const char *dir;     /* LOWPORT_STANDIN_DIR: where "control" is made */
	const char *domains; /* LOWPORT_STANDIN_DOMAINS: those that exist, kinds
			      * or with a user: "gui user system" */
	const char *quirks;  /* LOWPORT_STANDIN_QUIRKS: words of verbs.c */
	const char *home;    /* LOWPORT_STANDIN_HOME: of each job, or NULL: the
			      * user's */
	uint64_t second_ms;  /* LOWPORT_STANDIN_SECOND_MS: how long a second of
			      * ThrottleInterval and ExitTimeOut lasts: 1000 */
	uid_t job_user;      /* LOWPORT_STANDIN_USER: whom jobs run as that
			      * would be root's: 65534 */
	char bin[1024];      /* where launchctl is */
};

extern struct standin standin;

/* A quirk of some macOS release that a test asked for. */
bool standin_has_quirk(const char *name);

/* Monotonic. */
uint64_t standin_now_ms(void);

void standin_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
