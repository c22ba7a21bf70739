#include "load.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Exchanges are spread over so many connections, so that a slow one delays
 * only the next but seven. */
#define CONNECTIONS 8

/* What comes first is not counted. */
#define WARM_UP_NS 200000000

struct lane {
	pthread_t thread;
	int fd;
	size_t size;
	uint64_t start_ns; /* when its first exchange is due */
	uint64_t end_ns;
	uint64_t step_ns; /* between two of them */
	uint64_t *samples;
	size_t count;
	int err;
};

static void sleep_until(uint64_t due_ns)
{
	uint64_t now = load_now_ns();

	if (now < due_ns) {
		struct timespec ts = {
			.tv_sec = (time_t)((due_ns - now) / 1000000000),
			.tv_nsec = (long)((due_ns - now) % 1000000000)};

		nanosleep(&ts, NULL);
	}
}

/* An exchange that is due while the one before it still lasts has waited, and
 * is counted from when it was due. One that the timer woke late is not: that
 * would be this program's delay. */
static void *run_lane(void *arg)
{
	struct lane *l = arg;
	char *bytes = calloc(1, l->size);
	uint64_t due = l->start_ns;

	if (!bytes)
		load_die("a message", ENOMEM);
	for (; due < l->end_ns; due += l->step_ns) {
		uint64_t from = due;

		if (load_now_ns() < due) {
			sleep_until(due);
			from = load_now_ns();
		}
		l->err = load_exchange(l->fd, bytes, l->size);
		if (l->err < 0)
			break;
		if (due >= l->start_ns + WARM_UP_NS)
			l->samples[l->count++] = load_now_ns() - from;
	}
	free(bytes);
	return NULL;
}

/* Take from so many bulk connections, in a process of its own. */
static pid_t start_bulk(const struct load_args *args)
{
	struct load_args crowd = {
		.number = {args->number[0], args->number[4], args->number[3]}};
	pid_t pid = fork();

	if (pid < 0)
		load_die("fork", errno);
	if (pid == 0) {
		load_crowd(&crowd);
		fflush(stdout);
		_exit(0);
	}
	return pid;
}

static void open_lane(struct lane *l, const struct load_args *args)
{
	l->size = args->number[1];
	l->fd = load_dial(args->number[0], 0, LOAD_ECHO);
	if (l->fd < 0)
		load_die("a connection", l->fd);
	l->samples = calloc((l->end_ns - l->start_ns) / l->step_ns + 2,
			    sizeof(*l->samples));
	if (!l->samples)
		load_die("samples", ENOMEM);
}

/* Wait for the lane's end, and put its samples behind the count in all. */
static size_t collect(struct lane *l, uint64_t *all, size_t count)
{
	pthread_join(l->thread, NULL);
	if (l->err < 0)
		load_die("an exchange", l->err);
	memcpy(all + count, l->samples, l->count * sizeof(*all));
	free(l->samples);
	close(l->fd);
	return l->count;
}

void load_rate(const struct load_args *args)
{
	struct lane lanes[CONNECTIONS] = {0};
	uint64_t rate = args->number[2] > 0 ? args->number[2] : 1;
	uint64_t step = UINT64_C(1000000000) * CONNECTIONS / rate;
	uint64_t length = args->number[3] * 1000000 + WARM_UP_NS;
	uint64_t *all = calloc((length / step + 2) * CONNECTIONS, sizeof(*all));
	pid_t bulk = args->number[4] > 0 ? start_bulk(args) : 0;
	uint64_t start;
	size_t count = 0;

	if (!all)
		load_die("samples", ENOMEM);
	start = load_now_ns() + 10000000;
	for (size_t i = 0; i < CONNECTIONS; i++) {
		lanes[i].step_ns = step;
		lanes[i].start_ns = start + step * i / CONNECTIONS;
		lanes[i].end_ns = start + length;
		open_lane(&lanes[i], args);
	}
	for (size_t i = 0; i < CONNECTIONS; i++)
		if (pthread_create(&lanes[i].thread, NULL, run_lane, &lanes[i]))
			load_die("a thread", EAGAIN);
	for (size_t i = 0; i < CONNECTIONS; i++)
		count += collect(&lanes[i], all, count);
	if (bulk > 0)
		waitpid(bulk, NULL, 0);
	printf("work %llu\n",
	       (unsigned long long)((length / step) * CONNECTIONS));
	load_percentiles(all, count);
	free(all);
}
