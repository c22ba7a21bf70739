#include "engine/acceptor.h"

#include "os/sock.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Connections in one go; then the others of the loop get their turn. */
enum { BATCH = 16 };

struct acceptor {
	int fd;
	bool dead;
	bool waits; /* for connections; else it is paused */
	struct watch *watch;
	const struct acceptor_events *events;
	void *owner;
};

bool acceptor_error_passes(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOBUFS ||
	       err == -ENOMEM;
}

static bool is_dead(int err)
{
	return err == -EINVAL || err == -EBADF || err == -ENOTSOCK ||
	       err == -EOPNOTSUPP || err == -EFAULT;
}

/* Of one that has gone again (accept(2), "Error handling"). */
static bool is_of_connection(int err)
{
	static const int errors[] = {
		ECONNABORTED, ECONNRESET,  EPROTO,      EHOSTDOWN, EHOSTUNREACH,
		ENETDOWN,     ENETUNREACH, ENOPROTOOPT, ETIMEDOUT,
	};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (err == -errors[i])
			return true;
	return false;
}

static void die(struct acceptor *a, int err)
{
	a->dead = true;
	acceptor_pause(a);
	a->events->failed(a->owner, err);
}

void acceptor_check(struct acceptor *a)
{
	if (!a->dead && !sock_is_listening(a->fd))
		die(a, -EINVAL);
}

static void on_ready(void *data, int ready)
{
	struct acceptor *a = data;

	(void)ready;
	for (int i = 0; i < BATCH && a->events->may_accept(a->owner); i++) {
		struct addr client;
		int fd = sock_accept(a->fd, &client);

		if (fd >= 0) {
			a->events->accepted(a->owner, fd, &client);
			continue;
		}
		if (fd == -EAGAIN)
			return;
		if (is_dead(fd)) {
			die(a, fd);
			return;
		}
		if (acceptor_error_passes(fd)) {
			watch_more(a->watch);
			a->events->failed(a->owner, fd);
			return;
		}
		if (!is_of_connection(fd)) {
			watch_more(a->watch);
			acceptor_pause(a);
			a->events->refused(a->owner, fd);
			return;
		}
	}
	watch_more(a->watch);
	if (a->waits)
		watch_for(a->watch, WATCH_READ);
}

int acceptor_open(struct acceptor **out, struct watch_set *watches, int fd,
		  const struct acceptor_events *events, void *owner)
{
	struct acceptor *a = malloc(sizeof(*a));
	int err;

	if (!a)
		return -ENOMEM;
	*a = (struct acceptor){.fd = fd, .events = events, .owner = owner};
	err = watch_open(&a->watch, watches, fd, on_ready, a);
	if (err < 0) {
		free(a);
		return err;
	}
	*out = a;
	return 0;
}

void acceptor_pause(struct acceptor *a)
{
	a->waits = false;
	watch_for(a->watch, 0);
}

void acceptor_resume(struct acceptor *a)
{
	a->waits = !a->dead;
	if (a->waits)
		watch_for(a->watch, WATCH_READ);
}

static void on_gone(void *data)
{
	free(data);
}

void acceptor_close(struct acceptor *a)
{
	a->waits = false;
	watch_close(a->watch, on_gone, a);
	close(a->fd);
}
