#include "service/reach.h"

#include "os/platform.h"
#include "os/sock.h"
#include "os/spawn.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int wait_for(int fd, short events, int timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = events};
	int n;

	do
		n = poll(&p, 1, timeout_ms);
	while (n < 0 && errno == EINTR);
	return n > 0 ? 0 : n == 0 ? -ETIMEDOUT : -errno;
}

/* Returns a connected descriptor, the caller's, or a negative errno. */
static int open_connection(const struct addr *a, int timeout_ms)
{
	int err, fd = sock_open(a->family);

	if (fd < 0)
		return fd;
	err = sock_connect(fd, a);
	if (err == -EINPROGRESS) {
		err = wait_for(fd, POLLOUT, timeout_ms);
		if (err == 0)
			err = sock_error(fd);
	}
	if (err == 0)
		return fd;
	close(fd);
	return err;
}

int reach_connect(const struct addr *a, int timeout_ms)
{
	int fd = open_connection(a, timeout_ms);

	/* Who resets has been there; where nobody is, that is -ECONNREFUSED. */
	if (fd < 0)
		return fd == -ECONNRESET ? 0 : fd;
	close(fd);
	return 0;
}

int reach_hold(const struct addr *a, int timeout_ms)
{
	int fd = open_connection(a, timeout_ms);
	int err;
	char byte;

	if (fd < 0)
		return fd;
	err = wait_for(fd, POLLIN, timeout_ms);
	if (err == 0) {
		ssize_t n = recv(fd, &byte, 1, 0);

		err = n > 0 ? 0 : n == 0 ? -EPIPE : -errno;
	} else if (err == -ETIMEDOUT) {
		err = 0;
	}
	close(fd);
	return err;
}

void reach_who(unsigned port, char *buf, size_t size)
{
	struct spawn_result *out = malloc(sizeof(*out));
	char command[96];
	const char *const argv[] = {"/bin/sh", "-c", command, NULL};

	buf[0] = '\0';
	snprintf(command, sizeof(command), platform_who_listens, port);
	if (out && spawn_run(argv, out) == 0 && out->status == 0)
		snprintf(buf, size, "%s", out->output);
	free(out);
	while (buf[0] != '\0' && buf[strlen(buf) - 1] == '\n')
		buf[strlen(buf) - 1] = '\0';
}
