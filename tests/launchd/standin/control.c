#include "control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

int control_address(struct sockaddr_un *sun, const char *dir)
{
	int n;

	if (!dir)
		return -ENOENT;
	*sun = (struct sockaddr_un){.sun_family = AF_UNIX};
	n = snprintf(sun->sun_path, sizeof(sun->sun_path), "%s/control", dir);
	return n < (int)sizeof(sun->sun_path) ? 0 : -ENAMETOOLONG;
}

size_t control_pack(char *buf, const char *const words[], size_t count)
{
	size_t length = 0;

	for (size_t i = 0; i < count; i++) {
		size_t n = strlen(words[i]) + 1;

		if (n > CONTROL_MOST - length)
			break;
		memcpy(buf + length, words[i], n);
		length += n;
	}
	return length;
}

size_t control_unpack(const char *buf, size_t length, const char *words[],
		      size_t most)
{
	size_t count = 0, at = 0;

	if (length == 0 || buf[length - 1] != '\0')
		return 0;
	while (at < length && count < most) {
		words[count++] = buf + at;
		at += strlen(buf + at) + 1;
	}
	return count;
}

static int converse(int fd, const char *const words[], size_t count, char *buf)
{
	struct timeval patience = {.tv_sec = 10};
	struct sockaddr_un sun;
	ssize_t n;
	int err = control_address(&sun, getenv("LOWPORT_STANDIN_DIR"));

	if (err < 0)
		return err;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) < 0 ||
	    send(fd, buf, control_pack(buf, words, count), MSG_NOSIGNAL) < 0)
		return -errno;
	n = recv(fd, buf, CONTROL_MOST, 0);
	if (n <= 0)
		return n < 0 ? -errno : -ECONNRESET;
	buf[n] = '\0';
	err = (unsigned char)buf[0];
	memmove(buf, buf + 1, (size_t)n);
	return err;
}

int control_ask(const char *const words[], size_t count,
		char buf[CONTROL_MOST + 1])
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int status = fd < 0 ? -errno : converse(fd, words, count, buf);

	if (fd >= 0)
		close(fd);
	return status;
}
