#include "launch.h"

#include "../standin/control.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The names that this process has activated, each followed by a newline. */
static char *activated;

/* What the stand-in wrote for this process, not for one that it started. */
static const char *entries(void)
{
	const char *pid = getenv("LOWPORT_STANDIN_PID");
	char mine[16];

	snprintf(mine, sizeof(mine), "%d", (int)getpid());
	return pid && strcmp(pid, mine) == 0 ? getenv("LOWPORT_STANDIN_SOCKETS")
					     : NULL;
}

static bool was_activated(const char *name)
{
	size_t n = strlen(name);
	const char *at = activated;

	for (; at && *at != '\0'; at = strchr(at, '\n') + 1)
		if (strncmp(at, name, n) == 0 && at[n] == '\n')
			return true;
	return false;
}

static int remember(const char *name)
{
	size_t held = activated ? strlen(activated) : 0;
	char *more = realloc(activated, held + strlen(name) + 2);

	if (!more)
		return ENOMEM;
	activated = more;
	sprintf(activated + held, "%s\n", name);
	return 0;
}

/* "5 6=web": append 5 and 6 if it is web. Returns whether it is. */
static bool take_line(const char *line, const char *name, int *fds, size_t *cnt)
{
	const char *is = strchr(line, '=');
	size_t n = strlen(name);

	if (!is || strncmp(is + 1, name, n) != 0 || is[n + 1] != '\n')
		return false;
	while (line < is) {
		char *end;

		fds[(*cnt)++] = (int)strtol(line, &end, 10);
		line = end + (*end == ' ');
	}
	return true;
}

static int activate(const char *name, int **fds, size_t *cnt)
{
	static char answer[CONTROL_MOST + 1];
	const char *words[] = {"/", "standin-activated", name};
	const char *at = entries();
	bool found = false;

	if (!at)
		return ESRCH;
	if (was_activated(name))
		return EALREADY;
	*cnt = 0;
	/* No entry is shorter than the number of a descriptor and its end. */
	*fds = malloc((strlen(at) + 1) * sizeof(**fds));
	if (!*fds)
		return ENOMEM;
	for (; *at != '\0'; at = strchr(at, '\n') + 1)
		found = take_line(at, name, *fds, cnt) || found;
	if (!found || remember(name) != 0) {
		free(*fds);
		return found ? ENOMEM : ENOENT;
	}
	/* A stand-in that has ended does not mind. */
	control_ask(words, 3, answer);
	return 0;
}

int launch_activate_socket(const char *name, int **fds, size_t *cnt)
{
	int before = errno, error = activate(name, fds, cnt);

	errno = before;
	return error;
}
