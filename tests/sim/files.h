#ifndef LOWPORT_TESTS_FILES_H
#define LOWPORT_TESTS_FILES_H

#include "sim/world.h"

/* The descriptors of the made-up kernel. */

enum file_kind { NO_FILE, A_SOCKET, A_PIPE, AN_EPOLL };

/* What is in it is a piece of one stream, or the simulation ends. */
struct pipe_inside {
	size_t size, held, slots;
	struct sock *from;
	uint64_t at; /* the offset of its first byte */
	int ends;    /* descriptors */
};

struct file {
	enum file_kind kind;
	union {
		struct sock *sock;
		struct pipe_inside *pipe;
		bool has_libuv; /* of an epoll set */
	};
};

extern struct file files[FDS];

int file_new(enum file_kind kind);

/* Those of an open descriptor; call is named if there is none. */
struct file *file_at(int fd, const char *call);
struct sock *sock_at(int fd, const char *call);

/* stream.c */
bool stream_has_room(const struct sock *s);
void stream_close(struct sock *s);
void stream_heard_end(struct sock *s);

/* What its peer does. */
void stream_send(struct sock *s, uint64_t n, bool urgent);
void stream_end(struct sock *s);
void stream_reset(struct sock *s);
void stream_take(struct sock *s, uint64_t n);

#endif
