#include "echo.h"

#include "peer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK = 16 << 10, GUESTS = 512 };

/* What is polled: these two, and the guests behind them. */
enum { LISTENER, WAKE, FIRST, POLLS = FIRST + GUESTS };

struct guest {
	int fd;
	size_t from, to; /* what is in buf and not sent back yet */
	char buf[CHUNK];
};

struct echo {
	int listener;
	int wake[2];
	pthread_t thread;
	struct guest *guests[GUESTS];
	size_t count;
};

static void leave(struct echo *e, size_t i)
{
	close(e->guests[i]->fd);
	free(e->guests[i]);
	e->guests[i] = e->guests[--e->count];
}

static void welcome(struct echo *e)
{
	struct guest *g = calloc(1, sizeof(*g));

	if (!g)
		return;
	g->fd = peer_accept(e->listener);
	if (g->fd < 0)
		free(g);
	else
		e->guests[e->count++] = g;
}

/* Returns false when the guest has ended or failed. */
static bool send_back(struct guest *g)
{
	ssize_t n;

	if (g->from == g->to) {
		n = recv(g->fd, g->buf, CHUNK, MSG_DONTWAIT);
		if (n <= 0)
			return false;
		g->from = 0;
		g->to = (size_t)n;
	}
	n = send(g->fd, g->buf + g->from, g->to - g->from,
		 MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n > 0)
		g->from += (size_t)n;
	return n > 0 || errno == EAGAIN;
}

static nfds_t ask(const struct echo *e, struct pollfd *polls)
{
	polls[LISTENER].fd = e->count < GUESTS ? e->listener : -1;
	polls[LISTENER].events = POLLIN;
	polls[WAKE].fd = e->wake[0];
	polls[WAKE].events = POLLIN;
	for (size_t i = 0; i < e->count; i++) {
		const struct guest *g = e->guests[i];

		polls[FIRST + i].fd = g->fd;
		polls[FIRST + i].events = g->from == g->to ? POLLIN : POLLOUT;
	}
	return (nfds_t)(FIRST + e->count);
}

static void *serve(void *data)
{
	struct echo *e = data;
	struct pollfd polls[POLLS];

	for (;;) {
		nfds_t n = ask(e, polls);

		if (poll(polls, n, -1) < 0 || polls[WAKE].revents)
			return NULL;
		/* From the end, as who leaves is replaced by the last one. */
		for (size_t i = e->count; i-- > 0;) {
			if (polls[FIRST + i].revents &&
			    !send_back(e->guests[i]))
				leave(e, i);
		}
		if (polls[LISTENER].revents)
			welcome(e);
	}
}

struct echo *echo_start(int listener)
{
	struct echo *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->listener = listener;
	if (pipe(e->wake) < 0)
		goto free_echo;
	if (pthread_create(&e->thread, NULL, serve, e) == 0)
		return e;
	close(e->wake[0]);
	close(e->wake[1]);
free_echo:
	free(e);
	return NULL;
}

void echo_stop(struct echo *e)
{
	close(e->wake[1]);
	pthread_join(e->thread, NULL);
	while (e->count > 0)
		leave(e, 0);
	close(e->wake[0]);
	free(e);
}
