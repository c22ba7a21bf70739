#ifndef LOWPORT_TESTS_BYTES_H
#define LOWPORT_TESTS_BYTES_H

#include <stddef.h>
#include <stdint.h>

/*
 * Endless random streams, each named by a seed. Any part of one can be made or
 * looked at alone, so that a test of many megabytes keeps none of them, and a
 * wrong byte is known by its place, which no hash would tell.
 */

/* The next number of the sequence that *state stands for. */
uint64_t bytes_random(uint64_t *state);

/* Fill buf with n bytes of the stream, from byte `at` on. */
void bytes_fill(void *buf, size_t n, uint64_t seed, uint64_t at);

/* How many bytes of buf are those of the stream from byte `at` on, up to the
 * first wrong one: n if all are. */
size_t bytes_right(const void *buf, size_t n, uint64_t seed, uint64_t at);

#endif
