#include "control/history.h"

#include "base/list.h"
#include "control/answer.h"

#include <stdlib.h>
#include <string.h>

enum { FORGET_AFTER = 1000 }; /* notes without it: of others, too */

/* One relay, or one process. */
struct past {
	struct list node;
	uint64_t pid;
	char *relay; /* NULL: the process */
	uint64_t now_ms, up, down;
	struct rates rates;
	uint64_t noted;
};

struct history {
	struct list all;
	uint64_t notes;
};

struct history *history_new(void)
{
	struct history *h = calloc(1, sizeof(*h));

	if (h)
		list_init(&h->all);
	return h;
}

static void forget(struct past *p)
{
	list_remove(&p->node);
	free(p->relay);
	free(p);
}

void history_free(struct history *h)
{
	while (h && !list_is_empty(&h->all))
		forget(list_entry(h->all.next, struct past, node));
	free(h);
}

static struct past *find(const struct history *h, uint64_t pid,
			 const char *relay)
{
	const struct list *pos;

	list_for_each (pos, &h->all) {
		struct past *p = list_entry(pos, struct past, node);

		if (p->pid == pid && !p->relay == !relay &&
		    (!relay || strcmp(p->relay, relay) == 0))
			return p;
	}
	return NULL;
}

static struct past *add(struct history *h, uint64_t pid, const char *relay)
{
	struct past *p = calloc(1, sizeof(*p));

	if (p && relay) {
		p->relay = strdup(relay);
		if (!p->relay) {
			free(p);
			p = NULL;
		}
	}
	if (!p)
		return NULL;
	p->pid = pid;
	list_append(&h->all, &p->node);
	return p;
}

static void push(struct rates *r, uint64_t rate)
{
	if (r->past_count == HISTORY_LENGTH)
		memmove(r->past, r->past + 1,
			--r->past_count * sizeof(r->past[0]));
	r->past[r->past_count++] = rate;
}

/* A clock that was set back, or a process of the same number that is another,
 * begins anew. */
static void note(struct history *h, uint64_t pid, const char *relay,
		 uint64_t now_ms, const cJSON *stats)
{
	uint64_t up = answer_number(stats, "up");
	uint64_t down = answer_number(stats, "down");
	struct past *p = find(h, pid, relay);
	bool goes_on =
		p && now_ms > p->now_ms && up >= p->up && down >= p->down;

	if (!p)
		p = add(h, pid, relay);
	if (!p)
		return;
	p->rates.ms = goes_on ? now_ms - p->now_ms : 0;
	p->rates.up = goes_on ? up - p->up : 0;
	p->rates.down = goes_on ? down - p->down : 0;
	if (goes_on)
		push(&p->rates,
		     (p->rates.up + p->rates.down) * 1000 / p->rates.ms);
	p->now_ms = now_ms;
	p->up = up;
	p->down = down;
	p->noted = h->notes;
}

void history_note(struct history *h, const cJSON *status)
{
	uint64_t pid = answer_number(status, "pid");
	uint64_t now_ms = answer_number(status, "now_ms");
	struct list *pos, *after;
	const cJSON *relay;

	h->notes++;
	note(h, pid, NULL, now_ms,
	     cJSON_GetObjectItemCaseSensitive(status, "stats"));
	cJSON_ArrayForEach(relay,
			   cJSON_GetObjectItemCaseSensitive(status, "relays"))
		note(h, pid, answer_string(relay, "name"), now_ms,
		     cJSON_GetObjectItemCaseSensitive(relay, "stats"));
	list_for_each_safe (pos, after, &h->all) {
		struct past *p = list_entry(pos, struct past, node);

		if (h->notes - p->noted > FORGET_AFTER)
			forget(p);
	}
}

struct rates history_rates(const struct history *h, uint64_t pid,
			   const char *relay)
{
	const struct past *p = find(h, pid, relay);

	return p ? p->rates : (struct rates){0};
}
