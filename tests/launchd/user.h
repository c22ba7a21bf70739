#ifndef LOWPORT_TESTS_LAUNCHD_USER_H
#define LOWPORT_TESTS_LAUNCHD_USER_H

#include "launchd/rig.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * The jobs' user at the keyboard, at home in rig_file(""): what lowport says to
 * them, and what is in their Library.
 */

/* lowport with these words, which has to end with status. What it says on both
 * its outputs, or on the first alone. */
#define LOWPORT(...) LOWPORT_ENDS(0, __VA_ARGS__)
#define LOWPORT_ENDS(status, ...) \
	user_hears(status, ARGV(rig_program(), __VA_ARGS__))
#define LOWPORT_OUT(...) user_reads(ARGV(rig_program(), __VA_ARGS__))
const char *user_hears(int status, const char *const argv[]);
const char *user_reads(const char *const argv[]);

/* The same as whoever runs the test, with NAME=VALUE beside their environment
 * (or NULL). */
const char *user_hears_undropped(int status, const char *variable,
				 const char *const argv[]);

/* A program of theirs that goes on; it says so with a line that has ready. */
struct proc *user_starts(const char *const argv[], const char *ready);

/* Their files of the agent NAME. */
const char *user_plist(const char *name);
const char *user_copy(const char *name);
const char *user_log(const char *name);

bool user_has(const char *path);

/* Is a job of that label loaded? */
bool user_loaded(const char *label);

#define assert_silent_on(text, unwanted) \
	user_assert_silent(text, unwanted, __FILE__, __LINE__)
void user_assert_silent(const char *text, const char *unwanted,
			const char *file, int line);

#endif
