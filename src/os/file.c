#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	WHOLE_MOST = 1 << 20,
	PATIENCE_MS = 3000, /* with a pipe, all in all */
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Returns 0, or -ETIMEDOUT when nothing has come by then. */
static int await(int fd, int64_t due_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int64_t left;
	int n;

	do {
		left = due_ms - now_ms();
		n = left > 0 ? poll(&p, 1, (int)left) : 0;
	} while (n < 0 && errno == EINTR);
	return n > 0 ? 0 : n == 0 ? -ETIMEDOUT : -errno;
}

/* Read up to size bytes. Returns how many, or a negative errno. */
static ssize_t read_some(int fd, char *buf, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, buf + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static int write_all(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, bytes, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		length -= (size_t)n;
	}
	return 0;
}

/* Of a pipe: who writes to it may take their time, or never come. */
static ssize_t read_pipe(int fd, char *buf, size_t size)
{
	int64_t due_ms = now_ms() + PATIENCE_MS;
	size_t done = 0;

	while (done < size) {
		int err = await(fd, due_ms);
		ssize_t n = err < 0 ? -1 : read(fd, buf + done, size - done);

		if (err < 0)
			return err;
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (n == 0)
			break;
		if (n > 0)
			done += (size_t)n;
	}
	return (ssize_t)done;
}

static ssize_t read_whole(int fd, char *buf, size_t size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)
		       ? read_some(fd, buf, size)
		       : read_pipe(fd, buf, size);
}

int file_read(const char *path, char **text, size_t *length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char *buf;
	ssize_t n;

	if (fd < 0)
		return -errno;
	buf = malloc(WHOLE_MOST + 1);
	n = buf ? read_whole(fd, buf, WHOLE_MOST + 1) : -ENOMEM;
	close(fd);
	if (n > WHOLE_MOST)
		n = -EFBIG;
	if (n < 0) {
		free(buf);
		return (int)n;
	}
	buf[n] = '\0';
	*text = buf;
	*length = (size_t)n;
	return 0;
}

/* A new file beside path. Returns its descriptor, or a negative errno. */
static int open_beside(const char *path, char *beside, size_t size)
{
	int fd;

	if ((size_t)snprintf(beside, size, "%s.XXXXXX", path) >= size)
		return -ENAMETOOLONG;
	fd = mkstemp(beside);
	if (fd < 0)
		return -errno;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

/* Takes fd: give it its rights and its name, or remove it. */
static int finish(int fd, int err, const char *beside, const char *path,
		  mode_t mode)
{
	if (err == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
		err = -errno;
	close(fd);
	if (err == 0 && rename(beside, path) < 0)
		err = -errno;
	if (err < 0)
		unlink(beside);
	return err;
}

int file_replace(const char *path, const void *bytes, size_t length,
		 mode_t mode)
{
	char beside[1100];
	int fd = open_beside(path, beside, sizeof(beside));

	if (fd < 0)
		return fd;
	return finish(fd, write_all(fd, bytes, length), beside, path, mode);
}

static int copy_bytes(int from, int to)
{
	char buf[16384];
	ssize_t n;
	int err = 0;

	while (err == 0 && (n = read_some(from, buf, sizeof(buf))) != 0)
		err = n < 0 ? (int)n : write_all(to, buf, (size_t)n);
	return err;
}

int file_copy(const char *from, const char *to, mode_t mode)
{
	char beside[1100];
	int out, in = open(from, O_RDONLY | O_CLOEXEC);
	int err;

	if (in < 0)
		return -errno;
	out = open_beside(to, beside, sizeof(beside));
	if (out < 0) {
		close(in);
		return out;
	}
	err = finish(out, copy_bytes(in, out), beside, to, mode);
	close(in);
	return err;
}

bool file_is_same(const char *a, const char *b)
{
	struct stat one, other;

	return stat(a, &one) == 0 && stat(b, &other) == 0 &&
	       one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

int file_make_parent(const char *path)
{
	char parent[1100];

	if ((size_t)snprintf(parent, sizeof(parent), "%s", path) >=
	    sizeof(parent))
		return -ENAMETOOLONG;
	for (char *p = strchr(parent + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(parent, 0755) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return 0;
}
