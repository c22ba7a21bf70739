#include "os/notify.h"

#include "base/num.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	MESSAGE_MOST = 512,
	PATIENCE_S = 1, /* for a service manager that does not read */
};

bool notify_is_wanted(void)
{
	const char *name = getenv("NOTIFY_SOCKET");

	return name && name[0] != '\0';
}

/* Returns the length of the address, or a negative errno. */
static int find(struct sockaddr_un *to)
{
	const char *name = getenv("NOTIFY_SOCKET");
	size_t length = name ? strlen(name) : 0;

	memset(to, 0, sizeof(*to));
	to->sun_family = AF_UNIX;
	if (length < 2 || (name[0] != '/' && name[0] != '@'))
		return -EAFNOSUPPORT;
	if (length >= sizeof(to->sun_path))
		return -ENAMETOOLONG;
	memcpy(to->sun_path, name, length);
	/* An abstract name has no end but its length. */
	if (name[0] == '@')
		to->sun_path[0] = '\0';
	else
		length++;
	return (int)(offsetof(struct sockaddr_un, sun_path) + length);
}

static int send_to(const struct sockaddr_un *to, socklen_t size,
		   const char *text, int flags)
{
	static const struct timeval patience = {.tv_sec = PATIENCE_S};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ssize_t n;
	int err;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	do
		n = sendto(fd, text, strlen(text), flags | MSG_NOSIGNAL,
			   (const struct sockaddr *)to, size);
	while (n < 0 && errno == EINTR);
	err = n < 0 ? -errno : 0;
	close(fd);
	return err;
}

static int tell(const char *text, int flags)
{
	struct sockaddr_un to;
	int size;

	if (!notify_is_wanted())
		return 0;
	size = find(&to);
	return size < 0 ? size : send_to(&to, (socklen_t)size, text, flags);
}

/* A line that cannot be taken for two. */
static void add_status(char *text, size_t size, const char *status)
{
	size_t length = strlen(text);

	snprintf(text + length, size - length, "STATUS=%s", status);
	for (char *p = text + length; *p != '\0'; p++)
		if (*p == '\n')
			*p = ' ';
}

int notify_ready(const char *status)
{
	char text[MESSAGE_MOST] = "READY=1\n";

	add_status(text, sizeof(text), status);
	return tell(text, 0);
}

int notify_reloading(void)
{
	struct timespec now;
	char text[96];

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		 (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
	return tell(text, 0);
}

int notify_stopping(void)
{
	return tell("STOPPING=1", 0);
}

int notify_status(const char *status)
{
	char text[MESSAGE_MOST] = "";

	add_status(text, sizeof(text), status);
	return tell(text, MSG_DONTWAIT);
}

int notify_alive(void)
{
	return tell("WATCHDOG=1", MSG_DONTWAIT);
}

/* sd_watchdog_enabled(3): what a parent was asked for is not for us. */
uint64_t notify_alive_ms(void)
{
	const char *every = getenv("WATCHDOG_USEC");
	const char *whom = getenv("WATCHDOG_PID");
	uint64_t us, pid;

	if (!notify_is_wanted() || !every ||
	    num_parse(every, 10, 1, UINT64_MAX - 1, &us) < 0)
		return 0;
	if (whom && (num_parse(whom, 10, 1, UINT32_MAX, &pid) < 0 ||
		     pid != (uint64_t)getpid()))
		return 0;
	return us < 2000 ? 1 : us / 2000;
}
