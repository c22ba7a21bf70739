#include "process/backend.h"

#include "process/peers.h"
#include "support/proc.h"
#include "support/scrap.h"

#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { CLIENTS_MOST = 512 };

struct client {
	int fd;
	uint64_t bytes, hash;
};

struct backend {
	struct backend *next;
	const char *name, *where;
	int fd, wake[2];
	pthread_t thread;
	struct client client[CLIENTS_MOST];
	unsigned count;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t news;
	unsigned clients;
	uint64_t bytes;
};

static struct backend *backends;

static const char *print_answer(char buf[128], const char *name, uint64_t bytes,
				uint64_t hash)
{
	snprintf(buf, 128, "%s heard %" PRIu64 " bytes %016" PRIx64, name,
		 bytes, hash);
	return buf;
}

static void note(struct backend *b, unsigned clients, uint64_t bytes)
{
	pthread_mutex_lock(&b->lock);
	b->clients += clients;
	b->bytes += bytes;
	pthread_cond_broadcast(&b->news);
	pthread_mutex_unlock(&b->lock);
}

static void welcome(struct backend *b)
{
	int fd = accept(b->fd, NULL, NULL);

	if (fd < 0)
		return;
	if (b->count == CLIENTS_MOST)
		abort();
	b->client[b->count++] = (struct client){.fd = fd, .hash = PEER_HASH};
	note(b, 1, 0);
}

/* Returns false when that client has gone. */
static bool hear(struct backend *b, struct client *c)
{
	char buf[65536], answer[128];
	ssize_t n = recv(c->fd, buf, sizeof(buf), 0);

	if (n > 0) {
		c->bytes += (uint64_t)n;
		c->hash = peer_hash(c->hash, buf, (size_t)n);
		note(b, 0, (uint64_t)n);
		return true;
	}
	if (n == 0) {
		print_answer(answer, b->name, c->bytes, c->hash);
		send(c->fd, answer, strlen(answer), 0);
	}
	close(c->fd);
	return false;
}

static void *serve(void *data)
{
	struct backend *b = data;

	for (;;) {
		struct pollfd polls[2 + CLIENTS_MOST];
		unsigned count = b->count;

		polls[0] = (struct pollfd){.fd = b->wake[0], .events = POLLIN};
		polls[1] = (struct pollfd){.fd = b->fd, .events = POLLIN};
		for (unsigned i = 0; i < count; i++)
			polls[2 + i] = (struct pollfd){.fd = b->client[i].fd,
						       .events = POLLIN};
		if (poll(polls, 2 + count, -1) < 0)
			continue;
		if (polls[0].revents)
			break;
		/* From the end, as the last one fills a gap. */
		for (unsigned i = count; i-- > 0;)
			if (polls[2 + i].revents && !hear(b, &b->client[i]))
				b->client[i] = b->client[--b->count];
		if (polls[1].revents)
			welcome(b);
	}
	for (unsigned i = 0; i < b->count; i++)
		close(b->client[i].fd);
	return NULL;
}

struct backend *backend_start(const char *where, const char *name)
{
	struct backend *b = calloc(1, sizeof(*b));

	if (!b || pipe(b->wake) < 0)
		abort();
	b->next = backends;
	b->name = name;
	b->fd = peer_listen(where);
	b->where = strncmp(where, "unix:", 5) == 0 ? where : peer_where(b->fd);
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->news, NULL);
	if (pthread_create(&b->thread, NULL, serve, b) != 0)
		abort();
	backends = b;
	return b;
}

const char *backend_where(const struct backend *b)
{
	return b->where;
}

const char *backend_answer(const struct backend *b, const void *bytes,
			   size_t size)
{
	char answer[128];

	return scrap("%s", print_answer(answer, b->name, size,
					peer_hash(PEER_HASH, bytes, size)));
}

unsigned backend_clients(struct backend *b)
{
	unsigned clients;

	pthread_mutex_lock(&b->lock);
	clients = b->clients;
	pthread_mutex_unlock(&b->lock);
	return clients;
}

static void await(struct backend *b, unsigned clients, uint64_t bytes)
{
	struct timespec end;
	int err = 0;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += PROC_PATIENCE_MS / 1000;
	pthread_mutex_lock(&b->lock);
	while ((b->clients < clients || b->bytes < bytes) && err == 0)
		err = pthread_cond_timedwait(&b->news, &b->lock, &end);
	pthread_mutex_unlock(&b->lock);
	if (err != 0)
		fail_msg("%s waits for %u clients and %" PRIu64
			 " bytes in vain",
			 b->name, clients, bytes);
}

void backend_await_clients(struct backend *b, unsigned count)
{
	await(b, count, 0);
}

void backend_await_bytes(struct backend *b, uint64_t count)
{
	await(b, 0, count);
}

void backends_stop(void)
{
	while (backends) {
		struct backend *b = backends;

		backends = b->next;
		if (write(b->wake[1], "", 1) != 1)
			abort();
		pthread_join(b->thread, NULL);
		close(b->wake[0]);
		close(b->wake[1]);
		pthread_mutex_destroy(&b->lock);
		pthread_cond_destroy(&b->news);
		free(b);
	}
}
