#ifndef LOWPORT_ENGINE_WATCH_H
#define LOWPORT_ENGINE_WATCH_H

#include "base/list.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

/*
 * Waits for descriptors to become readable or writable. A watch remembers what
 * it waits for, so that asking for the same again costs no system call.
 *
 * CMake picks the file: watch_epoll.c on Linux, watch_uv.c elsewhere. libuv's
 * uv_poll_t takes a descriptor out and puts it back each time that it is to wait
 * for something else. An epoll set of our own, which libuv polls as one
 * descriptor, has each descriptor once, for everything and edge-triggered: what
 * it waits for is then only our own note.
 */

/* What watch_run() goes by. */
struct watch_running {
	bool on;   /* no watch_stop() yet */
	bool open; /* no watch_set_close() yet */
};

/* The watches of one loop. */
struct watch_set {
	uv_loop_t *loop;
	/* The rest is watch_epoll.c's. */
	int epoll;
	size_t active;       /* watches that wait for something */
	struct list due;     /* watches to be called without an event */
	struct list dead;    /* closed ones that an event may still name */
	struct list lacking; /* those that the system had no memory to watch */
	uv_timer_t again;    /* runs while there are some */
	uv_poll_t poll;      /* of epoll, unless watch_run() waits for it */
	uv_prepare_t turn;   /* calls the due and frees the dead; keeps the loop
			    * alive while there are active ones */
	uv_idle_t hurry;     /* keeps libuv from waiting while some are due */
	struct watch_running *running; /* NULL while watch_run() is not */
	unsigned open;                 /* handles that libuv still has */
	void (*closed)(void *data);
	void *data;
	/* Of the owner; may be NULL. Some are still not watched (err): they are
	 * tried again and again. */
	void (*starved)(void *owner, int err);
	void *owner;
};

/* Returns 0 or a negative errno; then there is nothing to be closed. starved is
 * NULL. */
int watch_set_open(struct watch_set *set, uv_loop_t *loop);

/* The end of a set all of whose watches are closed; closed is called with data
 * from a later turn of the loop. */
void watch_set_close(struct watch_set *set, void (*closed)(void *data),
		     void *data);

/* uv_run(loop, UV_RUN_DEFAULT) with fewer system calls, until watch_stop().
 * *running is the caller's, for set may be gone when this returns. */
void watch_run(struct watch_set *set, struct watch_running *running);

/* Let watch_run() return at the end of this turn. */
void watch_stop(struct watch_set *set);

struct watch;

enum {
	WATCH_READ = 1,
	WATCH_WRITE = 2,
	/* Only where the system tells. To wait for it alone leaves what there
	 * is to be read alone. */
	WATCH_ENDED = 4, /* what there is to be read is all that will come */
	/* Only told, not waited for, and likewise. */
	WATCH_FAILED = 8,  /* or it may have: reading or writing tells how */
	WATCH_URGENT = 16, /* a read may stop before an urgent byte */
};

/* ready says what may be done; both, when the descriptor has failed. It is not
 * watched any more then, until it is asked for again. */
typedef void (*watch_cb)(void *data, int ready);

/* A watch that waits for nothing yet. fd stays the caller's and must stay open
 * until watch_close(). Returns 0, -ENOMEM, or -EEXIST if it can be told that fd
 * is watched already. */
int watch_open(struct watch **out, struct watch_set *set, int fd, watch_cb cb,
	       void *data);

/* From now on wait for these events (0: none) and no others. WATCH_WRITE is for
 * after a write, or a connect, that was told to wait; WATCH_READ for after a
 * read that found nothing, or that there has been no read yet. */
void watch_for(struct watch *w, int events);

/* The last read may have left something: to wait for WATCH_READ is to be called
 * again, on the next turn of the loop. */
void watch_more(struct watch *w);

/* From now on call someone else. */
void watch_hand_over(struct watch *w, watch_cb cb, void *data);

/* The end of w: cb is not called any more, and w frees itself. gone, unless
 * NULL, is called with data from a later turn of the loop. */
void watch_close(struct watch *w, void (*gone)(void *data), void *data);

#endif
