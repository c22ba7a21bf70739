#include "bytes.h"

#include <string.h>

/* splitmix64 */
static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static uint64_t word_at(uint64_t seed, uint64_t index)
{
	return mix(seed + (index + 1) * UINT64_C(0x9e3779b97f4a7c15));
}

uint64_t bytes_random(uint64_t *state)
{
	return word_at(*state += UINT64_C(0x9e3779b97f4a7c15), 0);
}

/* One word of the stream at a time: the bytes [from, from + n) of it. */
static size_t part(uint8_t word[8], size_t left, uint64_t seed, uint64_t at)
{
	uint64_t value = word_at(mix(seed), at / 8);
	size_t from = (size_t)(at % 8), n = 8 - from;
	uint8_t whole[8];

	memcpy(whole, &value, 8);
	memcpy(word, whole + from, n);
	return n < left ? n : left;
}

void bytes_fill(void *buf, size_t n, uint64_t seed, uint64_t at)
{
	uint8_t *to = buf, word[8];
	size_t done = 0;

	while (done < n) {
		size_t some = part(word, n - done, seed, at + done);

		memcpy(to + done, word, some);
		done += some;
	}
}

size_t bytes_right(const void *buf, size_t n, uint64_t seed, uint64_t at)
{
	const uint8_t *from = buf;
	uint8_t word[8];
	size_t done = 0;

	while (done < n) {
		size_t some = part(word, n - done, seed, at + done);

		for (size_t i = 0; i < some; i++) {
			if (from[done + i] != word[i])
				return done + i;
		}
		done += some;
	}
	return n;
}
