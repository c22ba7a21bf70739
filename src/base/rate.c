#include "base/rate.h"

#include "base/num.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static const struct {
	const char *name;
	uint64_t ms;
} units[] = {{"s", 1000}, {"m", 60000}};

int rate_parse(struct rate *r, const char *text)
{
	const char *slash = strchr(text, '/');
	uint64_t count;
	char head[24];
	size_t length;
	int err;

	if (strcmp(text, "0") == 0) {
		*r = (struct rate){0};
		return 0;
	}
	length = slash ? (size_t)(slash - text) : sizeof(head);
	if (length >= sizeof(head))
		return -EINVAL;
	memcpy(head, text, length);
	head[length] = '\0';
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(slash + 1, units[i].name) != 0)
			continue;
		err = num_parse(head, 10, 1, RATE_MOST, &count);
		if (err == 0)
			*r = (struct rate){count, units[i].ms};
		return err;
	}
	return -EINVAL;
}

/* In 1/count ms a token takes period_ms to come back. */
bool bucket_take(struct bucket *b, const struct rate *r, uint64_t now_ms)
{
	uint64_t now = now_ms * r->count;
	uint64_t full_at = b->full_at > now ? b->full_at : now;

	if (r->count == 0)
		return true;
	if (full_at + r->period_ms > now + r->count * r->period_ms)
		return false;
	b->full_at = full_at + r->period_ms;
	return true;
}

bool bucket_is_full(const struct bucket *b, const struct rate *r,
		    uint64_t now_ms)
{
	return b->full_at <= now_ms * r->count;
}
