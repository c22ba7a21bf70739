#include "os/proc.h"

#include "os/platform.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	THREADS_MOST = 4,
	INHERITED_MOST = 1024, /* the usual limit of those who start us */
};

static struct rlimit descriptors_before; /* 0: as it was */

size_t proc_raise_descriptor_limit(void)
{
	struct rlimit limit;
	rlim_t before, most = (rlim_t)platform_descriptors_max;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 256;
	before = limit.rlim_cur;
	if (descriptors_before.rlim_cur == 0)
		descriptors_before = limit;
	if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max > most)
		limit.rlim_cur = most;
	else
		limit.rlim_cur = limit.rlim_max;
	if (limit.rlim_cur <= before || setrlimit(RLIMIT_NOFILE, &limit) < 0)
		limit.rlim_cur = before;
	return limit.rlim_cur > most ? (size_t)most : (size_t)limit.rlim_cur;
}

size_t proc_descriptor_limit(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) < 0 ? 0
						    : (size_t)limit.rlim_cur;
}

void proc_restore_descriptor_limit(void)
{
	if (descriptors_before.rlim_cur > 0)
		setrlimit(RLIMIT_NOFILE, &descriptors_before);
}

void proc_keep_inherited(void)
{
	for (int fd = STDERR_FILENO + 1; fd < INHERITED_MOST; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
}

size_t proc_threads(void)
{
	size_t cores = platform_cores();

	return cores > THREADS_MOST ? THREADS_MOST : cores > 0 ? cores : 1;
}

void proc_ignore_sigpipe(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	sigaction(SIGPIPE, &ignore, NULL);
}
