#include "os/proc.h"

#include "os/platform.h"

#include <signal.h>
#include <sys/resource.h>

enum { THREADS_MOST = 4 };

size_t proc_raise_descriptor_limit(void)
{
	struct rlimit limit;
	rlim_t before, most = (rlim_t)platform_descriptors_max;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 256;
	before = limit.rlim_cur;
	if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max > most)
		limit.rlim_cur = most;
	else
		limit.rlim_cur = limit.rlim_max;
	if (limit.rlim_cur <= before || setrlimit(RLIMIT_NOFILE, &limit) < 0)
		limit.rlim_cur = before;
	return limit.rlim_cur > most ? (size_t)most : (size_t)limit.rlim_cur;
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
