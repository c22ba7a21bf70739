#ifndef LOWPORT_TESTS_DROP_H
#define LOWPORT_TESTS_DROP_H

#include "unit.h"

#include <grp.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Run part of a test as an ordinary user, in a child. Nobody else runs as this
 * one, so that what the system rations per user is all there.
 */

enum { DROP_USER = 61184 };

enum { DROP_CANNOT = 77 };

/* body() returns NULL, or in words what was not as it should be; it must not
 * use cmocka. It runs as it is where the test itself runs as an ordinary user,
 * who may have run out of what is rationed: then it may _exit(DROP_CANNOT), and
 * the test is skipped. */
static inline void as_ordinary_user(const char *(*body)(void *data), void *data)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		const char *wrong;

		if (geteuid() == 0 &&
		    (setgroups(0, NULL) < 0 ||
		     setresgid(DROP_USER, DROP_USER, DROP_USER) < 0 ||
		     setresuid(DROP_USER, DROP_USER, DROP_USER) < 0))
			_exit(DROP_CANNOT);
		wrong = body(data);
		if (wrong)
			fprintf(stderr, "as an ordinary user: %s\n", wrong);
		_exit(wrong ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == DROP_CANNOT) {
		print_message("skipped: this user cannot show it\n");
		skip();
	}
	assert_int_equal(status, 0);
}

#endif
