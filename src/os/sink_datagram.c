#include "os/sink.h"
#include "os/sock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * syslog(3) waits for a daemon that is busy, and so would stop the loop. This
 * does not.
 */

static int connect_to(const char *path)
{
	struct addr to = {.family = AF_UNIX, .path = path};
	struct sockaddr_storage ss;
	socklen_t length = addr_to_sockaddr(&to, &ss);
	int err, fd;

	if (length == 0)
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (fd < 0)
		return -errno;
	err = sock_prepare(fd);
	if (err == 0 && connect(fd, (struct sockaddr *)&ss, length) < 0)
		err = -errno;
	if (err < 0) {
		close(fd);
		return err;
	}
	return fd;
}

/* A daemon that has been started anew listens on another socket of the same
 * name. */
static int reconnect(struct sink *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = connect_to(s->path);
	return s->fd < 0 ? s->fd : 0;
}

static int send_line(struct sink *s, const char *bytes, size_t length)
{
	if (s->fd < 0)
		return -ENOTCONN;
	return send(s->fd, bytes, length, 0) < 0 ? -errno : 0;
}

static ssize_t write_datagram(struct sink *s, const char *bytes, size_t length)
{
	int err = send_line(s, bytes, length);

	if (err < 0 && err != -EAGAIN && err != -ENOBUFS && err != -EINTR &&
	    err != -EMSGSIZE) {
		err = reconnect(s);
		if (err == 0)
			err = send_line(s, bytes, length);
	}
	s->error = -err;
	if (err == -EMSGSIZE)
		return err;
	return err < 0 ? -EAGAIN : (ssize_t)length;
}

int sink_open_datagram(struct sink *s, const char *path)
{
	char *copy = strdup(path);
	int fd = copy ? connect_to(path) : -ENOMEM;

	if (fd < 0) {
		free(copy);
		return fd;
	}
	sink_init(s, fd);
	s->write = write_datagram;
	s->line_by_line = true;
	s->own = true;
	s->path = copy;
	return 0;
}
