#ifndef LOWPORT_ENGINE_WATCH_H
#define LOWPORT_ENGINE_WATCH_H

#include "base/list.h"

#include <stddef.h>
#include <uv.h>

/*
 * Waits for descriptors to become readable or writable. A watch remembers what
 * it waits for, so that asking for the same again costs no system call.
 *
 * CMake picks the file: watch_epoll.c on Linux, watch_uv.c elsewhere. libuv's
 * uv_poll_t takes a descriptor out and puts it back each time that it is to wait
 * for something else, and tries both when it is opened; an epoll set of our own,
 * which libuv polls as one descriptor, changes it in place.
 */

/* The watches of one loop. */
struct watch_set {
	uv_loop_t *loop;
	/* The rest is watch_epoll.c's. */
	int epoll;
	size_t active;       /* watches that wait for something */
	struct list dead;    /* closed ones that an event may still name */
	uv_poll_t poll;      /* of epoll; keeps the loop alive while active */
	uv_prepare_t reaper; /* frees the dead; runs while there are any */
	unsigned open;       /* handles that libuv still has */
	void (*closed)(void *data);
	void *data;
};

/* Returns 0 or a negative errno; then there is nothing to be closed. */
int watch_set_open(struct watch_set *set, uv_loop_t *loop);

/* The end of a set all of whose watches are closed; closed is called with data
 * from a later turn of the loop. */
void watch_set_close(struct watch_set *set, void (*closed)(void *data),
		     void *data);

struct watch;

enum { WATCH_READ = 1, WATCH_WRITE = 2 };

/* ready says which of the two it is; both, when the descriptor has failed: the
 * next read or write will tell how. It is not watched any more then, until it
 * is asked for again. */
typedef void (*watch_cb)(void *data, int ready);

/* A watch that waits for nothing yet. fd stays the caller's and must stay open
 * until watch_close(). Returns 0, -ENOMEM, or -EEXIST if it can be told that fd
 * is watched already. */
int watch_open(struct watch **out, struct watch_set *set, int fd, watch_cb cb,
	       void *data);

/* From now on wait for these events (0: none) and no others. */
void watch_for(struct watch *w, int events);

/* From now on call someone else. */
void watch_hand_over(struct watch *w, watch_cb cb, void *data);

/* The end of w: cb is not called any more, and w frees itself. gone, unless
 * NULL, is called with data from a later turn of the loop. */
void watch_close(struct watch *w, void (*gone)(void *data), void *data);

#endif
