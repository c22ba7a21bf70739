#include "os/listen.h"

#include "os/platform.h"
#include "os/sock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

const struct listen_source listen_sources[] = {
	{"launchd", LISTEN_NAME, true, "launchd", true, listen_open_launchd},
	{"systemd", LISTEN_OPTIONAL_NAME, true, "systemd", false,
	 listen_open_systemd},
	{"fd", LISTEN_NUMBER, true, "the parent process", false,
	 listen_open_fd},
	{"if", LISTEN_INTERFACE, false, NULL, false, listen_open_interface},
	{"only", LISTEN_ONE_ADDRESS, false, NULL, false, listen_open_only},
	{"unix", LISTEN_PATH, false, NULL, false, listen_open_unix},
	{"", LISTEN_ADDRESS, false, NULL, false, listen_open_bind},
	{NULL, LISTEN_ADDRESS, false, NULL, false, NULL},
};

int listen_add(struct listeners *out, int fd, const struct addr *addr,
	       const struct listen_request *want, struct fault *why)
{
	size_t size = (out->count + 1) * sizeof(*out->at);
	struct listener *at = realloc(out->at, size);
	char *path = NULL;

	if (at)
		out->at = at;
	if (at && addr->family == AF_UNIX && addr->path)
		path = strdup(addr->path);
	if (!at || (addr->family == AF_UNIX && addr->path && !path))
		return fault_set(why, -ENOMEM, "%s: out of memory", want->text);
	at += out->count++;
	*at = (struct listener){
		.fd = fd, .addr = *addr, .path = path, .asked = want};
	if (at->addr.family == AF_UNIX)
		at->addr.path = path;
	return 0;
}

static int int_option(int fd, int option, int *value)
{
	socklen_t length = sizeof(*value);

	return getsockopt(fd, SOL_SOCKET, option, value, &length) < 0 ? -errno
								      : 0;
}

static const char *type_name(int type)
{
	switch (type) {
	case SOCK_DGRAM:
		return "a datagram (UDP) socket";
	case SOCK_SEQPACKET:
		return "a seqpacket socket";
	default:
		return "a socket of another type";
	}
}

static bool bound_where_asked(const struct addr *bound,
			      const struct listen_request *want)
{
	if (want->interface)
		return bound->family != AF_UNIX &&
		       (want->addr.port == 0 || want->addr.port == bound->port);
	return want->addr.family == AF_UNSPEC || addr_equal(bound, &want->addr);
}

/* Empty if nothing was said. */
static const char *print_expected(const struct listen_request *want,
				  char buf[ADDR_TEXT])
{
	buf[0] = '\0';
	if (want->interface && want->addr.port > 0)
		snprintf(buf, ADDR_TEXT, "a TCP port, %u", want->addr.port);
	else if (want->interface)
		snprintf(buf, ADDR_TEXT, "a TCP port");
	else if (want->addr.family != AF_UNSPEC)
		addr_print(&want->addr, buf);
	return buf;
}

static int check_kind(int fd, const struct listen_request *want,
		      const char *giver, const char *mend, struct fault *why)
{
	int type, listening, err = int_option(fd, SO_TYPE, &type);

	if (err == -ENOTSOCK)
		return fault_set(why, err,
				 "%s: descriptor %d from %s is not a socket; "
				 "expected a listening stream socket.\n%s",
				 want->text, fd, giver, mend);
	if (err < 0)
		return fault_set(why, err, "%s: descriptor %d from %s: %s.\n%s",
				 want->text, fd, giver, strerror(-err), mend);
	if (type != SOCK_STREAM)
		return fault_set(why, -ESOCKTNOSUPPORT,
				 "%s: descriptor %d from %s is %s; expected a "
				 "listening stream (TCP or Unix) socket.\n%s",
				 want->text, fd, giver, type_name(type), mend);
	if (int_option(fd, SO_ACCEPTCONN, &listening) < 0)
		listening = 0;
	return listening;
}

int listen_adopt(int fd, const struct listen_request *want, const char *giver,
		 const char *mend, struct listeners *out, struct fault *why)
{
	char expected[ADDR_TEXT], got[ADDR_TEXT];
	struct sockaddr_storage ss = {0};
	socklen_t length = sizeof(ss);
	struct addr bound;
	int err, listening = check_kind(fd, want, giver, mend, why);

	if (listening < 0)
		return listening;
	if (getsockname(fd, (struct sockaddr *)&ss, &length) < 0)
		return fault_set(why, -errno, "%s: descriptor %d from %s: %s.",
				 want->text, fd, giver, strerror(errno));
	addr_from_sockaddr(&bound, (const struct sockaddr *)&ss, length);
	print_expected(want, expected);
	addr_print(&bound, got);
	if (bound.family == AF_UNSPEC)
		return fault_set(why, -EAFNOSUPPORT,
				 "%s: descriptor %d from %s is neither a TCP "
				 "nor a Unix socket.\n%s",
				 want->text, fd, giver, mend);
	if (bound.family != AF_UNIX && bound.port == 0)
		return fault_set(why, -EADDRNOTAVAIL,
				 "%s: the socket from %s (descriptor %d) is "
				 "not bound%s%s: its bind failed.\n%s",
				 want->text, giver, fd,
				 expected[0] ? "; expected " : "", expected,
				 mend);
	if (!listening)
		return fault_set(why, -EINVAL,
				 "%s: the socket from %s (descriptor %d, %s) "
				 "does not listen; expected a listening "
				 "socket.\n%s",
				 want->text, giver, fd, got, mend);
	if (!bound_where_asked(&bound, want))
		return fault_set(why, -EADDRNOTAVAIL,
				 "%s: the socket from %s (descriptor %d) is "
				 "bound to %s; expected %s.\n%s",
				 want->text, giver, fd, got, expected, mend);
	err = sock_prepare(fd);
	if (err < 0)
		return fault_set(why, err, "%s: descriptor %d: %s", want->text,
				 fd, strerror(-err));
	return listen_add(out, fd, &bound, want, why);
}

/* Is its socket file still the one that was bound? */
static bool has_file(const struct listener *l)
{
	struct stat now;

	return l->path && l->ino != 0 && stat(l->path, &now) == 0 &&
	       now.st_dev == l->dev && now.st_ino == l->ino;
}

int listen_set_mode(const struct listener *l, struct fault *why)
{
	if (!has_file(l) || chmod(l->path, (mode_t)l->asked->mode) == 0)
		return 0;
	return fault_set(why, -errno, "%s: %s", l->path, strerror(errno));
}

int listen_own(struct listener *l, struct fault *why)
{
	if (!l->lent)
		return 0;
	l->lent = false;
	l->made = l->path != NULL;
	return listen_set_mode(l, why);
}

void listen_close_one(struct listener *l)
{
	if (l->made && has_file(l))
		unlink(l->path);
	if (l->fd >= 0)
		close(l->fd);
	free(l->path);
	l->fd = -1;
	l->path = NULL;
	if (l->addr.family == AF_UNIX)
		l->addr.path = NULL;
}

void listen_close(struct listeners *l, size_t first)
{
	while (l->count > first)
		listen_close_one(&l->at[--l->count]);
	if (l->count > 0)
		return;
	free(l->at);
	l->at = NULL;
}
