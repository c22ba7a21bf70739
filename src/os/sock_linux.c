#include "os/sock.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
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

struct sock_ports sock_ephemeral(void)
{
	FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	struct sock_ports ports;

	if (!file)
		return (struct sock_ports){1024, 65535};
	if (fscanf(file, "%u %u", &ports.first, &ports.last) != 2)
		ports = (struct sock_ports){1024, 65535};
	fclose(file);
	return ports;
}

/* On a socket that connects it has the acknowledgement wait that ends the
 * handshake (tcp_rcv_synsent_state_process()). TCP_QUICKACK 0 would too, but for
 * all those that follow as well, which a peer with Nagle's algorithm waits for.
 */
int sock_speaks_first(int fd)
{
	int on = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &on, sizeof(on)) < 0)
		return -errno;
	return 0;
}

int sock_source(int fd, const struct addr *from)
{
	struct sockaddr_storage ss;
	socklen_t length = addr_to_sockaddr(from, &ss);
	int on = 1;

	/* Without it bind() would take a port that no other socket could have,
	 * whomever it connects to (ip(7)). */
	if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on,
		       sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)&ss, length) < 0)
		return -errno;
	return 0;
}

enum sock_far_end sock_far_end(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLRDHUP};

	if (poll(&p, 1, 0) <= 0)
		return SOCK_THERE;
	return p.revents & (POLLERR | POLLHUP) ? SOCK_GONE : SOCK_ENDED;
}
