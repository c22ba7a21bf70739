#include "cli/summary.h"

#include <inttypes.h>
#include <stdio.h>

enum {
	PIECE = 40,
	MINUTE_S = 60,
	HOUR_S = 60 * MINUTE_S,
	DAY_S = 24 * HOUR_S,
};

static const char *print_duration(uint64_t ms, char buf[PIECE])
{
	uint64_t s = ms / 1000;

	if (s < MINUTE_S)
		snprintf(buf, PIECE, "%" PRIu64 ".%us", s,
			 (unsigned)(ms % 1000 / 100));
	else if (s < HOUR_S)
		snprintf(buf, PIECE, "%" PRIu64 "m %us", s / MINUTE_S,
			 (unsigned)(s % MINUTE_S));
	else if (s < DAY_S)
		snprintf(buf, PIECE, "%" PRIu64 "h %um", s / HOUR_S,
			 (unsigned)(s % HOUR_S / MINUTE_S));
	else
		snprintf(buf, PIECE, "%" PRIu64 "d %uh", s / DAY_S,
			 (unsigned)(s % DAY_S / HOUR_S));
	return buf;
}

static const char *print_size(double bytes, char buf[PIECE])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	size_t unit = 0;

	while (bytes >= 1024 && unit + 1 < sizeof(units) / sizeof(*units)) {
		bytes /= 1024;
		unit++;
	}
	snprintf(buf, PIECE, unit == 0 ? "%.0f %s" : "%.1f %s", bytes,
		 units[unit]);
	return buf;
}

/* The sum over connections may be a little behind what it was. */
static double rate(uint64_t now, uint64_t last, uint64_t ms)
{
	return now > last ? (double)(now - last) * 1000 / (double)ms : 0;
}

static size_t print_now(const struct summary *now, uint64_t lost, char *buf)
{
	const struct stats *s = &now->stats;
	char uptime[PIECE], up[PIECE], down[PIECE], more[2 * PIECE] = "";

	if (lost > 0)
		snprintf(more, sizeof(more), ", %" PRIu64 " log lines lost",
			 lost);
	return (size_t)snprintf(
		buf, SUMMARY_TEXT,
		"running for %s: %" PRIu64 " connections open, %" PRIu64
		" in all, %" PRIu64 " waiting for a backend, %" PRIu64
		" refused, %s up, %s down%s",
		print_duration(now->at_ms, uptime), s->open, s->accepted,
		s->waiting, s->refused + s->turned_away,
		print_size((double)s->up, up),
		print_size((double)s->down, down), more);
}

const char *summary_print(const struct summary *now, const struct summary *last,
			  uint64_t lost, char buf[SUMMARY_TEXT])
{
	const struct stats *s = &now->stats, *before = &last->stats;
	uint64_t ms = now->at_ms - last->at_ms;
	char since[PIECE], up[PIECE], down[PIECE];
	size_t n = print_now(now, lost, buf);

	if (ms == 0 || n >= SUMMARY_TEXT)
		return buf;
	snprintf(buf + n, SUMMARY_TEXT - n,
		 "; a second in the last %s: %.1f connections, %s up, %s down",
		 print_duration(ms, since),
		 rate(s->accepted, before->accepted, ms),
		 print_size(rate(s->up, before->up, ms), up),
		 print_size(rate(s->down, before->down, ms), down));
	return buf;
}
