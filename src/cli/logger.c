#include "cli/logger.h"

#include "os/sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
	struct sink sink;
	enum log_level level;
	bool times;
	bool attached;
	uv_timer_t flusher; /* runs while there are lines to be written */
} logger;

/* A reader that is behind is looked after so often. */
enum { AGAIN_MS = 100 };

/* systemd.exec(5): JOURNAL_STREAM is the device and inode of the stream; it is
 * inherited by many whose standard error is another. */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 &&
	       (unsigned long long)st.st_dev == dev && st.st_ino == ino;
}

void logger_open(enum log_level level)
{
	sink_init(&logger.sink, STDERR_FILENO);
	logger.level = level;
	logger.times = !is_journal();
}

static void on_flush(uv_timer_t *flusher)
{
	sink_flush(&logger.sink);
	if (!sink_is_empty(&logger.sink))
		uv_timer_start(flusher, on_flush, AGAIN_MS, 0);
}

int logger_attach(uv_loop_t *loop)
{
	int err = uv_timer_init(loop, &logger.flusher);

	if (err < 0)
		return err;
	uv_unref((uv_handle_t *)&logger.flusher);
	logger.attached = true;
	return 0;
}

void logger_put(enum log_level level, const char *text)
{
	char line[LOG_TEXT];
	uv_timeval64_t now = {0};

	if (level > logger.level)
		return;
	if (logger.times)
		uv_gettimeofday(&now);
	sink_put(&logger.sink, line,
		 log_line(line,
			  (uint64_t)now.tv_sec * 1000 +
				  (uint64_t)now.tv_usec / 1000,
			  level, text));
	if (!logger.attached)
		sink_flush(&logger.sink);
	else if (!uv_is_active((uv_handle_t *)&logger.flusher))
		uv_timer_start(&logger.flusher, on_flush, 0, 0);
}

uint64_t logger_dropped(void)
{
	return logger.sink.dropped_ever;
}

void logger_detach(void)
{
	sink_flush(&logger.sink);
	if (!logger.attached)
		return;
	logger.attached = false;
	uv_close((uv_handle_t *)&logger.flusher, NULL);
}
