#ifndef LOWPORT_BASE_HUMAN_H
#define LOWPORT_BASE_HUMAN_H

#include <stdint.h>

/* Numbers as people read them: three digits at most, and a unit. */

/* Enough for any of them, its end included. */
enum { HUMAN_TEXT = 24 };

/* 0 B, 512 B, 1.2 KiB, 345 MiB, 6.7 GiB: units of 1024. Returns buf. */
const char *human_bytes(uint64_t bytes, char buf[HUMAN_TEXT]);

/* So many bytes in so many ms, as 0 B/s, 3.4 MB/s: units of 1000, as networks
 * have them. ms of 0 counts as 1. Returns buf. */
const char *human_rate(uint64_t bytes, uint64_t ms, char buf[HUMAN_TEXT]);

/* Its two largest units: 0 s is "0s", then 59s, 3m 20s, 2h 5m, 2d 3h. Returns
 * buf. */
const char *human_duration(uint64_t ms, char buf[HUMAN_TEXT]);

#endif
