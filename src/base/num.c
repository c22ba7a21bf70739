#include "base/num.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

struct unit {
	const char *name;
	uint64_t factor;
};

/* The longest run of digits at text. Returns the first character behind it,
 * NULL if there is no digit; *out is UINT64_MAX where it does not fit. */
static const char *digits(const char *text, unsigned base, uint64_t *out)
{
	uint64_t value = 0;
	const char *p;

	for (p = text; *p >= '0' && *p < (char)('0' + base); p++) {
		unsigned digit = (unsigned)(*p - '0');

		if (value > (UINT64_MAX - digit) / base)
			value = UINT64_MAX;
		else
			value = value * base + digit;
	}
	*out = value;
	return p == text ? NULL : p;
}

static int parse_units(const char *text, const struct unit *units, uint64_t max,
		       uint64_t *out)
{
	uint64_t value;
	const char *rest = digits(text, 10, &value);

	if (!rest)
		return -EINVAL;
	for (; units->name; units++) {
		if (strcmp(rest, units->name) != 0)
			continue;
		if (value > max / units->factor)
			return -ERANGE;
		*out = value * units->factor;
		return 0;
	}
	return -EINVAL;
}

int num_parse(const char *text, int base, uint64_t min, uint64_t max,
	      uint64_t *out)
{
	uint64_t value;
	const char *rest = digits(text, (unsigned)base, &value);

	if (!rest || *rest != '\0')
		return -EINVAL;
	if (value < min || value > max)
		return -ERANGE;
	*out = value;
	return 0;
}

int num_parse_duration(const char *text, uint64_t *ms)
{
	static const struct unit units[] = {
		{"ms", 1},      {"s", 1000},     {"m", 60000},
		{"h", 3600000}, {"d", 86400000}, {NULL, 0},
	};

	if (strcmp(text, "0") == 0) {
		*ms = 0;
		return 0;
	}
	return parse_units(text, units, UINT64_C(86400000) * 1000, ms);
}

int num_parse_size(const char *text, uint64_t *bytes)
{
	static const struct unit units[] = {
		{"", 1},        {"k", 1 << 10}, {"m", 1 << 20},
		{"g", 1 << 30}, {NULL, 0},
	};

	return parse_units(text, units, UINT64_C(1) << 50, bytes);
}
