#include "base/human.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

/* Three digits: 1.23, 12.3 and 123 would say more than anyone can use, so one
 * behind the point while there is one before it. */
static const char *scaled(uint64_t n, uint64_t unit, const char *const names[],
			  size_t count, char buf[HUMAN_TEXT])
{
	uint64_t of = 1;
	size_t i = 0;
	uint64_t tenths;

	while (i + 1 < count && n / of >= unit) {
		of *= unit;
		i++;
	}
	/* What would be rounded up to the next unit is of that one. */
	if (i > 0 && i + 1 < count && (n + of / 2) / of >= unit) {
		of *= unit;
		i++;
	}
	tenths = n / of * 10 + (n % of * 10 + of / 2) / of;
	if (i > 0 && tenths < 100)
		snprintf(buf, HUMAN_TEXT, "%" PRIu64 ".%" PRIu64 " %s",
			 tenths / 10, tenths % 10, names[i]);
	else
		snprintf(buf, HUMAN_TEXT, "%" PRIu64 " %s",
			 n / of + (n % of >= of - of / 2), names[i]);
	return buf;
}

const char *human_bytes(uint64_t bytes, char buf[HUMAN_TEXT])
{
	static const char *const names[] = {"B",   "KiB", "MiB", "GiB",
					    "TiB", "PiB", "EiB"};

	return scaled(bytes, 1024, names, sizeof(names) / sizeof(names[0]),
		      buf);
}

const char *human_rate(uint64_t bytes, uint64_t ms, char buf[HUMAN_TEXT])
{
	static const char *const names[] = {"B/s",  "kB/s", "MB/s",
					    "GB/s", "TB/s", "PB/s"};
	uint64_t per = ms > 0 ? ms : 1;
	uint64_t rate = bytes / per * 1000 + bytes % per * 1000 / per;

	return scaled(rate, 1000, names, sizeof(names) / sizeof(names[0]), buf);
}

const char *human_duration(uint64_t ms, char buf[HUMAN_TEXT])
{
	uint64_t s = ms / 1000, m = s / 60, h = m / 60, d = h / 24;

	if (m == 0)
		snprintf(buf, HUMAN_TEXT, "%" PRIu64 "s", s);
	else if (h == 0)
		snprintf(buf, HUMAN_TEXT, "%" PRIu64 "m %" PRIu64 "s", m,
			 s % 60);
	else if (d == 0)
		snprintf(buf, HUMAN_TEXT, "%" PRIu64 "h %" PRIu64 "m", h,
			 m % 60);
	else
		snprintf(buf, HUMAN_TEXT, "%" PRIu64 "d %" PRIu64 "h", d,
			 h % 24);
	return buf;
}
