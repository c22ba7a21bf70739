#include "sim/files.h"
#include "sim/kernel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Bytes through sockets and pipes. */

enum { PERIOD = 65521, LONGEST = 1 << 17, SLOT = 4096 };

static uint8_t pattern[PERIOD + LONGEST];

/* The byte at every offset of a stream is determined; streams differ in where
 * they start. */
static const uint8_t *pattern_at(uint32_t stream, uint64_t offset, size_t *n)
{
	if (pattern[0] == 0) {
		uint32_t x = 2463534242;

		for (size_t i = 0; i < PERIOD; i++) {
			/* Marsaglia's xorshift. */
			x ^= x << 13;
			x ^= x >> 17;
			x ^= x << 5;
			pattern[i] = (uint8_t)(x | (i == 0));
		}
		for (size_t i = PERIOD; i < sizeof(pattern); i++)
			pattern[i] = pattern[i - PERIOD];
	}
	if (*n > LONGEST)
		*n = LONGEST;
	return &pattern[(stream + offset) % PERIOD];
}

const uint8_t *stream_said(const struct sock *s, uint64_t offset, size_t *n)
{
	if (offset >= s->prefix_size)
		return pattern_at(s->stream, offset, n);
	if (*n > s->prefix_size - offset)
		*n = (size_t)(s->prefix_size - offset);
	return &s->in_prefix[offset];
}

static void get(const struct sock *s, uint64_t offset, uint8_t *buf, size_t n)
{
	while (n > 0) {
		size_t some = n;
		const uint8_t *from = stream_said(s, offset, &some);

		memcpy(buf, from, some);
		buf += some;
		offset += some;
		n -= some;
	}
}

static size_t room(const struct sock *s)
{
	uint64_t used = s->out_end - s->out_at;

	return used < s->out_room ? (size_t)(s->out_room - used) : 0;
}

/* A third of it, as sk_stream_is_writeable() has it. */
bool stream_has_room(const struct sock *s)
{
	return room(s) >= s->out_room / 3;
}

void stream_heard_end(struct sock *s)
{
	s->heard_end = true;
	if (s->link && s->link->half_ms == UINT64_MAX)
		s->link->half_ms = world.now_ms;
}

/* The bytes that a read may have: it halts before an urgent one. */
static size_t readable(const struct sock *s, size_t most)
{
	uint64_t n = s->in_end - s->in_at;

	if (s->urgent > s->in_at && s->urgent - s->in_at < n)
		n = s->urgent - s->in_at;
	return n < most ? (size_t)n : most;
}

/* What a read says that has found no byte: tcp_recvmsg_locked(). A splice says
 * so before an urgent byte too, when it is not the end. */
static int nothing(struct sock *s)
{
	int error = s->error;

	if (!s->in_fin && !error && s->state != DEAD)
		return EAGAIN;
	if (s->in_at == s->in_end)
		stream_heard_end(s);
	if (s->in_fin)
		return 0;
	s->error = 0;
	return error;
}

ssize_t kernel_recv(int fd, void *buf, size_t size, int flags)
{
	struct sock *s = sock_at(fd, "recv");
	size_t n;

	world_call();
	if (s->listens || s->state == CONNECTING)
		world_failed("recv(%d): it is not connected", fd);
	if (s->urgent == s->in_at && !s->inlines)
		world_failed("recv(%d): an urgent byte would be left out", fd);
	n = readable(s, size);
	if (n == 0) {
		errno = nothing(s);
		return errno ? -1 : 0;
	}
	get(s, s->in_at, buf, n);
	if (flags & MSG_PEEK)
		return (ssize_t)n;
	if (s->urgent >= s->in_at && s->urgent < s->in_at + n)
		s->urgent = UINT64_MAX;
	s->in_at += n;
	world_trace("recv(%d): %zu", fd, n);
	return (ssize_t)n;
}

/* What a write says to a socket that takes none: 0 if it takes some. */
static int refusal(struct sock *s, int fd, const char *call)
{
	int error = s->error;

	if (s->listens || s->state == CONNECTING)
		world_failed("%s(%d): it is not connected", call, fd);
	if (s->out_fin)
		world_failed("%s(%d): its end has been passed on", call, fd);
	if (s->state == DEAD) {
		s->error = 0;
		stream_heard_end(s);
		return error ? error : EPIPE;
	}
	if (room(s) > 0)
		return 0;
	s->no_space = true;
	return EAGAIN;
}

static size_t take_in(struct sock *s, size_t n)
{
	size_t most = room(s);

	if (n > most)
		n = most;
	if (n > 1 && one_in(4))
		n = 1 + choose((uint32_t)n);
	if (s->out_end + n > s->out_skip && s->link)
		s->link->moved_ms = world.now_ms;
	if (s->closed)
		s->owes_reset = true;
	return n;
}

ssize_t kernel_send(int fd, const void *buf, size_t size, int flags)
{
	struct sock *s = sock_at(fd, "send");
	size_t n;

	world_call();
	if (!(flags & MSG_NOSIGNAL))
		world_failed("send(%d): it may be killed", fd);
	errno = refusal(s, fd, "send");
	if (errno)
		return -1;
	check_given(s, buf, size);
	n = take_in(s, size);
	s->out_end += n;
	sim_seen.bytes += n;
	/* A short write has found it full. */
	if (n < size)
		s->no_space = true;
	world_trace("send(%d): %zu of %zu", fd, n, size);
	return (ssize_t)n;
}

