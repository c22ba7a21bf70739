#include "cli/logger.h"

#include "cli/log_json.h"
#include "os/sink.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How a line begins, for whoever gets it. */
enum frame {
	FRAME_TIME,    /* people */
	FRAME_JOURNAL, /* sd-daemon(3): the priority; it has the time */
	FRAME_SYSLOG,  /* RFC 3164 */
};

static struct {
	struct sink sinks[2]; /* the second one while it takes over */
	struct sink *sink;    /* NULL: not open */
	enum log_level level;
	bool json;
	enum frame frame;
	int facility;
	enum log_place place;
	uint64_t dropped; /* by sinks of before */
	bool attached;
	uv_timer_t flusher; /* runs while there are lines to be written */
} logger;

enum {
	AGAIN_MS = 100, /* a reader that is behind is looked after so often */
	SOON_MS = 5,    /* one that has just read something */
	HEAD_TEXT = 96,
	LINE_MOST = HEAD_TEXT + LOG_JSON,
};

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

static int fail(struct fault *why, const char *path, const struct rights *user,
		int err)
{
	switch (err) {
	case -EACCES:
	case -EPERM:
		return fault_set(why, err,
				 "log-to: %s: user %ld, who runs lowport, may "
				 "not write there (let the file, or its "
				 "folder, be theirs)",
				 path, (long)(user ? user->user : geteuid()));
	case -ENOENT:
	case -ENOTDIR:
		return fault_set(why, err,
				 "log-to: %s: there is no such folder", path);
	case -ENXIO:
		return fault_set(why, err, "log-to: %s: nobody reads this pipe",
				 path);
	default:
		return fault_set(why, err, "log-to: %s: %s", path,
				 strerror(-err));
	}
}

static int fail_syslog(struct fault *why, const char *path, int err)
{
	return fault_set(why, err,
			 "log-to: no syslog daemon listens at %s: %s (behind "
			 "@ another place can be named, or use --log-to "
			 "stderr)",
			 path, strerror(-err));
}

static int open_sink(struct sink *s, const struct logger_options *opt,
		     struct fault *why)
{
	const struct log_to *to = opt->to;
	int err = 0;

	switch (to ? to->place : LOG_TO_STDERR) {
	case LOG_TO_STDERR:
		sink_init(s, STDERR_FILENO);
		break;
	case LOG_TO_FILE:
		err = sink_open(s, to->path, opt->user);
		if (err < 0)
			return fail(why, to->path, opt->user, err);
		break;
	case LOG_TO_SYSLOG:
		err = sink_open_datagram(s, to->path);
		if (err < 0)
			return fail_syslog(why, to->path, err);
	}
	return 0;
}

static enum frame choose_frame(enum log_place place)
{
	if (place == LOG_TO_SYSLOG)
		return FRAME_SYSLOG;
	return place == LOG_TO_STDERR && is_journal() ? FRAME_JOURNAL
						      : FRAME_TIME;
}

static enum log_place place_of(const struct log_to *to)
{
	return to ? to->place : LOG_TO_STDERR;
}

static bool is_there(const struct log_to *to)
{
	return logger.sink && place_of(to) == logger.place &&
	       (!to || !to->path || strcmp(to->path, logger.sink->path) == 0);
}

/* What is held for it stays held. */
static int open_again(const struct log_to *to, struct fault *why)
{
	int err = logger.place == LOG_TO_FILE ? sink_reopen(logger.sink) : 0;

	return err < 0 ? fail(why, to->path, NULL, err) : 0;
}

static int go_over(const struct logger_options *opt, struct fault *why)
{
	struct sink *next =
		logger.sink == logger.sinks ? logger.sinks + 1 : logger.sinks;
	int err = open_sink(next, opt, why);

	if (err < 0)
		return err;
	if (logger.sink) {
		sink_close(logger.sink);
		logger.dropped += logger.sink->dropped;
		next->lost = logger.sink->lost;
		next->lost_error = logger.sink->lost_error;
	}
	logger.sink = next;
	logger.place = place_of(opt->to);
	return 0;
}

int logger_open(const struct logger_options *opt, struct fault *why)
{
	int err = is_there(opt->to) ? open_again(opt->to, why)
				    : go_over(opt, why);

	if (err < 0)
		return err;
	logger.level = opt->level;
	logger.json = opt->json;
	logger.frame = choose_frame(logger.place);
	logger.facility = opt->to ? opt->to->facility : 0;
	return 0;
}

