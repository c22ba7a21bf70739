#include "os/netif.h"

#include "os/sock.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static socklen_t length_of(const struct sockaddr *sa)
{
	return sa->sa_family == AF_INET    ? sizeof(struct sockaddr_in)
	       : sa->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					   : 0;
}

static bool is_link_local(const struct addr *a)
{
	return a->family == AF_INET6 && a->ip[0] == 0xfe &&
	       (a->ip[1] & 0xc0) == 0x80;
}

/* Linux takes no others (dev_valid_name()), and macOS fewer. */
bool netif_is_name(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && length < IF_NAMESIZE &&
	       strcspn(name, "/: \t\n\v\f\r") == length &&
	       strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* Of an IPv4 address, Linux tells the label, which may have more behind the
 * name: eth0:1. */
static bool is_of(const struct ifaddrs *i, const char *name)
{
	size_t length = strlen(name);

	return strncmp(i->ifa_name, name, length) == 0 &&
	       (i->ifa_name[length] == '\0' || i->ifa_name[length] == ':');
}

/* Returns false if it is none that is wanted. */
static bool take(const struct ifaddrs *i, bool link_local, struct addr *a)
{
	addr_from_sockaddr(a, i->ifa_addr, length_of(i->ifa_addr));
	if (!is_link_local(a))
		return a->family != AF_UNSPEC;
	netif_mend_scope(a);
	return link_local;
}

int netif_addresses(const char *name, bool link_local,
		    struct addr out[NETIF_ADDRESSES_MAX])
{
	struct ifaddrs *list, *i;
	int count = 0;

	if (if_nametoindex(name) == 0)
		return -ENODEV;
	if (getifaddrs(&list) < 0)
		return -errno;
	for (i = list; i && count < NETIF_ADDRESSES_MAX; i = i->ifa_next) {
		if (i->ifa_addr && is_of(i, name) &&
		    take(i, link_local, &out[count]))
			count++;
	}
	freeifaddrs(list);
	return count;
}

bool netif_has(const struct addr *a)
{
	struct sockaddr_storage ss;
	struct addr any_port = *a;
	socklen_t length;
	bool has;
	int fd;

	/* All of 127.0.0.0/8 is there on Linux, and only what is configured on
	 * macOS: bind() knows, and needs no rights for port 0. */
	any_port.port = 0;
	length = addr_to_sockaddr(&any_port, &ss);
	fd = sock_open(a->family);
	has = fd >= 0 && bind(fd, (const struct sockaddr *)&ss, length) == 0;
	if (fd >= 0)
		close(fd);
	return has;
}

bool netif_is_local(const struct addr *a)
{
	struct ifaddrs *list, *i;
	bool found = addr_is_wildcard(a) ||
		     (a->family == AF_INET && addr_is_loopback(a));

	if (found || getifaddrs(&list) < 0)
		return found;
	for (i = list; i && !found; i = i->ifa_next) {
		struct addr own;

		if (!i->ifa_addr)
			continue;
		addr_from_sockaddr(&own, i->ifa_addr, length_of(i->ifa_addr));
		found = own.family == a->family && addr_same_ip(&own, a);
	}
	freeifaddrs(list);
	return found;
}

bool netif_is_permanent(const struct addr *a)
{
	static const uint8_t loopback4[4] = {127, 0, 0, 1};
	static const uint8_t loopback6[16] = {[15] = 1};

	return addr_is_wildcard(a) ||
	       (a->family == AF_INET && memcmp(a->ip, loopback4, 4) == 0) ||
	       (a->family == AF_INET6 && memcmp(a->ip, loopback6, 16) == 0);
}

void netif_watch_drain(int fd)
{
	char buf[8192];
	ssize_t n;

	/* What exactly has changed is not asked: whoever watches looks again,
	 * which also holds when messages were lost (ENOBUFS). */
	do
		n = recv(fd, buf, sizeof(buf), 0);
	while (n > 0 || (n < 0 && errno == ENOBUFS));
}
