#ifndef LOWPORT_BASE_SIPHASH_H
#define LOWPORT_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/*
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a hash that those who do not know
 * the key cannot steer, so nobody can make the entries of a table collide on
 * purpose.
 */
struct siphash_key {
	uint64_t k0, k1;
};

/* Of `count` words, as the bytes of a little-endian machine. */
uint64_t siphash(const struct siphash_key *key, const uint64_t *words,
		 size_t count);

#endif
