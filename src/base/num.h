#ifndef LOWPORT_BASE_NUM_H
#define LOWPORT_BASE_NUM_H

#include <stdint.h>

/*
 * Strict numbers: the whole string is the number, or nothing is. All return 0,
 * -EINVAL (not such a number) or -ERANGE (outside what is allowed), and leave
 * *out alone unless they return 0.
 */

/* Digits of the given base (8 or 10) only: no sign, no space. */
int num_parse(const char *text, int base, uint64_t min, uint64_t max,
	      uint64_t *out);

/* A duration with its unit, as milliseconds: 500ms 10s 5m 2h 1d. Only 0 may
 * stand without a unit. At most 1000d. */
int num_parse_duration(const char *text, uint64_t *ms);

/* Bytes, with an optional unit of 1024: 512 64k 1m 2g. */
int num_parse_size(const char *text, uint64_t *bytes);

#endif
