#include "os/listen.h"

#include <errno.h>

int listen_open_launchd(const struct listen_request *want,
			struct listeners *out, struct fault *why)
{
	(void)out;
	return fault_set(why, -ENOTSUP,
			 "%s: not on this system: launchd is macOS's; here use "
			 "systemd, systemd:NAME, fd:N or ADDR:PORT",
			 want->text);
}
