#include "cli/ledger.h"

#include <stdlib.h>
#include <string.h>

struct tallied {
	struct list node;
	unsigned users;
	struct relay_tally tally;
	char backend[];
};

struct ledger *ledger_take(struct ledger *l, const char *name)
{
	if (!l) {
		l = calloc(1, sizeof(*l));
		if (!l)
			return NULL;
		list_init(&l->tallies);
		l->name = strdup(name);
		if (!l->name) {
			free(l);
			return NULL;
		}
		l->account.name = l->name;
	}
	l->users++;
	return l;
}

struct relay_tally *ledger_tally(struct ledger *l, const char *backend)
{
	size_t size = strlen(backend) + 1;
	struct tallied *t;
	struct list *pos;

	list_for_each (pos, &l->tallies) {
		t = list_entry(pos, struct tallied, node);
		if (strcmp(t->backend, backend) != 0)
			continue;
		t->users++;
		return &t->tally;
	}
	t = calloc(1, sizeof(*t) + size);
	if (!t)
		return NULL;
	t->users = 1;
	memcpy(t->backend, backend, size);
	list_append(&l->tallies, &t->node);
	return &t->tally;
}

void ledger_drop_tally(struct ledger *l, const struct relay_tally *tally)
{
	struct tallied *t;

	if (!l || !tally)
		return;
	t = list_entry(tally, struct tallied, tally);
	if (--t->users > 0)
		return;
	list_remove(&t->node);
	free(t);
}

void ledger_drop(struct ledger *l)
{
	if (!l || --l->users > 0)
		return;
	free(l->name);
	free(l);
}
