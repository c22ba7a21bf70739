#ifndef LOWPORT_TESTS_LAUNCHD_RIG_H
#define LOWPORT_TESTS_LAUNCHD_RIG_H

#include "process/backend.h"
#include "process/peers.h"
#include "support/proc.h"
#include "support/scrap.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * A stand-in launchd for one test, its launchctl first in PATH, and the built
 * program, which gets its sockets from it. As root the stand-in is root's and
 * its jobs are proc_user()'s; otherwise all is whoever runs the test. What goes
 * wrong fails the test; texts live until its end.
 */

/* All zero: every domain exists, a second of launchd's lasts 100 ms. */
struct rig_options {
	const char *domains; /* those that exist: "user gui/501" */
	const char
		*quirks; /* "draining-5", "bootout-36"; "first-5", "first-37":
			      * so the first three bootstraps end */
	unsigned second_ms;
	bool unprivileged; /* launchd itself is proc_user()'s */
};

/* For cmocka: of the group, and of each test. */
int rig_set_up(void **state);
int rig_tear_down(void **state);
int rig_end_test(void **state);

/* Start the stand-in. Its log, which says why, is its standard error. */
struct proc *rig_start(const struct rig_options *opt);

/* Skip this test, saying what is missing. Does not return. */
void rig_skip(const char *missing);

/* lowport with launchd's listener, at a place that everybody may reach. */
const char *rig_program(void);

/* A file in a directory that belongs to the jobs' user. */
const char *rig_file(const char *name);

/* What is in it, "" if it is not there; wait until it has this text. */
const char *rig_read(const char *path);
const char *rig_await_text(const char *path, const char *text);

/* How often it has this text; wait until it is so often. */
unsigned rig_count(const char *path, const char *text);
void rig_await_count(const char *path, const char *text, unsigned count);

/* The jobs' user, their domain (gui/UID), and a label in it. */
uid_t rig_user(void);
const char *rig_domain(void);
const char *rig_target(const char *label);

/* launchctl with these words as the jobs' user: its exit status; *said is what
 * it said on both its outputs. */
#define LAUNCHCTL(said, ...) \
	rig_launchctl(said,  \
		      (const char *const[]){"launchctl", __VA_ARGS__, NULL})
int rig_launchctl(const char **said, const char *const argv[]);

/* An address and port that only this test has: privileged as root. */
struct place {
	const char *node, *service;
	const char *where; /* as on lowport's command line */
	bool v6;
};

struct place rig_place4(void);
struct place rig_place6(void);

/* XML: a dictionary for a place, and a key with a value. */
const char *rig_dict(const struct place *p);
const char *rig_key(const char *key, const char *value);

/* What a LaunchAgent's property list says. arguments (ended by NULL) begin with
 * the program; sockets is the inside of the Sockets dictionary, or NULL; more
 * is further keys, which stand for the usual ones, or NULL. Its errors go to
 * rig_file(LABEL.log). */
struct agent {
	const char *label;
	const char *const *arguments;
	const char *sockets;
	const char *more;
};

/* Write it to rig_file(LABEL.plist), owned by the jobs' user. Returns the path.
 */
const char *rig_write(const struct agent *a);

/* The same for any text. */
const char *rig_write_file(const char *name, const char *text);

/* Write it and load it. */
void rig_load(const struct agent *a);

/* rig_load() of lowport with these arguments. */
#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})
#define RELAY(name, sockets_, ...)                                           \
	rig_load(&(struct agent){.label = name,                              \
				 .arguments = ARGV(rig_program(), "run",     \
						   "--drain-timeout", "20s", \
						   __VA_ARGS__),             \
				 .sockets = sockets_})

/* What `launchctl print` says behind "KEY = ", or "" */
const char *rig_print(const char *label, const char *key);

/* Wait until it says so, or is gone (value NULL). */
void rig_await(const char *label, const char *key, const char *value);

/* The job's process, which runs. */
pid_t rig_pid(const char *label);

/* The line that ends up in the job's log. */
const char *rig_log(const char *label);
const char *rig_await_log(const char *label, const char *text);

#define assert_says(text, wanted) \
	rig_assert_says(text, wanted, __FILE__, __LINE__)
void rig_assert_says(const char *text, const char *wanted, const char *file,
		     int line);

#endif