static ssize_t splice_in(struct sock *s, int fd, struct pipe_inside *p,
			 size_t size)
{
	size_t slots = p->size / SLOT, n;

	if (s->listens || s->state == CONNECTING)
		world_failed("splice(%d): it is not connected", fd);
	if (p->slots == slots || p->held == p->size) {
		errno = EAGAIN;
		return -1;
	}
	if (size > p->size - p->held)
		size = p->size - p->held;
	/* tcp_read_sock() halts before an urgent byte, and stays there. */
	n = s->urgent == s->in_at ? 0 : readable(s, size);
	if (n == 0) {
		errno = nothing(s);
		return errno ? -1 : 0;
	}
	if (n > 1 && one_in(4))
		n = 1 + choose((uint32_t)n);
	if (p->held > 0 && (p->from != s || p->at + p->held != s->in_at))
		world_failed("splice(%d): into a pipe that holds %zu bytes of "
			     "another",
			     fd, p->held);
	if (p->held == 0)
		p->at = s->in_at;
	p->from = s;
	p->held += n;
	/* A segment may fill a slot less than full. */
	p->slots += 1 + (n - 1) / SLOT + choose(3);
	if (p->slots > slots)
		p->slots = slots;
	s->in_at += n;
	sim_seen.spliced += n;
	world_trace("splice(%d): %zu", fd, n);
	return (ssize_t)n;
}

static ssize_t splice_out(struct sock *s, int fd, struct pipe_inside *p,
			  size_t size)
{
	uint64_t due =
		s->mate ? s->mate->in_skip + s->out_end - s->out_skip : 0;
	size_t n = size < p->held ? size : p->held;

	errno = refusal(s, fd, "splice");
	if (errno)
		return -1;
	if (s->out_end < s->out_skip || p->from != s->mate || p->at != due)
		world_failed("splice(%d): these bytes are not due", fd);
	n = take_in(s, n);
	s->out_end += n;
	sim_seen.bytes += n;
	p->at += n;
	p->held -= n;
	if (p->held == 0)
		p->slots = 0;
	else
		sim_seen.held_in_pipes++;
	if (n < size)
		s->no_space = true;
	world_trace("splice to %d: %zu of %zu", fd, n, size);
	return (ssize_t)n;
}

ssize_t kernel_splice(int from, int to, size_t size)
{
	struct file *src = file_at(from, "splice"),
		    *dst = file_at(to, "splice");

	world_call();
	if (src->kind == A_SOCKET && dst->kind == A_PIPE)
		return splice_in(src->sock, from, dst->pipe, size);
	if (src->kind == A_PIPE && dst->kind == A_SOCKET)
		return splice_out(dst->sock, to, src->pipe, size);
	world_failed("splice(%d, %d)", from, to);
}

int kernel_shutdown(int fd)
{
	struct sock *s = sock_at(fd, "shutdown");

	world_call();
	if (s->out_fin)
		world_failed("shutdown(%d): for the second time", fd);
	check_end_is_due(s, "shutdown");
	if (s->state == DEAD) {
		errno = ENOTCONN;
		return -1;
	}
	s->out_fin = true;
	sim_seen.half_closed++;
	world_trace("shutdown(%d)", fd);
	/* tcp_fin_wait: where both have ended, its state changes. */
	if (s->in_fin)
		kernel_wake(s, 0);
	return 0;
}

void stream_close(struct sock *s)
{
	int fd = s->fd;

	if (s->listens) {
		s->fd = -1;
		s->gone = true;
		s->mask = 0;
		/* Whoever was not accepted yet is reset. */
		while (world.waiting > 0)
			world.backlog[--world.waiting]->client.was_reset = true;
		return;
	}
	check_closed(s);
	world_trace("close(%d)%s", fd, s->lingers_not ? " with a reset" : "");
	s->fd = -1;
	s->gone = true;
	s->mask = 0;
	s->is_ready = false;
	if (s->lingers_not || s->in_end > s->in_at || s->state == DEAD) {
		s->was_reset |= s->state == OPEN;
		s->state = DEAD;
	}
	s->out_fin = true;
}

/* --- what the peer does --- */

void stream_send(struct sock *s, uint64_t n, bool urgent)
{
	if (s->gone) {
		/* Nobody is there to take it. */
		s->was_reset = true;
		return;
	}
	/* There is but one mark: it moves on, and what it was is a byte like
	 * others. */
	if (urgent)
		s->urgent = s->in_end + n - 1;
	s->in_end += n;
	s->said_ms = world.now_ms;
	s->to_send -= n < s->to_send ? n : s->to_send;
	kernel_wake(s, EPOLLIN);
}

void stream_end(struct sock *s)
{
	s->in_fin = true;
	s->fin_ms = world.now_ms;
	if (!s->gone)
		kernel_wake(s, 0);
}

void stream_reset(struct sock *s)
{
	s->did_reset = true;
	if (s->gone || s->state == DEAD)
		return;
	s->error = s->in_fin ? EPIPE : ECONNRESET;
	s->state = DEAD;
	s->reset_ms = world.now_ms;
	s->failed_late = s->heard_end && s->mate && s->mate->out_fin;
	kernel_wake(s, 0);
	sim_seen.resets++;
}

void stream_take(struct sock *s, uint64_t n)
{
	s->out_at += n;
	s->taken_ms = world.now_ms;
	if (!s->gone && s->no_space && stream_has_room(s)) {
		s->no_space = false;
		kernel_wake(s, EPOLLOUT);
	}
}
