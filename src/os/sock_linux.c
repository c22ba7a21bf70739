#include "os/sock.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int sock_open(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

int sock_accept(int listener, struct addr *peer)
{
	struct sockaddr_storage ss;
	socklen_t length;
	int fd;

	do {
		length = sizeof(ss);
		fd = accept4(listener, (struct sockaddr *)&ss, &length,
			     SOCK_NONBLOCK | SOCK_CLOEXEC);
	} while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return -errno;
	addr_from_sockaddr(peer, (const struct sockaddr *)&ss, length);
	if (peer->family == AF_UNIX)
		peer->path = NULL;
	return fd;
}

size_t sock_unsent(int fd)
{
	int bytes;

	return ioctl(fd, SIOCOUTQ, &bytes) == 0 ? (size_t)bytes : 0;
}

unsigned sock_first_ephemeral(void)
{
	FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	unsigned first;

	if (!file)
		return 1024;
	if (fscanf(file, "%u", &first) != 1)
		first = 1024;
	fclose(file);
	return first;
}
