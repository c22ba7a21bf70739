#ifndef LOWPORT_OS_SINK_H
#define LOWPORT_OS_SINK_H

#include "os/rights.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Where log lines go: a file, a terminal, a pipe that nobody reads, or a syslog
 * daemon that restarts. Lines gather here and are written together; a write
 * never waits. What cannot be written now (a full pipe, a full disk, no daemon)
 * is held and tried again, and lines for which there is no room any more are
 * dropped and counted.
 */
enum { SINK_ROOM = 64 << 10, SINK_LINES = 2048 };

struct sink {
	/* Give away some of the bytes. Returns how many, -EAGAIN if none can be
	 * taken now, or why this line never can. */
	ssize_t (*write)(struct sink *s, const char *bytes, size_t length);
	bool line_by_line; /* write() gets one at a time, without its newline */
	bool is_file;      /* takes any length, and is always ready */
	int fd;
	bool own;       /* sink_close() closes it */
	char *path;     /* of the file or the socket; NULL: none of ours */
	int error;      /* why the last write could not be done; 0: it could */
	uint64_t lost;  /* lines dropped since sink_told() */
	int lost_error; /* why */
	uint64_t dropped; /* lines dropped in all */

	size_t held;  /* bytes in buf */
	size_t lines; /* lines in buf */
	size_t begun; /* bytes of the first line that are written already */
	uint16_t length[SINK_LINES]; /* of each, what is written included */
	char buf[SINK_ROOM];
};

/* Lines go to fd, which stays the caller's. */
void sink_init(struct sink *s, int fd);

/* They go to the end of this file, which is made if there is none, with mode
 * 0640. user: whom it is for, see given_open(), or NULL. Returns 0 or a negative
 * errno; -ENXIO: a named pipe without a reader. */
int sink_open(struct sink *s, const char *path, const struct rights *user);

/* Open the file of sink_open() by its name anew: another one lies there now, or
 * none. Returns 0, or a negative errno with the one that was open still used. */
int sink_reopen(struct sink *s);

/* They are sent as datagrams to this Unix socket; a daemon that goes away is
 * waited for. Returns 0, or a negative errno if there is none at first. */
int sink_open_datagram(struct sink *s, const char *path);

/* Is there room for so much, once what can be written has been? */
bool sink_has_room(struct sink *s, size_t length);

/* Count a line that is not put. */
void sink_drop(struct sink *s);

/* Take one whole line. Returns false after dropping it, for want of room. */
bool sink_put(struct sink *s, const char *line, size_t length);

/* The number of lines lost has been said, in a line that was put. */
void sink_told(struct sink *s);

/* Write what can be written without waiting. Returns whether anything was. */
bool sink_flush(struct sink *s);

static inline bool sink_is_empty(const struct sink *s)
{
	return s->held == 0;
}

/* Write what can be written, count what is left as dropped, close. */
void sink_close(struct sink *s);

#endif
