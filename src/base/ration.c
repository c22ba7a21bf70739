#include "base/ration.h"

bool ration_take(struct ration *r, const struct source *who, uint64_t now_ms)
{
	bool said = r->lines[r->oldest].free_ms > now_ms;

	for (int i = 0; i < RATION_LINES && !said; i++)
		said = r->lines[i].free_ms > now_ms &&
		       source_equal(&r->lines[i].who, who);
	if (said) {
		r->left_out++;
		return false;
	}
	r->lines[r->oldest].who = *who;
	r->lines[r->oldest].free_ms = now_ms + RATION_MS;
	r->oldest = (r->oldest + 1) % RATION_LINES;
	return true;
}
