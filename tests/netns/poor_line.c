#include "netns/poor_line.h"

#include "base/addr.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { NEAR, FAR, ENDS, PACKET_MOST = 2048, QUEUE_MOST = 8192 };

struct packet {
	int64_t due_ms;
	int from; /* NEAR or FAR */
	size_t size;
	char bytes[PACKET_MOST];
};

struct poor_line {
	struct poor_line_options options;
	int fd[ENDS], wake[2];
	bool known; /* who sends to the near end */
	struct sockaddr_storage peer;
	socklen_t peer_length;
	struct packet *queue; /* a ring; all are as late as each other */
	size_t first, count;
	uint64_t random;
	unsigned lost;
	pthread_t thread;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool is_lost(struct poor_line *line)
{
	line->random = line->random * UINT64_C(6364136223846793005) +
		       UINT64_C(1442695040888963407);
	return (line->random >> 33) % line->options.lose_one_in == 0;
}

static void take(struct poor_line *line, int from)
{
	struct packet *p =
		&line->queue[(line->first + line->count) % QUEUE_MOST];
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer);
	ssize_t n = recvfrom(line->fd[from], p->bytes, sizeof(p->bytes), 0,
			     (struct sockaddr *)&peer, &length);

	if (n < 0)
		return;
	if (from == NEAR) {
		line->peer = peer;
		line->peer_length = length;
		line->known = true;
	}
	if (is_lost(line) || line->count == QUEUE_MOST - 1) {
		line->lost++;
		return;
	}
	p->from = from;
	p->size = (size_t)n;
	p->due_ms = now_ms() + line->options.delay_ms;
	line->count++;
}

static void deliver(struct poor_line *line, const struct packet *p)
{
	ssize_t n = 0;

	if (p->from == NEAR)
		n = send(line->fd[FAR], p->bytes, p->size, 0);
	else if (line->known)
		n = sendto(line->fd[NEAR], p->bytes, p->size, 0,
			   (struct sockaddr *)&line->peer, line->peer_length);
	/* A line does not tell. */
	(void)n;
}

/* Returns how long to wait for the next one; -1: none is on its way. */
static int deliver_due(struct poor_line *line)
{
	while (line->count > 0) {
		struct packet *p = &line->queue[line->first];
		int64_t wait_ms = p->due_ms - now_ms();

		if (wait_ms > 0)
			return (int)wait_ms;
		deliver(line, p);
		line->first = (line->first + 1) % QUEUE_MOST;
		line->count--;
	}
	return -1;
}

static void *run(void *data)
{
	struct poor_line *line = data;
	struct pollfd p[] = {{.fd = line->fd[NEAR], .events = POLLIN},
			     {.fd = line->fd[FAR], .events = POLLIN},
			     {.fd = line->wake[0], .events = POLLIN}};

	while (poll(p, 3, deliver_due(line)) >= 0 && !p[2].revents)
		for (int end = NEAR; end < ENDS; end++)
			if (p[end].revents)
				take(line, end);
	return NULL;
}

static int open_end(const char *where,
		    int (*join)(int fd, const struct sockaddr *sa,
				socklen_t length))
{
	struct sockaddr_storage ss;
	struct addr a;
	int fd;

	assert_int_equal(addr_parse(&a, where), 0);
	fd = socket(a.family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(
		join(fd, (struct sockaddr *)&ss, addr_to_sockaddr(&a, &ss)), 0);
	return fd;
}

struct poor_line *poor_line_start(const struct poor_line_options *opt)
{
	struct poor_line *line = calloc(1, sizeof(*line));

	assert_non_null(line);
	line->options = *opt;
	line->queue = calloc(QUEUE_MOST, sizeof(*line->queue));
	assert_non_null(line->queue);
	line->fd[NEAR] = open_end(opt->near, bind);
	line->fd[FAR] = open_end(opt->far, connect);
	assert_int_equal(pipe(line->wake), 0);
	assert_int_equal(pthread_create(&line->thread, NULL, run, line), 0);
	return line;
}

unsigned poor_line_stop(struct poor_line *line)
{
	unsigned lost;

	close(line->wake[1]);
	pthread_join(line->thread, NULL);
	close(line->wake[0]);
	close(line->fd[NEAR]);
	close(line->fd[FAR]);
	lost = line->lost;
	free(line->queue);
	free(line);
	return lost;
}
