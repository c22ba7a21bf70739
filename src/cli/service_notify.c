#include "cli/service_notify.h"

#include "cli/logger.h"
#include "os/notify.h"

#include <stdio.h>
#include <string.h>

/* A service manager that waits for it kills us in the end: whoever looks for
 * the reason finds this. */
static void look_at(int err, const char *what)
{
	char text[160];

	if (err == 0)
		return;
	snprintf(text, sizeof(text),
		 "the service manager could not be told %s (NOTIFY_SOCKET): %s",
		 what, strerror(-err));
	logger_put(LEVEL_WARN, text);
}

static void on_alive(uv_timer_t *timer)
{
	(void)timer;
	notify_alive();
}

static void watch_over(struct service_notify *n, uv_loop_t *loop)
{
	uint64_t every_ms = notify_alive_ms();

	if (every_ms == 0 || n->open || uv_timer_init(loop, &n->alive) < 0)
		return;
	n->open = true;
	uv_timer_start(&n->alive, on_alive, 0, every_ms);
	/* Nobody goes on for this alone. */
	uv_unref((uv_handle_t *)&n->alive);
}

void service_ready(struct service_notify *n, uv_loop_t *loop,
		   const char *status)
{
	look_at(notify_ready(status), "that clients are served");
	watch_over(n, loop);
}

void service_reloading(void)
{
	look_at(notify_reloading(), "of the reload");
}

void service_stopping(void)
{
	look_at(notify_stopping(), "of the end");
}

void service_close(struct service_notify *n)
{
	if (n->open)
		uv_close((uv_handle_t *)&n->alive, NULL);
	n->open = false;
}
