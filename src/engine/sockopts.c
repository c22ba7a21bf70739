#include "engine/sockopts.h"

#include "os/sock.h"

#include <sys/socket.h>

void sockopts_listener(int fd, int family, unsigned keepalive_s)
{
	if (family == AF_UNIX)
		sock_refuse_files(fd);
	sock_nodelay(fd);
	sock_inline_urgent(fd);
	if (keepalive_s > 0)
		sock_keepalive(fd, keepalive_s);
	else
		sock_no_keepalive(fd);
}

void sockopts_accepted(int fd, int family)
{
	if (family != AF_UNIX)
		return;
	sock_inline_urgent(fd);
	sock_refuse_files(fd);
}

void sockopts_backend(int fd, int family, bool speaks_first)
{
	sock_inline_urgent(fd);
	if (family == AF_UNIX) {
		sock_refuse_files(fd);
		return;
	}
	sock_nodelay(fd);
	if (speaks_first)
		sock_speaks_first(fd);
}
