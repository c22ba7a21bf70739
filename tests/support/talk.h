#ifndef LOWPORT_TESTS_TALK_H
#define LOWPORT_TESTS_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One end of a connection that sends and receives at the same time: so many
 * bytes of one stream out, then its half-close, and what comes in held against
 * another stream until that ends.
 */
struct talk {
	int fd;
	uint64_t send_seed, send_at, send_to;
	uint64_t receive_seed, receive_at;
	bool sending_over;
	bool over;
	int error; /* 0: the end came. -ECONNRESET, -EBADMSG: a wrong byte,
		    * -ETIMEDOUT: nothing moved any more */
};

/* Carry on with all of them until each is over. The descriptors stay the
 * caller's. */
void talk_all(struct talk *talks, size_t count);

/* An end that sends `size` bytes and expects the same ones back. */
struct talk talk_echo(int fd, uint64_t seed, uint64_t size);

/* Take what comes of the stream until a reset, for which the end stands in on a
 * Unix socket. Returns how many bytes came, or how else it ended: a negative
 * errno as above, -ENODATA for the end. */
int64_t talk_until_cut(int fd, uint64_t seed, int family);

/* Did it end as it should, with `size` bytes received? */
bool talk_is_right(const struct talk *t, uint64_t size);

#endif
