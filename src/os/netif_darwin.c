#include "os/netif.h"

#include "os/sock.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

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
