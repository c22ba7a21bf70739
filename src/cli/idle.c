#include "cli/idle.h"

#include "os/sock.h"

#include <errno.h>
#include <stdlib.h>

enum {
	/* launchd.plist(5), ThrottleInterval: who ends sooner after the start
	 * is started again only then; systemd gives up on one that is started
	 * five times in so long (DefaultStartLimitBurst=). */
	LIFE_LEAST_MS = 10000,
	LOOK_AGAIN_MS = 100,
};

static bool somebody_waits(const struct idle *i)
{
	for (size_t n = 0; n < i->count; n++)
		if (sock_has_waiting(i->listeners[n]))
			return true;
	return false;
}

static void on_timer(uv_timer_t *timer);

static void wait_for_silence(struct idle *i)
{
	uint64_t now_ms = uv_now(i->timer.loop);
	uint64_t due_ms = i->since_ms + i->after_ms;

	if (due_ms < i->earliest_ms)
		due_ms = i->earliest_ms;
	uv_timer_start(&i->timer, on_timer,
		       due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

static void on_timer(uv_timer_t *timer)
{
	struct idle *i = timer->data;

	if (i->clients > 0)
		return;
	if (uv_now(timer->loop) < i->since_ms + i->after_ms)
		wait_for_silence(i);
	else if (somebody_waits(i))
		uv_timer_start(timer, on_timer, LOOK_AGAIN_MS, 0);
	else
		i->over(i->data);
}

int idle_open(struct idle *i, uv_loop_t *loop, void (*over)(void *data),
	      void *data)
{
	int err = uv_timer_init(loop, &i->timer);

	if (err < 0)
		return err;
	i->timer.data = i;
	i->since_ms = uv_now(loop);
	i->earliest_ms = i->since_ms + LIFE_LEAST_MS;
	i->over = over;
	i->data = data;
	return 0;
}

void idle_set(struct idle *i, uint64_t after_ms)
{
	if (after_ms == i->after_ms)
		return;
	i->after_ms = after_ms;
	i->since_ms = uv_now(i->timer.loop);
	if (after_ms == 0)
		uv_timer_stop(&i->timer);
	else
		wait_for_silence(i);
}

int idle_listener(struct idle *i, int fd)
{
	int *more = realloc(i->listeners, (i->count + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	i->listeners = more;
	more[i->count++] = fd;
	return 0;
}

void idle_forget(struct idle *i, int fd)
{
	for (size_t n = 0; n < i->count; n++)
		if (i->listeners[n] == fd)
			i->listeners[n--] = i->listeners[--i->count];
}

void idle_arrived(struct idle *i)
{
	i->clients++;
}

void idle_left(struct idle *i)
{
	if (--i->clients > 0)
		return;
	i->since_ms = uv_now(i->timer.loop);
	/* One that runs looks again itself. */
	if (i->after_ms > 0 && !uv_is_active((uv_handle_t *)&i->timer))
		wait_for_silence(i);
}

void idle_close(struct idle *i)
{
	if (i->over)
		uv_close((uv_handle_t *)&i->timer, NULL);
	i->over = NULL;
	free(i->listeners);
	i->listeners = NULL;
	i->count = 0;
}
