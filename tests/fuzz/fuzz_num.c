#include "fuzz.h"

#include "base/human.h"
#include "base/num.h"
#include "base/rate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Numbers, durations, sizes and rates beside a second reader, which is slow and
 * wide. What is not taken leaves the result alone. */

__extension__ typedef unsigned __int128 wide;

static const wide too_much = (wide)1 << 120;

enum { UNTOUCHED = 12345 };

/* The digits of the base at text; *rest is behind them. */
static bool wide_digits(const char *text, unsigned base, wide *out,
			const char **rest)
{
	const char *all = base == 8 ? "01234567" : "0123456789";
	size_t n = strspn(text, all);

	*out = 0;
	for (size_t i = 0; i < n; i++)
		if (*out < too_much)
			*out = *out * base +
			       (wide)(unsigned)(strchr(all, text[i]) - all);
	*rest = text + n;
	return n > 0;
}

static void check_whole(const char *text, unsigned base, uint64_t min,
			uint64_t max)
{
	uint64_t out = UNTOUCHED;
	const char *rest;
	wide value;
	int err = num_parse(text, (int)base, min, max, &out);

	if (!wide_digits(text, base, &value, &rest) || *rest != '\0')
		MUST_OF(err == -EINVAL, text);
	else if (value < min || value > max)
		MUST_OF(err == -ERANGE, text);
	else
		MUST_OF(err == 0 && out == value, text);
	MUST(err == 0 || out == UNTOUCHED);
}

static wide factor_of(const char *unit, const char *const names[],
		      const uint64_t factors[])
{
	for (size_t i = 0; names[i]; i++)
		if (strcmp(unit, names[i]) == 0)
			return factors[i];
	return 0;
}

static void check_with_unit(const char *text,
			    int (*read)(const char *text, uint64_t *out),
			    const char *const names[], const uint64_t factors[],
			    uint64_t most)
{
	uint64_t out = UNTOUCHED;
	const char *rest;
	wide value, factor;
	int err = read(text, &out);

	if (strcmp(text, "0") == 0)
		MUST(err == 0 && out == 0);
	else if (!wide_digits(text, 10, &value, &rest) ||
		 (factor = factor_of(rest, names, factors)) == 0)
		MUST_OF(err == -EINVAL, text);
	else if (value >= too_much || value * factor > most)
		MUST_OF(err == -ERANGE, text);
	else
		MUST_OF(err == 0 && out == value * factor, text);
	MUST(err == 0 || out == UNTOUCHED);
}

static void check_units(const char *text)
{
	static const char *const times[] = {"ms", "s", "m", "h", "d", NULL};
	static const uint64_t ms[] = {1, 1000, 60000, 3600000, 86400000};
	static const char *const sizes[] = {"", "k", "m", "g", NULL};
	static const uint64_t bytes[] = {1, 1 << 10, 1 << 20, 1 << 30};

	check_with_unit(text, num_parse_duration, times, ms,
			UINT64_C(86400000) * 1000);
	check_with_unit(text, num_parse_size, sizes, bytes, UINT64_C(1) << 50);
}

/* From any start, no window may see more than the bucket and what time has
 * brought. */
static void drive_bucket(const struct rate *r, struct feed *f)
{
	uint64_t first, now;
	struct bucket b = {0};
	wide taken = 0;

	now = first = feed_number(f, 5);
	while (f->left > 0) {
		uint8_t step = feed_byte(f);

		now += step < 128 ? 0 : (uint64_t)(step - 127) * 37;
		if (bucket_take(&b, r, now))
			taken++;
		else
			MUST(!bucket_is_full(&b, r, now));
		if (r->count > 0)
			MUST((taken - (taken > r->count ? r->count : taken)) *
				     r->period_ms <=
			     (wide)r->count * (now - first));
	}
	MUST(bucket_take(&b, r, now + r->period_ms * 2));
}

static void check_rate(const char *text, struct feed *rest)
{
	struct rate r = {UNTOUCHED, 1};
	int err = rate_parse(&r, text);

	MUST(err == 0 || err == -EINVAL || err == -ERANGE);
	if (err < 0) {
		MUST(r.count == UNTOUCHED && r.period_ms == 1);
		return;
	}
	MUST(r.count <= RATE_MOST);
	MUST(r.count == 0 || r.period_ms == 1000 || r.period_ms == 60000);
	drive_bucket(&r, rest);
}

static void check_human(struct feed *f)
{
	char buf[HUMAN_TEXT];
	uint64_t n = feed_number(f, 8), ms = feed_number(f, 8);

	MUST(fuzz_is_plain(human_bytes(n, buf), "") && buf[0] != '\0');
	MUST(fuzz_is_plain(human_rate(n, ms, buf), "") && buf[0] != '\0');
	MUST(fuzz_is_plain(human_duration(n, buf), "") && buf[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed f = {data, size};
	char *line = feed_line(&f);

	if (!line)
		return 0;
	check_whole(line, 10, 0, UINT64_MAX - 1);
	check_whole(line, 10, 1, 65535);
	check_whole(line, 8, 0, 0777);
	check_units(line);
	check_rate(line, &f);
	free(line);
	f = (struct feed){data, size};
	check_human(&f);
	return 0;
}
