#include "os/child.h"

#include "os/platform.h"
#include "os/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Handlers must not run in the child, where what they write to is ours. What we
 * were started to ignore (nohup) stays ignored. */
static void reset_signals(void)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++) {
		struct sigaction action;

		if (sigaction(number, NULL, &action) < 0 ||
		    (action.sa_handler == SIG_IGN && number != SIGPIPE))
			continue;
		action = (struct sigaction){.sa_handler = SIG_DFL};
		sigaction(number, &action, NULL);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child, which may only make system calls between fork and exec. What
 * goes wrong is told through failed, which exec closes. */
static void become(const struct child_plan *plan, pid_t parent, int failed)
{
	int error, null = open("/dev/null", O_RDONLY);

	setpgid(0, 0);
	proc_restore_descriptor_limit();
	platform_die_with(parent);
	if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
	    dup2(plan->output, STDOUT_FILENO) >= 0 &&
	    dup2(plan->output, STDERR_FILENO) >= 0) {
		if (null > STDERR_FILENO)
			close(null);
		reset_signals();
		environ = (char **)(uintptr_t)plan->envp;
		execvp(plan->argv[0], plan->argv);
	}
	error = errno;
	while (write(failed, &error, sizeof(error)) < 0 && errno == EINTR)
		;
	_exit(127);
}

/* What the child said before it could be another program; 0 if nothing. */
static int hear_failure(int fd)
{
	int error = 0;
	ssize_t n;

	do
		n = read(fd, &error, sizeof(error));
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(error) ? -error : 0;
}

static pid_t fork_into(const struct child_plan *plan, int failed)
{
	sigset_t all, before;
	pid_t parent = getpid(), pid;

	/* A handler of ours in the child would act on what we share. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		become(plan, parent, failed);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return pid < 0 ? -errno : pid;
}

int child_start(const struct child_plan *plan, pid_t *pid)
{
	int fds[2], err;

	if (pipe(fds) < 0)
		return -errno;
	fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	*pid = fork_into(plan, fds[1]);
	close(fds[1]);
	err = *pid < 0 ? *pid : hear_failure(fds[0]);
	close(fds[0]);
	if (err < 0 && *pid > 0)
		while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
			;
	return err;
}

bool child_reap(pid_t pid, int *status)
{
	pid_t got;

	do
		got = waitpid(pid, status, WNOHANG);
	while (got < 0 && errno == EINTR);
	/* Reaped by another: it has ended, but nobody knows how. */
	if (got < 0)
		*status = 0;
	return got != 0;
}

bool child_signal(pid_t pid, int number)
{
	return kill(-pid, number) == 0;
}

static bool is_named(const char *variable, const char *name, size_t length)
{
	return strncmp(variable, name, length) == 0 && variable[length] == '=';
}

static bool is_dropped(const char *variable, const char *const dropped[],
		       char *const set[])
{
	for (; *dropped; dropped++)
		if (is_named(variable, *dropped, strlen(*dropped)))
			return true;
	for (; *set; set++)
		if (is_named(variable, *set, strcspn(*set, "=")))
			return true;
	return false;
}

static size_t count_of(char *const array[])
{
	size_t n = 0;

	while (array[n])
		n++;
	return n;
}

char **child_environment(const char *const dropped[], char *const set[])
{
	size_t most = count_of(environ) + count_of(set) + 1, n = 0;
	char **envp = calloc(most, sizeof(*envp));

	if (!envp)
		return NULL;
	for (char **e = environ; *e; e++)
		if (!is_dropped(*e, dropped, set))
			envp[n++] = *e;
	for (char *const *s = set; *s; s++)
		envp[n++] = *s;
	return envp;
}
