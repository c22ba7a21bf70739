#ifndef LOWPORT_TESTS_PLAN_H
#define LOWPORT_TESTS_PLAN_H

#include <stdatomic.h>
#include <stdint.h>

/*
 * Which calls of a program fail, and how many there have been: memory that a
 * test and the preloaded library (calls.c) share, so that the test may change
 * its mind while the program runs. The environment names the file.
 */

#define PLAN_VARIABLE "LOWPORT_FAULT_PLAN"

/* The calls that can fail. */
#define PLAN_CALLS(X)     \
	X(accept4)        \
	X(bind)           \
	X(calloc)         \
	X(connect)        \
	X(epoll_create1)  \
	X(epoll_ctl)      \
	X(epoll_pwait)    \
	X(epoll_wait)     \
	X(eventfd)        \
	X(fcntl)          \
	X(fopen)          \
	X(getaddrinfo)    \
	X(getifaddrs)     \
	X(getrandom)      \
	X(getsockname)    \
	X(getsockopt)     \
	X(ioctl)          \
	X(listen)         \
	X(malloc)         \
	X(open)           \
	X(pipe2)          \
	X(poll)           \
	X(pthread_create) \
	X(read)           \
	X(realloc)        \
	X(recv)           \
	X(recvmsg)        \
	X(send)           \
	X(sendmsg)        \
	X(sendto)         \
	X(setsockopt)     \
	X(socket)         \
	X(splice)         \
	X(write)

#define PLAN_NUMBER(call) PLAN_##call,
enum plan_call { PLAN_CALLS(PLAN_NUMBER) PLAN_COUNT };

/* Not an errno: a write takes only its first byte. */
enum { PLAN_SHORT = -1 };

enum { PLAN_WAYS = 4, PLAN_WHO = 32 };

struct plan {
	struct plan_row {
		/* How many there have been, failed ones too. */
		atomic_uint calls, failed;
		/* This one fails, from 1 on; 0: none. */
		atomic_uint fail_at;
		/* And of a million, so many. */
		atomic_uint rate;
		/* One of these: an errno, PLAN_SHORT, or, of getaddrinfo, its
		 * own word for it. The first one is for fail_at. */
		int error[PLAN_WAYS];
		unsigned ways;
		/* Only the program's own calls count, no library's. */
		unsigned own;
	} row[PLAN_COUNT];
	uint32_t seed;
	/* Who made the call that failed last: "lowport", "libuv.so.1". */
	char who[PLAN_WHO];
	/* Whose calls libuv's are: "libuv.so.1", or "lowport" where it is
	 * linked into that. */
	char libuv[PLAN_WHO];
	/* What add_clock() adds to the time of day, in seconds. */
	atomic_int clock_s;
	/* Blocks of memory that were not freed when the program ended; -1: it
	 * has not, or in a hurry. */
	atomic_int left_over;
};

#endif
