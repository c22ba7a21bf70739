#include "talk.h"

#include "bytes.h"
#include "peer.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { CHUNK = 64 << 10 };

static void send_some(struct talk *t)
{
	uint64_t left = t->send_to - t->send_at;
	size_t some = left < CHUNK ? (size_t)left : CHUNK;
	char buf[CHUNK];
	ssize_t n;

	if (some == 0) {
		shutdown(t->fd, SHUT_WR);
		t->sending_over = true;
		return;
	}
	bytes_fill(buf, some, t->send_seed, t->send_at);
	n = send(t->fd, buf, some, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n > 0)
		t->send_at += (uint64_t)n;
	/* Reading will tell how the other end went. */
	else if (errno != EAGAIN)
		t->sending_over = true;
}

static void receive_some(struct talk *t)
{
	char buf[CHUNK];
	ssize_t n = recv(t->fd, buf, CHUNK, MSG_DONTWAIT);
	size_t right;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		t->error = n < 0 ? -errno : 0;
		t->over = true;
		return;
	}
	right = bytes_right(buf, (size_t)n, t->receive_seed, t->receive_at);
	t->receive_at += right;
	if (right < (size_t)n) {
		t->error = -EBADMSG;
		t->over = true;
	}
}

static short wanted(const struct talk *t)
{
	if (t->over && t->sending_over)
		return 0;
	return (short)((t->sending_over ? 0 : POLLOUT) |
		       (t->over ? 0 : POLLIN));
}

static size_t look(const struct talk *talks, struct pollfd *polls, size_t count)
{
	size_t going_on = 0;

	for (size_t i = 0; i < count; i++) {
		polls[i].events = wanted(&talks[i]);
		polls[i].fd = polls[i].events ? talks[i].fd : -1;
		polls[i].revents = 0;
		going_on += polls[i].events != 0;
	}
	return going_on;
}

static void give_up(struct talk *talks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (wanted(&talks[i]))
			talks[i].error = -ETIMEDOUT;
		talks[i].over = talks[i].sending_over = true;
	}
}

void talk_all(struct talk *talks, size_t count)
{
	struct pollfd *polls = calloc(count, sizeof(*polls));

	while (polls && look(talks, polls, count) > 0) {
		if (poll(polls, (nfds_t)count, PEER_PATIENCE_MS) <= 0) {
			give_up(talks, count);
			break;
		}
		for (size_t i = 0; i < count; i++) {
			int ready = polls[i].revents;

			if (ready & ~POLLOUT && !talks[i].over)
				receive_some(&talks[i]);
			if (ready & ~POLLIN && !talks[i].sending_over)
				send_some(&talks[i]);
		}
	}
	free(polls);
}

struct talk talk_echo(int fd, uint64_t seed, uint64_t size)
{
	return (struct talk){
		.fd = fd,
		.send_seed = seed,
		.send_to = size,
		.receive_seed = seed,
	};
}

bool talk_is_right(const struct talk *t, uint64_t size)
{
	return t->over && t->error == 0 && t->receive_at == size;
}

int64_t talk_until_cut(int fd, uint64_t seed, int family)
{
	struct talk t = {.fd = fd, .receive_seed = seed, .sending_over = true};

	talk_all(&t, 1);
	if (t.error == -ECONNRESET || (t.error == 0 && family == AF_UNIX))
		return (int64_t)t.receive_at;
	return t.error == 0 ? -ENODATA : t.error;
}
