#include "os/sock.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/sysctl.h>
#include <unistd.h>

/* A Unix stream socket starts with 8 KiB each way (uipc_usrreq.c). */
enum { UNIX_BUFFER = 256 << 10 };

/* Darwin has no SOCK_CLOEXEC and no accept4(). */
static int prepared(int fd, int family)
{
	int size = UNIX_BUFFER, err = sock_prepare(fd);

	if (err == 0 && family == AF_UNIX) {
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	}
	if (err == 0)
		return fd;
	close(fd);
	return err;
}

int sock_open(int family)
{
	int fd = socket(family, SOCK_STREAM, 0);

	return fd < 0 ? -errno : prepared(fd, family);
}

int sock_accept(int listener, struct addr *peer)
{
	struct sockaddr_storage ss;
	socklen_t length;
	int fd;

	do {
		length = sizeof(ss);
		fd = accept(listener, (struct sockaddr *)&ss, &length);
	} while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return -errno;
	/* XNU hands over a connection that was already reset as a valid
	 * descriptor without an address (uipc_syscalls.c). */
	if (length == 0) {
		close(fd);
		return -ECONNABORTED;
	}
	addr_from_sockaddr(peer, (const struct sockaddr *)&ss, length);
	if (peer->family == AF_UNIX)
		peer->path = NULL;
	return prepared(fd, peer->family);
}

int sock_peer_user(int fd, uid_t *user)
{
	gid_t group;

	return getpeereid(fd, user, &group) < 0 ? -errno : 0;
}

size_t sock_unsent(int fd)
{
	int bytes;
	socklen_t length = sizeof(bytes);

	if (getsockopt(fd, SOL_SOCKET, SO_NWRITE, &bytes, &length) < 0)
		return 0;
	return (size_t)bytes;
}

static unsigned port_setting(const char *name, unsigned otherwise)
{
	int port;
	size_t length = sizeof(port);

	if (sysctlbyname(name, &port, &length, NULL, 0) < 0 || port < 0)
		return otherwise;
	return (unsigned)port;
}

struct sock_ports sock_ephemeral(void)
{
	return (struct sock_ports){
		port_setting("net.inet.ip.portrange.first", 1024),
		port_setting("net.inet.ip.portrange.last", 65535),
	};
}

/* IP_BOUND_IF is for what is sent: a listener gets clients of every interface
 * still (XNU in_pcb.c, inp_restricted_recv()). The strong host model is there
 * for tunnels (net.inet.ip.check_interface). */
int sock_bind_device(int fd, const char *interface)
{
	(void)fd;
	(void)interface;
	return 0;
}

bool sock_came_through(int fd, int family, unsigned interface)
{
	(void)fd;
	(void)family;
	(void)interface;
	return true;
}

void sock_refuse_files(int fd)
{
	(void)fd;
}

int sock_speaks_first(int fd)
{
	(void)fd;
	return 0;
}

int sock_source(int fd, const struct addr *from)
{
	(void)fd;
	(void)from;
	return -ENOTSUP;
}

/* poll() is a kqueue inside, and POLLHUP is EV_EOF of the reading side
 * (sys_generic.c): no more will come, but it may still listen. */
enum sock_far_end sock_far_end(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	if (poll(&p, 1, 0) <= 0)
		return SOCK_THERE;
	if (p.revents & (POLLERR | POLLNVAL))
		return SOCK_GONE;
	return p.revents & POLLHUP ? SOCK_ENDED : SOCK_THERE;
}

int sock_end_after_ms(int fd)
{
	(void)fd;
	return -ENOTSUP;
}
