#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

/* What comes before the windows and buffers have grown is not counted. */
#define WARM_UP_MS 300

/* A connection that takes bulk. */
struct taker {
	uv_poll_t poll;
	int fd;
	uint64_t bytes;
	uint64_t warm; /* of them, those that came before counting began */
};

struct crowd {
	uv_timer_t timer;
	struct taker *takers;
	size_t count;
	uint64_t ms;
	uint64_t start_ns; /* of counting */
};

static char scratch[LOAD_CHUNK];

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct taker *t = poll->data;
	ssize_t n = read(t->fd, scratch, sizeof(scratch));

	(void)events;
	if (n > 0)
		t->bytes += (uint64_t)n;
	else if (status < 0 || n == 0 || errno != EAGAIN)
		load_die("bulk", n == 0 ? ECONNRESET : errno);
}

/* A connection has stalled if it got nothing at all while counting. */
static void on_end(uv_timer_t *timer)
{
	struct crowd *c = timer->data;
	double seconds = (double)(load_now_ns() - c->start_ns) / 1e9;
	uint64_t bytes = 0;
	uint64_t counted = 0;
	size_t stalled = 0;

	for (size_t i = 0; i < c->count; i++) {
		const struct taker *t = &c->takers[i];

		bytes += t->bytes;
		counted += t->bytes - t->warm;
		stalled += t->bytes == t->warm;
	}
	printf("bulk_gbits %.3f\nbulk_gb %.4f\nstalled %zu\n",
	       (double)counted * 8 / 1e9 / seconds, (double)bytes / 1e9,
	       stalled);
	uv_stop(timer->loop);
}

static void on_warm(uv_timer_t *timer)
{
	struct crowd *c = timer->data;

	for (size_t i = 0; i < c->count; i++)
		c->takers[i].warm = c->takers[i].bytes;
	c->start_ns = load_now_ns();
	uv_timer_start(timer, on_end, c->ms, 0);
}

void load_crowd(const struct load_args *args)
{
	struct crowd c = {.count = args->number[1], .ms = args->number[2]};
	uv_loop_t loop;

	c.takers = calloc(c.count + 1, sizeof(*c.takers));
	if (!c.takers)
		load_die("connections", ENOMEM);
	uv_loop_init(&loop);
	for (size_t i = 0; i < c.count; i++) {
		struct taker *t = &c.takers[i];

		t->fd = load_dial(args->number[0], 0, LOAD_SOURCE);
		if (t->fd < 0)
			load_die("a connection", t->fd);
		fcntl(t->fd, F_SETFL, O_NONBLOCK);
		uv_poll_init(&loop, &t->poll, t->fd);
		t->poll.data = t;
		uv_poll_start(&t->poll, UV_READABLE, on_readable);
	}
	uv_timer_init(&loop, &c.timer);
	c.timer.data = &c;
	uv_timer_start(&c.timer, on_warm, WARM_UP_MS, 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	for (size_t i = 0; i < c.count; i++)
		close(c.takers[i].fd);
	free(c.takers);
}
