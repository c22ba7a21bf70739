#include "engine/census.h"

#include <errno.h>
#include <stdlib.h>

enum { ROOM = 64 }; /* connections, at first */

struct list_part {
	struct remote_errand errand;
	struct listing *of;
	struct relay_connection *at;
	size_t count, room;
	int err;
};

struct listing {
	void (*each)(void *data, const struct relay_connection *one);
	void (*done)(void *data, int err);
	void *data;
	int err;
	size_t awaited;
	struct list_part parts[];
};

static void note(void *data, const struct relay_connection *one)
{
	struct list_part *p = data;
	size_t room = p->room > 0 ? 2 * p->room : ROOM;
	struct relay_connection *more;

	if (p->count == p->room && p->err == 0) {
		more = realloc(p->at, room * sizeof(*more));
		p->err = more ? 0 : -ENOMEM;
		p->at = more ? more : p->at;
		p->room = more ? room : p->room;
	}
	if (p->count < p->room)
		p->at[p->count++] = *one;
}

static void on_list(struct remote_errand *e, struct worker *w)
{
	conn_list(w, note, list_entry(e, struct list_part, errand));
}

static void on_listed(struct remote_errand *e)
{
	struct list_part *p = list_entry(e, struct list_part, errand);
	struct listing *l = p->of;

	for (size_t i = 0; i < p->count; i++)
		l->each(l->data, &p->at[i]);
	free(p->at);
	if (p->err < 0)
		l->err = p->err;
	if (--l->awaited > 0)
		return;
	l->done(l->data, l->err);
	free(l);
}

int census_list(const struct census *c,
		void (*each)(void *data, const struct relay_connection *one),
		void (*done)(void *data, int err), void *data)
{
	size_t count = c->remote_count;
	struct listing *l = calloc(1, sizeof(*l) + count * sizeof(l->parts[0]));

	if (!l)
		return -ENOMEM;
	l->each = each;
	l->done = done;
	l->data = data;
	l->awaited = count;
	for (size_t i = 0; i < count; i++) {
		l->parts[i].errand.run = on_list;
		l->parts[i].errand.back = on_listed;
		l->parts[i].of = l;
		remote_send(c->remotes[i], &l->parts[i].errand);
	}
	conn_list(c->home, each, data);
	if (count > 0)
		return 0;
	done(data, 0);
	free(l);
	return 0;
}

struct kill_part {
	struct remote_errand errand;
	struct killing *of;
	bool found;
};

struct killing {
	uint64_t id;
	void (*done)(void *data, bool found);
	void *data;
	bool found;
	size_t awaited;
	struct kill_part parts[];
};

static void on_kill(struct remote_errand *e, struct worker *w)
{
	struct kill_part *p = list_entry(e, struct kill_part, errand);

	p->found = conn_kill(w, p->of->id);
}

static void on_killed(struct remote_errand *e)
{
	struct kill_part *p = list_entry(e, struct kill_part, errand);
	struct killing *k = p->of;

	k->found |= p->found;
	if (--k->awaited > 0)
		return;
	k->done(k->data, k->found);
	free(k);
}

static int kill_far(const struct census *c, uint64_t id,
		    void (*done)(void *data, bool found), void *data)
{
	size_t count = c->remote_count;
	struct killing *k = calloc(1, sizeof(*k) + count * sizeof(k->parts[0]));

	if (!k)
		return -ENOMEM;
	k->id = id;
	k->done = done;
	k->data = data;
	k->awaited = count;
	for (size_t i = 0; i < count; i++) {
		k->parts[i].errand.run = on_kill;
		k->parts[i].errand.back = on_killed;
		k->parts[i].of = k;
		remote_send(c->remotes[i], &k->parts[i].errand);
	}
	return 0;
}

int census_kill(const struct census *c, uint64_t id,
		void (*done)(void *data, bool found), void *data)
{
	bool found = conn_kill(c->home, id);

	if (!found && c->remote_count > 0)
		return kill_far(c, id, done, data);
	done(data, found);
	return 0;
}
