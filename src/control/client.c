#include "control/client.h"

#include "base/addr.h"
#include "base/text.h"
#include "os/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 64 << 10, FILES_MOST = 250, PAUSE_MS = 10 };

static const size_t ANSWER_MOST = 256 << 20;

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int await(int fd, short events, int64_t due_ms)
{
	struct pollfd p = {.fd = fd, .events = events};
	int64_t left;
	int n;

	do {
		left = due_ms - now_ms();
		n = left > 0 ? poll(&p, 1, (int)left) : 0;
	} while (n < 0 && errno == EINTR);
	return n > 0 ? 0 : n == 0 ? -ETIMEDOUT : -errno;
}

/* A full backlog is waited for: it says -EAGAIN, and nothing can be polled. */
static int dial(const struct addr *to, int64_t due_ms)
{
	const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000};
	int err, fd = sock_open(AF_UNIX);

	if (fd < 0)
		return fd;
	while ((err = sock_connect(fd, to)) == -EAGAIN && now_ms() < due_ms)
		nanosleep(&pause, NULL);
	if (err == -EINPROGRESS)
		err = await(fd, POLLOUT, due_ms);
	if (err == 0)
		return fd;
	close(fd);
	return err == -EAGAIN ? -ETIMEDOUT : err;
}

static int send_all(int fd, const char *bytes, size_t length, int64_t due_ms)
{
	while (length > 0) {
		ssize_t n = write(fd, bytes, length);

		if (n < 0 && errno == EAGAIN) {
			int err = await(fd, POLLOUT, due_ms);

			if (err < 0)
				return err;
		} else if (n < 0 && errno != EINTR) {
			return -errno;
		} else if (n > 0) {
			bytes += n;
			length -= (size_t)n;
		}
	}
	return 0;
}

/* Those that nobody wants are closed. */
static void take_files(struct msghdr *m, struct client_files *files)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			fcntl(fd, F_SETFD, FD_CLOEXEC);
			if (files && files->count < files->most)
				files->at[files->count++] = fd;
			else
				close(fd);
		}
	}
}

static ssize_t receive(int fd, char *piece, struct client_files *files)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(FILES_MOST * sizeof(int))];
	} control;
	struct iovec into = {.iov_base = piece, .iov_len = PIECE};
	struct msghdr m = {.msg_iov = &into,
			   .msg_iovlen = 1,
			   .msg_control = control.room,
			   .msg_controllen = sizeof(control.room)};
	ssize_t n = recvmsg(fd, &m, 0);

	if (n < 0)
		return -errno;
	take_files(&m, files);
	/* There were more of them. */
	return files && m.msg_flags & MSG_CTRUNC ? -EMFILE : n;
}

/* To the end of the stream, which has to be that of a line. Who answers without
 * having heard us resets after that. */
static int hear(int fd, struct text *t, struct client_files *files,
		int64_t due_ms)
{
	char piece[PIECE];

	for (;;) {
		ssize_t n = receive(fd, piece, files);

		if (n == -EAGAIN)
			n = await(fd, POLLIN, due_ms);
		else if (n == 0 || n == -ECONNRESET)
			break;
		else if (n > 0)
			text_add_bytes(t, piece, (size_t)n);
		if (n < 0 && n != -EINTR)
			return (int)n;
		if (t->failed || t->length > ANSWER_MOST)
			return -ENOMEM;
	}
	if (t->length == 0 || t->at[t->length - 1] != '\n')
		return -EPIPE;
	t->at[--t->length] = '\0';
	return 0;
}

static int put_in_words(const char *path, int err, struct fault *why)
{
	struct stat st;

	switch (err) {
	case -ENOENT:
		return fault_set(why, err,
				 "%s: there is no such socket (is lowport "
				 "running? lowport status shows what is)",
				 path);
	case -ECONNREFUSED:
		if (stat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
			return fault_set(why, -ENOTSOCK,
					 "%s: is not a socket (lowport status "
					 "finds those of this user by itself)",
					 path);
		return fault_set(why, err,
				 "%s: nobody is there any more: that lowport "
				 "has ended",
				 path);
	case -EACCES:
	case -EPERM:
		return fault_set(why, -EACCES,
				 "%s: permission denied: it answers the user "
				 "that lowport runs as, and root (try sudo)",
				 path);
	case -ETIMEDOUT:
		return fault_set(why, err,
				 "%s: no answer within %d seconds (is that "
				 "lowport stopped, or very busy?)",
				 path, CLIENT_PATIENCE_MS / 1000);
	case -EPIPE:
	case -ECONNRESET:
		return fault_set(why, err,
				 "%s: the connection was closed before there "
				 "was a whole answer",
				 path);
	case -ENAMETOOLONG:
		return fault_set(why, err,
				 "%s: too long for the path of a socket", path);
	default:
		return fault_set(why, err, "%s: %s", path, strerror(-err));
	}
}

static int explain(const char *path, int err, struct fault *why)
{
	err = put_in_words(path, err, why);
	fault_escape(why);
	return err;
}

/* Anybody may have made a socket where a lowport is looked for; what a stranger
 * hands over is bound in another network, or serves the stranger as well. */
static int check_giver(int fd, const char *path,
		       const struct client_files *files, struct fault *why)
{
	uid_t user;
	int err = sock_peer_user(fd, &user);

	if (err < 0)
		return explain(path, err, why);
	if (user == 0 || user == geteuid() || user == files->user)
		return 0;
	err = fault_set(why, -EPERM,
			"%s: it is user %u who listens there: listeners are "
			"taken over from this user's lowport, root's, and that "
			"of the user whom --user names (end that one first)",
			path, (unsigned)user);
	fault_escape(why);
	return err;
}

int client_ask(const char *path, const char *request, char **answer,
	       struct client_files *files, struct fault *why)
{
	const struct addr to = {.family = AF_UNIX, .path = path};
	int64_t due_ms = now_ms() + CLIENT_PATIENCE_MS;
	struct text line = {0}, t = {0};
	int err, fd = dial(&to, due_ms);

	if (files)
		files->count = 0;
	if (fd < 0)
		return explain(path, fd, why);
	err = files ? check_giver(fd, path, files, why) : 0;
	if (err < 0) {
		close(fd);
		return err;
	}
	text_addf(&line, "%s\n", request);
	err = line.failed ? -ENOMEM
			  : send_all(fd, line.at, line.length, due_ms);
	/* Who is not served is told so, and need not have been heard. */
	if (err == 0 || err == -EPIPE)
		err = hear(fd, &t, files, due_ms);
	close(fd);
	text_free(&line);
	*answer = err == 0 ? text_take(&t) : NULL;
	if (*answer)
		return 0;
	text_free(&t);
	while (files && files->count > 0)
		close(files->at[--files->count]);
	return explain(path, err < 0 ? err : -ENOMEM, why);
}
