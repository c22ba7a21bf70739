#include "os/sock.h"

#include "os/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* How many probes in a row a peer may leave unanswered. */
enum { KEEPALIVE_PROBES = 4 };

int sock_prepare(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	return 0;
}

int sock_connect(int fd, const struct addr *to)
{
	struct sockaddr_storage ss;
	socklen_t length = addr_to_sockaddr(to, &ss);

	if (length == 0)
		return to->family == AF_UNIX ? -ENAMETOOLONG : -EINVAL;
	if (connect(fd, (const struct sockaddr *)&ss, length) == 0)
		return 0;
	/* An interrupted connect goes on by itself. */
	return errno == EINTR ? -EINPROGRESS : -errno;
}

int sock_error(int fd)
{
	int error = 0;
	socklen_t length = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
		return -errno;
	return -error;
}

int sock_failure(int fd)
{
	struct pollfd p = {.fd = fd, .events = 0};

	/* SO_ERROR alone would tell soft errors too. */
	if (poll(&p, 1, 0) <= 0 || !(p.revents & (POLLERR | POLLHUP)))
		return 0;
	return sock_error(fd);
}

int sock_local(int fd, struct addr *local)
{
	struct sockaddr_storage ss;
	socklen_t length = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &length) < 0)
		return -errno;
	addr_from_sockaddr(local, (const struct sockaddr *)&ss, length);
	if (local->family == AF_UNIX)
		local->path = NULL;
	return 0;
}

bool sock_takes_ipv4(int fd)
{
	int only = 1;
	socklen_t length = sizeof(only);

	return getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &length) == 0 &&
	       !only;
}

bool sock_has_input(int fd)
{
	int bytes;

	return ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0;
}

bool sock_has_waiting(int listener)
{
	struct pollfd p = {.fd = listener, .events = POLLIN};

	return poll(&p, 1, 0) > 0 && p.revents & POLLIN;
}

bool sock_is_listening(int fd)
{
	int listening = 0;
	socklen_t length = sizeof(listening);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) ==
		       0 &&
	       listening != 0;
}

static int set_option(int fd, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)) == 0)
		return 0;
	return errno == EOPNOTSUPP || errno == ENOPROTOOPT ? 0 : -errno;
}

int sock_nodelay(int fd)
{
	return set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

bool sock_at_mark(int fd)
{
	return sockatmark(fd) == 1;
}

int sock_inline_urgent(int fd)
{
	return set_option(fd, SOL_SOCKET, SO_OOBINLINE, 1);
}

int sock_keepalive(int fd, unsigned idle_s)
{
	unsigned interval_s = idle_s / KEEPALIVE_PROBES;
	int err;

	if (interval_s == 0)
		interval_s = 1;
	err = set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	if (err == 0)
		err = set_option(fd, IPPROTO_TCP, platform_keepidle,
				 (int)idle_s);
	if (err == 0)
		err = set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL,
				 (int)interval_s);
	if (err == 0)
		err = set_option(fd, IPPROTO_TCP, TCP_KEEPCNT,
				 KEEPALIVE_PROBES);
	return err;
}

int sock_no_keepalive(int fd)
{
	return set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 0);
}

void sock_reset(int fd)
{
	struct linger at_once = {.l_onoff = 1, .l_linger = 0};
	struct sockaddr nobody = {.sa_family = AF_UNSPEC};

	/* Where that may not be set, to be connected to nobody is a reset too
	 * (connect(2)); a polite end would look like the end of an answer. */
	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) <
	    0)
		connect(fd, &nobody, sizeof(nobody));
	close(fd);
}
