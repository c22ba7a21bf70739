#ifndef LOWPORT_ENGINE_WATCH_H
#define LOWPORT_ENGINE_WATCH_H

#include <uv.h>

/*
 * Waits for a descriptor to become readable or writable: a uv_poll_t that
 * remembers what it waits for, so that asking for the same again costs no
 * system call. The descriptor stays the caller's and must stay open until
 * watch_close() has been called.
 */
struct watch;

enum { WATCH_READ = 1, WATCH_WRITE = 2 };

/* ready says which of the two it is; both, when the descriptor has failed: the
 * next read or write will tell how. */
typedef void (*watch_cb)(void *data, int ready);

/* A watch that waits for nothing yet. Returns 0, -ENOMEM, or what
 * uv_poll_init() says (-EEXIST: this loop polls fd already). */
int watch_open(struct watch **out, uv_loop_t *loop, int fd, watch_cb cb,
	       void *data);

/* From now on wait for these events (0: none) and no others. */
void watch_for(struct watch *w, int events);

/* From now on call someone else. */
void watch_hand_over(struct watch *w, watch_cb cb, void *data);

/* The end of w: cb is not called any more, and w frees itself. gone, unless
 * NULL, is called with data from a later turn of the loop. */
void watch_close(struct watch *w, void (*gone)(void *data), void *data);

#endif
