#ifndef STANDIN_VERBS_H
#define STANDIN_VERBS_H

#include <stdio.h>
#include <sys/types.h>

/*
 * What launchctl's subcommands do. words[0] is the directory that launchctl was
 * started in, words[1] the subcommand. uid and pid are the asker's. Returns
 * launchctl's exit status; the text goes to its output, or to its errors if
 * that is not 0.
 */
int verbs_answer(const char *const words[], size_t count, uid_t uid, pid_t pid,
		 FILE *out);

#endif
