#ifndef LOWPORT_CLI_INSTALL_FILE_H
#define LOWPORT_CLI_INSTALL_FILE_H

#include "config/config.h"
#include "service/manager.h"

/*
 * `lowport install -c FILE`: the agent runs lowport with that file, and its
 * sockets are those that the listeners in it are to take (--take).
 */

/* Does -c, or --take, stand among these? */
bool install_file_is_named(int argc, char *const argv[]);
bool install_file_is_taking(int argc, char *const argv[]);

/* What an agent is called after the first of those files. */
void install_file_label(int argc, char *const argv[], char *buf, size_t size);

/* Have a run lowport with these, the files by their whole paths. Returns 0, or
 * -ENOMEM or -ENOSPC with *why. */
int install_file_arguments(struct agent *a, int argc, char *const argv[],
			   struct fault *why);

/* Read what a's lowport will. Returns how many mistakes were told. */
int install_file_read(struct config *c, const struct agent *a,
		      void (*mistake)(const char *text));

/* Give a the sockets that c wants. Likewise. */
int install_file_sockets(struct agent *a, const struct config *c,
			 void (*mistake)(const char *text));

/* Have a's lowport take them. Returns 0, or a negative errno with *why. */
int install_file_takes(struct agent *a, struct fault *why);

/* May a's lowport read its files? Likewise. */
int install_file_check(struct agent *a, const struct config *c, bool of_system,
		       void (*mistake)(const char *text));

/* The sockets that wanted has, and a lacks, and those that are left over. */
void install_file_compare(const struct agent *a, const struct agent *wanted,
			  void (*lacks)(void *data, const char *where),
			  void (*left)(void *data, const char *where),
			  void *data);

/* The words that a was installed with, to do so again: into argv, which has room
 * for AGENT_ARGUMENTS_MAX, and which points into a. Returns how many. */
int install_file_words(const struct agent *a, char *argv[]);

#endif
