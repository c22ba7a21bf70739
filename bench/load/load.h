#ifndef LOWPORT_BENCH_LOAD_H
#define LOWPORT_BENCH_LOAD_H

#include <stddef.h>
#include <stdint.h>

/*
 * The loads that iperf3 and wrk do not have, and the backend they are for.
 * Everything is over 127.0.0.1. What was measured is printed to standard
 * output, a line for each figure: its name and its value.
 *
 * The first byte on a connection tells the backend what to do with it:
 * LOAD_ECHO sends back whatever follows, LOAD_SOURCE sends without end.
 */

#define LOAD_ECHO   'e'
#define LOAD_SOURCE 's'

/* How much one write of the source is, and one read of who takes it. */
#define LOAD_CHUNK (256 * 1024)

/* The arguments behind the subcommand's name, as many as its row says; those
 * that are left out are 0. */
struct load_args {
	uint64_t number[5];
	const char *path; /* serve: a Unix socket as well; NULL if not */
};

/* Print why, and exit with 1. */
_Noreturn void load_die(const char *what, int err);

uint64_t load_now_ns(void);

/* A blocking connection to that port, from 127.0.0.(1 + from), with kind sent
 * (LOAD_ECHO or LOAD_SOURCE). Returns a descriptor, or a negative errno. */
int load_dial(uint64_t port, unsigned from, char kind);

/* Send size bytes and wait until as many are back. Returns 0, or a negative
 * errno; -ECONNRESET also if the end comes too early, -EAGAIN if nothing comes
 * for five seconds. */
int load_exchange(int fd, char *bytes, size_t size);

/* Sort count samples (ns), and print p50_us, p99_us, p999_us and max_us. */
void load_percentiles(uint64_t *samples, size_t count);

void load_serve(const struct load_args *args);    /* PORT [PATH] */
void load_connects(const struct load_args *args); /* PORT COUNT */
void load_hold(const struct load_args *args);     /* PORT COUNT */
void load_rate(const struct load_args *args);     /* PORT SIZE RATE MS [BULK] */
void load_crowd(const struct load_args *args);    /* PORT COUNT MS */

#endif
