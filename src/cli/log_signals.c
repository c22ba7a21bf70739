#include "cli/log_signals.h"

#include "cli/logger.h"
#include "os/platform.h"

#include <signal.h>

static void set_mask(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	if (platform_info_signal != 0)
		sigaddset(&set, platform_info_signal);
	pthread_sigmask(how, &set, NULL);
}

void log_signals_hold(void)
{
	set_mask(SIG_BLOCK);
}

static void add(void *data, const struct relay_connection *c)
{
	struct log_signals *s = data;

	s->now.stats.up += c->up;
	s->now.stats.down += c->down;
}

static void answer(void *data, int err)
{
	struct log_signals *s = data;
	char text[SUMMARY_TEXT];

	(void)err; /* what could be counted is better than nothing */
	logger_answer(summary_print(&s->now, &s->last, logger_dropped(), text));
	s->last = s->now;
	s->asked = false;
}

static void on_question(uv_signal_t *handle, int number)
{
	struct log_signals *s = handle->data;

	(void)number;
	if (s->asked)
		return;
	s->asked = true;
	s->now.at_ms = uv_hrtime() / 1000000 - s->began_ms;
	relay_stats(s->relay, &s->now.stats);
	if (relay_connections(s->relay, add, answer, s) < 0)
		answer(s, 0);
}

static void on_rotated(uv_signal_t *handle, int number)
{
	(void)handle;
	(void)number;
	logger_reopen();
}

static int take(struct log_signals *s, uv_loop_t *loop, int number,
		uv_signal_cb act)
{
	uv_signal_t *handle = &s->handles[s->count];
	int err = uv_signal_init(loop, handle);

	if (err < 0)
		return err;
	s->count++;
	handle->data = s;
	uv_unref((uv_handle_t *)handle);
	return uv_signal_start(handle, act, number);
}

int log_signals_open(struct log_signals *s, uv_loop_t *loop, struct relay *r)
{
	int err;

	s->count = 0;
	s->relay = r;
	s->began_ms = uv_hrtime() / 1000000;
	s->last = (struct summary){0};
	s->asked = false;
	err = take(s, loop, SIGUSR1, on_question);
	if (err == 0)
		err = take(s, loop, SIGUSR2, on_rotated);
	if (err == 0 && platform_info_signal != 0)
		err = take(s, loop, platform_info_signal, on_question);
	if (err == 0)
		set_mask(SIG_UNBLOCK);
	return err;
}

void log_signals_close(struct log_signals *s)
{
	/* libuv goes back to what kills. */
	log_signals_hold();
	while (s->count > 0)
		uv_close((uv_handle_t *)&s->handles[--s->count], NULL);
}
