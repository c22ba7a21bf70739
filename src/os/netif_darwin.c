#include "os/netif.h"

#include "os/sock.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* getifaddrs() may tell it as the kernel keeps it: in the second 16 bits of the
 * address (in6_var.h: the embedded form of KAME). */
void netif_mend_scope(struct addr *a)
{
	if (a->scope == 0)
		a->scope = (uint32_t)(a->ip[2] << 8 | a->ip[3]);
	a->ip[2] = 0;
	a->ip[3] = 0;
}

/* route(4): RTM_NEWADDR and RTM_DELADDR, among others, come by themselves. */
int netif_watch(void)
{
	int err, fd = socket(PF_ROUTE, SOCK_RAW, 0);

	if (fd < 0)
		return -errno;
	err = sock_prepare(fd);
	if (err < 0) {
		close(fd);
		return err;
	}
	return fd;
}
