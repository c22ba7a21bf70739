#include "os/sock.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* Headers before 6.16 lack it; those two count on their own. */
#if !defined(SO_PASSRIGHTS) && !defined(__sparc__) && !defined(__hppa__)
#define SO_PASSRIGHTS 83
#elif !defined(SO_PASSRIGHTS)
#define SO_PASSRIGHTS -1
#endif

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

int sock_peer_user(int fd, uid_t *user)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
		return -errno;
	*user = peer.uid;
	return 0;
}

void sock_refuse_files(int fd)
{
	int off = 0;

	setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off));
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

/* Since 5.7 without privilege, once for each socket. What this machine sends to
 * an address of its own counts as come through the interface that has it. */
int sock_bind_device(int fd, const char *interface)
{
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface,
		       (socklen_t)strlen(interface)) < 0)
		return -errno;
	return 1;
}

/* The index in the ancillary data that comes for one of these questions. */
static unsigned index_in(void *control, socklen_t length)
{
	struct msghdr m = {.msg_control = control, .msg_controllen = length};

	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
			return (unsigned)((struct in_pktinfo *)(void *)
						  CMSG_DATA(c))
				->ipi_ifindex;
		if (c->cmsg_level == IPPROTO_IPV6 &&
		    c->cmsg_type == IPV6_PKTINFO)
			return ((struct in6_pktinfo *)(void *)CMSG_DATA(c))
				->ipi6_ifindex;
	}
	return 0;
}

/* A stream socket remembers through which interface its handshake came and
 * tells it among the options of the last packet (ip(7) has them for datagrams;
 * do_ip_getsockopt() and do_ipv6_getsockopt() say this). The wish is taken back:
 * for IPv6, every packet would be kept for it. */
static unsigned arrived_at(int fd, int level, int wish, int options)
{
	_Alignas(struct cmsghdr) char control[256];
	socklen_t length = sizeof(control);
	int on = 1, off = 0;
	unsigned index = 0;

	if (setsockopt(fd, level, wish, &on, sizeof(on)) < 0)
		return 0;
	if (getsockopt(fd, level, options, control, &length) == 0)
		index = index_in(control, length);
	setsockopt(fd, level, wish, &off, sizeof(off));
	return index;
}

bool sock_came_through(int fd, int family, unsigned interface)
{
	unsigned index =
		family == AF_INET
			? arrived_at(fd, IPPROTO_IP, IP_PKTINFO, IP_PKTOPTIONS)
			: arrived_at(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO,
				     IPV6_2292PKTOPTIONS);

	return index == 0 || index == interface;
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

/* The last segment that came was the end (tcp_get_info()). */
int sock_end_after_ms(int fd)
{
	struct tcp_info info;
	socklen_t size = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
		return -ENOTSUP;
	/* Of one segment the bytes are counted last. */
	if (info.tcpi_last_data_recv < info.tcpi_last_ack_recv)
		return 0;
	return (int)(info.tcpi_last_data_recv - info.tcpi_last_ack_recv);
}
