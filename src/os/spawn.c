#include "os/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* posix_spawn(3) wants char *const[] and changes nothing. */
static char *const *as_argv(const char *const argv[])
{
	return (char *const *)(uintptr_t)argv;
}

static int start(const char *const argv[], int output, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t defaults;
	int error;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return -ENOMEM;
	if (posix_spawnattr_init(&attributes) != 0) {
		posix_spawn_file_actions_destroy(&actions);
		return -ENOMEM;
	}
	/* Ignored signals outlive exec; others expect SIGPIPE to work. */
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
					 O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
	error = posix_spawnp(pid, argv[0], &actions, &attributes, as_argv(argv),
			     environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -error;
}

static void read_all(int fd, struct spawn_result *out)
{
	const size_t room = sizeof(out->output) - 1;
	char rest[512];

	out->length = 0;
	for (;;) {
		size_t left = room - out->length;
		ssize_t n = left > 0 ? read(fd, out->output + out->length, left)
				     : read(fd, rest, sizeof(rest));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		if (left > 0)
			out->length += (size_t)n;
	}
	out->output[out->length] = '\0';
}

static int wait_for_end(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 255;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int spawn_run(const char *const argv[], struct spawn_result *out)
{
	int fds[2], err;
	pid_t pid;

	if (pipe(fds) < 0)
		return -errno;
	fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	err = start(argv, fds[1], &pid);
	close(fds[1]);
	if (err == 0) {
		read_all(fds[0], out);
		out->status = wait_for_end(pid);
	}
	close(fds[0]);
	return err;
}

int spawn_detached(const char *const argv[])
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		/* Twice, so that nobody has to wait for the second. */
		if (setsid() < 0 || fork() != 0)
			_exit(0);
		signal(SIGPIPE, SIG_DFL);
		execvp(argv[0], as_argv(argv));
		_exit(127);
	}
	return wait_for_end(pid) == 0 ? 0 : -ECHILD;
}