static uint64_t now_ms(void)
{
	uv_timeval64_t now = {0};

	uv_gettimeofday(&now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_usec / 1000;
}

static size_t print_head(char buf[HEAD_TEXT], enum log_level level,
			 uint64_t time_ms)
{
	char time[LOG_TIME];

	switch (logger.frame) {
	case FRAME_JOURNAL:
		return (size_t)snprintf(buf, HEAD_TEXT, "<%d>",
					log_severity(level));
	case FRAME_SYSLOG:
		return (size_t)snprintf(buf, HEAD_TEXT, "<%d>%s lowport[%ld]: ",
					logger.facility | log_severity(level),
					log_time_rfc3164(time, time_ms),
					(long)getpid());
	case FRAME_TIME:
		if (!logger.json)
			return (size_t)snprintf(buf, HEAD_TEXT, "%s ",
						log_time(time, time_ms));
	}
	buf[0] = '\0';
	return 0;
}

/* What a newline within a text becomes: each line of the journal has its own
 * priority, and a syslog daemon may take no second line. */
static const char *print_newline(char buf[HEAD_TEXT], const char *head)
{
	if (logger.frame == FRAME_SYSLOG)
		return " ";
	snprintf(buf, HEAD_TEXT, "\n%s  ",
		 logger.frame == FRAME_JOURNAL ? head : "");
	return buf;
}

/* Returns its length. */
static size_t print_line(char buf[LINE_MOST], enum log_level level,
			 const char *text, const struct record *ended)
{
	char head[HEAD_TEXT], newline[HEAD_TEXT], access[RECORD_TEXT];
	uint64_t time_ms = now_ms();
	size_t n = print_head(head, level, time_ms);

	if (logger.json) {
		memcpy(buf, head, n);
		return n + log_json_line(buf + n, time_ms, level,
					 ended ? "closed" : text, ended);
	}
	return log_line(buf, head, level,
			ended ? record_print(ended, access) : text,
			print_newline(newline, head));
}

/* Where lines are missing the log says how many. Returns its length, 0 if none
 * are. */
static size_t print_lost(char buf[LINE_MOST])
{
	const struct sink *s = logger.sink;
	int error = s->lost_error == EAGAIN ? 0 : s->lost_error;
	char text[160];

	if (s->lost == 0)
		return 0;
	snprintf(text, sizeof(text), "%" PRIu64 " log line%s lost%s%s", s->lost,
		 s->lost == 1 ? " was" : "s were", error ? ": " : "",
		 error ? strerror(error) : "");
	return print_line(buf, LEVEL_WARN, text, NULL);
}

/* Put a line, or none if length is 0, behind what there is to say of others. */
static void put_behind_lost(const char *line, size_t length)
{
	char lost[LINE_MOST];
	size_t lost_length = print_lost(lost);

	if (!sink_has_room(logger.sink, lost_length + length)) {
		sink_drop(logger.sink);
		return;
	}
	if (lost_length > 0) {
		sink_told(logger.sink);
		sink_put(logger.sink, lost, lost_length);
	}
	if (length > 0)
		sink_put(logger.sink, line, length);
}

static void on_flush(uv_timer_t *flusher)
{
	bool wrote = sink_flush(logger.sink);

	if (sink_is_empty(logger.sink) && logger.sink->lost > 0) {
		put_behind_lost(NULL, 0);
		wrote |= sink_flush(logger.sink);
	}
	if (!sink_is_empty(logger.sink))
		uv_timer_start(flusher, on_flush, wrote ? SOON_MS : AGAIN_MS,
			       0);
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

static void put(enum log_level level, const char *text,
		const struct record *ended)
{
	char line[LINE_MOST];

	put_behind_lost(line, print_line(line, level, text, ended));
	if (!logger.attached)
		sink_flush(logger.sink);
	else if (!uv_is_active((uv_handle_t *)&logger.flusher))
		uv_timer_start(&logger.flusher, on_flush, 0, 0);
}

void logger_put(enum log_level level, const char *text)
{
	if (level <= logger.level)
		put(level, text, NULL);
}

void logger_put_record(const struct record *ended)
{
	if (LEVEL_INFO <= logger.level)
		put(LEVEL_INFO, NULL, ended);
}

void logger_answer(const char *text)
{
	put(LEVEL_INFO, text, NULL);
}

void logger_reopen(void)
{
	char text[1024];
	int err;

	if (logger.place != LOG_TO_FILE) {
		logger_put(LEVEL_DEBUG, "the log goes to no file, so there is "
					"none to open anew");
		return;
	}
	err = sink_reopen(logger.sink);
	if (err == 0) {
		logger_put(LEVEL_INFO, "the log file was opened anew");
		return;
	}
	snprintf(text, sizeof(text),
		 "log-to: %.512s could not be opened anew, going on with the "
		 "file that is open: %s",
		 logger.sink->path, strerror(-err));
	logger_put(LEVEL_ERROR, text);
}

uint64_t logger_dropped(void)
{
	return logger.dropped + (logger.sink ? logger.sink->dropped : 0);
}

void logger_detach(void)
{
	sink_flush(logger.sink);
	if (!logger.attached)
		return;
	logger.attached = false;
	uv_close((uv_handle_t *)&logger.flusher, NULL);
}
