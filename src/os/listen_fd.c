#include "os/listen.h"

#include <errno.h>
#include <fcntl.h>

int listen_open_fd(const struct listen_request *want, struct listeners *out,
		   struct fault *why)
{
	if (fcntl(want->fd, F_GETFD) < 0)
		return fault_set(why, -EBADF,
				 "%s: descriptor %d is not open; the program "
				 "that starts lowport has to leave it open "
				 "(without close-on-exec)",
				 want->text, want->fd);
	return listen_adopt(want->fd, want, "the parent process",
			    "Hand over a socket on which bind() and listen() "
			    "have been called; from inetd, use wait style.",
			    out, why);
}
