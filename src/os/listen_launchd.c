#include "os/listen.h"

#include <errno.h>
#include <launch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char mend[] =
	"Usually the address is not up yet, or another program holds the "
	"port (lsof -nP -iTCP -sTCP:LISTEN).\nSockets are made only at load "
	"time: once that is mended, load the agent again (launchctl bootout, "
	"then launchctl bootstrap).";

static int explain(struct fault *why, const struct listen_request *want,
		   int error)
{
	switch (error) {
	case ENOENT:
		return fault_set(why, -error,
				 "%s: launchd knows no socket \"%s\" of this "
				 "job.\nThe name is the key under Sockets in "
				 "the plist; spell both alike.",
				 want->text, want->name);
	case ESRCH:
		return fault_set(why, -error,
				 "%s: launchd did not start this process.\n"
				 "Load it as a LaunchAgent (launchctl "
				 "bootstrap gui/$UID FILE), or use --listen "
				 "ADDR:PORT from a shell.",
				 want->text);
	case EALREADY:
		return fault_set(why, -error,
				 "%s: this socket was taken before; name it "
				 "once.",
				 want->text);
	default:
		return fault_set(why, -error, "%s: launch_activate_socket: %s",
				 want->text, strerror(error));
	}
}

/* launch.h: 0 or an errno value; the array is ours to free, the descriptors
 * are ours to close. */
int listen_open_launchd(const struct listen_request *want,
			struct listeners *out, struct fault *why)
{
	size_t before = out->count, count = 0, i;
	int *fds = NULL;
	int err, error = launch_activate_socket(want->name, &fds, &count);

	if (error != 0)
		return explain(why, want, error);
	err = count > 0 ? 0
			: fault_set(why, -ENOENT,
				    "%s: launchd handed over no socket.\n%s",
				    want->text, mend);
	for (i = 0; i < count && err == 0; i++)
		err = listen_adopt(fds[i], want, "launchd", mend, out, why);
	if (err < 0) {
		/* The last one, refused, and those behind it. */
		for (i = i > 0 ? i - 1 : 0; i < count; i++)
			close(fds[i]);
		listen_close(out, before);
	}
	free(fds);
	return err;
}
