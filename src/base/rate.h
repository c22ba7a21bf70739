#ifndef LOWPORT_BASE_RATE_H
#define LOWPORT_BASE_RATE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * How often something may happen, and a bucket of tokens that holds to it: it
 * has room for `count` tokens, is full at first, and gets as many anew in each
 * period, evenly. Exact: no token is lost to rounding.
 */
struct rate {
	uint64_t count; /* at most RATE_MOST; 0: no limit */
	uint64_t period_ms;
};

#define RATE_MOST UINT64_C(1000000)

/* Read 10/s or 30/m; 0 stands for no limit. Returns 0, -EINVAL, or -ERANGE if
 * the count is beyond RATE_MOST, or 0 with a unit. */
int rate_parse(struct rate *r, const char *text);

/* All zero: full. */
struct bucket {
	uint64_t full_at; /* in 1/count ms of the caller's clock */
};

/* Take a token at that time. Returns false, and takes nothing, when there is
 * none. Time must not go back by much; without a limit there always is one. */
bool bucket_take(struct bucket *b, const struct rate *r, uint64_t now_ms);

bool bucket_is_full(const struct bucket *b, const struct rate *r,
		    uint64_t now_ms);

#endif
