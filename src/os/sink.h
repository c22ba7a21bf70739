#ifndef LOWPORT_OS_SINK_H
#define LOWPORT_OS_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Where log lines go: a descriptor that may be a file, a terminal or a pipe
 * that nobody reads. Lines gather here and are written together; a write never
 * blocks, and lines for which there is no room are dropped and counted.
 */
struct sink {
	int fd; /* the caller's, or one of our own for the same terminal */
	size_t held;
	uint64_t dropped; /* lines lost since the last one that was not */
	uint64_t dropped_ever;
	char buf[64 << 10];
};

void sink_init(struct sink *s, int fd);

/* Take one whole line; says itself how many were lost before it. */
void sink_put(struct sink *s, const char *line, size_t length);

/* Write what can be written without waiting. An error drops what is held. */
void sink_flush(struct sink *s);

static inline bool sink_is_empty(const struct sink *s)
{
	return s->held == 0;
}

#endif
