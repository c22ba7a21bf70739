#include "os/listen.h"
#include "os/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { LOCK_TRIES = 100, LOCK_PAUSE_US = 10000 };

/* Make room for the path: a socket file that nobody serves any more is
 * removed, anything else stays. */
static int clear_path(const struct addr *addr, struct fault *why)
{
	struct stat st;
	int fd, err;

	if (lstat(addr->path, &st) < 0)
		return errno == ENOENT ? 0
				       : fault_set(why, -errno, "unix:%s: %s",
						   addr->path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return fault_set(why, -EEXIST,
				 "unix:%s: exists and is not a socket; choose "
				 "another path or remove it yourself",
				 addr->path);
	fd = sock_open(AF_UNIX);
	if (fd < 0)
		return fault_set(why, fd, "unix:%s: %s", addr->path,
				 strerror(-fd));
	err = sock_connect(fd, addr);
	close(fd);
	if (err == 0 || err == -EAGAIN || err == -EINPROGRESS)
		return fault_set(why, -EADDRINUSE,
				 "unix:%s: another program serves this socket; "
				 "stop it or choose another path",
				 addr->path);
	if (err != -ECONNREFUSED || unlink(addr->path) < 0)
		return fault_set(why, -EADDRINUSE,
				 "unix:%s: exists, and cannot be replaced: %s",
				 addr->path,
				 strerror(err == -ECONNREFUSED ? errno : -err));
	return 0;
}

/* The file never has other rights, not even for a moment. */
static int bind_with_mode(int fd, const struct addr *addr, unsigned mode)
{
	struct sockaddr_storage ss;
	socklen_t length = addr_to_sockaddr(addr, &ss);
	mode_t before = umask(0777 & ~(mode_t)mode);
	int err = 0;

	if (bind(fd, (const struct sockaddr *)&ss, length) < 0)
		err = -errno;
	umask(before);
	return err;
}

/* Know its file again. Returns less than 0 with errno. */
static int mark_made(struct listener *l)
{
	struct stat st;

	if (stat(l->path, &st) < 0)
		return -1;
	l->made = true;
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	return 0;
}

static int listen_and_add(int fd, const struct listen_request *want,
			  struct listeners *out, struct fault *why)
{
	int err;

	if (listen(fd, want->backlog) < 0)
		return fault_set(why, -errno, "unix:%s: %s", want->addr.path,
				 strerror(errno));
	err = listen_add(out, fd, &want->addr, want, why);
	if (err < 0)
		return err;
	if (mark_made(&out->at[out->count - 1]) == 0)
		return 0;
	err = fault_set(why, -errno, "unix:%s: %s", want->addr.path,
			strerror(errno));
	/* fd stays the caller's. */
	out->at[out->count - 1].fd = -1;
	listen_close(out, out->count - 1);
	return err;
}

/* Clearing the path, binding and listening are one step: of two that start at
 * the same time, one must find the other's socket alive. Whoever cannot have
 * the lock goes on without it. Returns a descriptor, or -1. */
static int lock_folder(const char *path)
{
	char folder[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	char *slash;
	int fd, tries;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	slash[slash == folder] = '\0';
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (tries = 0; fd >= 0 && tries < LOCK_TRIES; tries++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			break;
		usleep(LOCK_PAUSE_US);
	}
	return fd;
}

/* Its file is there, and ours from listen_own() on, unless it was handed over.
 * Returns false if nobody can reach it, for the file is gone. */
static bool know_offered(struct listener *l)
{
	if (l->stays)
		return true;
	if (mark_made(l) < 0)
		return false;
	l->made = false;
	return true;
}

static int open_socket(const struct listen_request *want, struct listeners *out,
		       struct fault *why)
{
	int fd, err = listen_take_offered(&want->addr, want, out, why);

	if (err < 0)
		return err;
	if (err > 0 && know_offered(&out->at[out->count - 1]))
		return 0;
	if (err > 0)
		listen_close(out, out->count - 1);
	err = clear_path(&want->addr, why);
	if (err < 0)
		return err;
	fd = sock_open(AF_UNIX);
	if (fd < 0)
		return fault_set(why, fd, "%s: %s", want->text, strerror(-fd));
	sock_refuse_files(fd);
	err = bind_with_mode(fd, &want->addr, want->mode);
	if (err < 0) {
		fault_set(why, err, "unix:%s: %s", want->addr.path,
			  err == -ENOENT ? "there is no such folder"
					 : strerror(-err));
		goto close_fd;
	}
	err = listen_and_add(fd, want, out, why);
	if (err == 0)
		return 0;
	unlink(want->addr.path);
close_fd:
	close(fd);
	return err;
}

int listen_open_unix(const struct listen_request *want, struct listeners *out,
		     struct fault *why)
{
	int lock = lock_folder(want->addr.path);
	int err = open_socket(want, out, why);

	if (lock >= 0)
		close(lock);
	return err;
}

int listen_clear_unix(const struct addr *addr, struct fault *why)
{
	int lock = lock_folder(addr->path);
	int err = clear_path(addr, why);

	if (lock >= 0)
		close(lock);
	return err;
}
