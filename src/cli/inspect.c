#include "cli/inspect.h"

#include "cli/announce.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A connection that was listed. Paths are its own: those of a listener or a
 * backend may go with it. */
struct listed {
	struct relay_connection conn;
	struct account *account;
	const struct relay_tally *backend; /* of which; NULL: none */
};

struct inspection {
	struct inspect *in;
	struct snapshot snapshot;
	struct account **accounts; /* of each relay */
	const struct relay_backend **backends;
	struct listed *listed;
	size_t listed_count, listed_room;
	bool want_connections;
	bool failed; /* out of memory */
	void (*ready)(void *context, const struct snapshot *s);
	void *context;
};

/* Room for one more behind count members, which becomes zeroes. */
static void *grow(struct inspection *i, void *array, size_t count, size_t size)
{
	char *more = realloc(array, (count + 1) * size);

	if (more)
		memset(more + count * size, 0, size);
	else
		i->failed = true;
	return more;
}

#define GROW(i, array, count) \
	(grow_at((i), (void **)&(array), (count), sizeof(*(array))))

static bool grow_at(struct inspection *i, void **array, size_t count,
		    size_t size)
{
	void *more = i->failed ? NULL : grow(i, *array, count, size);

	if (more)
		*array = more;
	return more != NULL;
}

static bool add_backend(struct inspection *i, struct snapshot_relay *r,
			const struct relay_backend *b)
{
	struct snapshot_backend *made;
	char text[BACKEND_TEXT];

	if (!GROW(i, r->backends, r->backend_count))
		return false;
	made = &r->backends[r->backend_count];
	made->text = strdup(announce_backend(b, text));
	if (!made->text) {
		i->failed = true;
		return false;
	}
	relay_backend_stats(b, &made->stats);
	made->open = made->stats.open;
	r->backend_count++;
	return true;
}

void inspection_relay(struct inspection *i, struct account *account,
		      const struct relay_backend *backends, size_t count)
{
	struct snapshot *s = &i->snapshot;
	struct snapshot_relay *r;

	if (!GROW(i, s->relays, s->relay_count) ||
	    !GROW(i, i->accounts, s->relay_count) ||
	    !GROW(i, i->backends, s->relay_count))
		return;
	i->accounts[s->relay_count] = account;
	i->backends[s->relay_count] = backends;
	r = &s->relays[s->relay_count++];
	r->name = account->name;
	r->stats = account->stats;
	for (size_t n = 0; n < count; n++)
		if (!add_backend(i, r, &backends[n]))
			return;
}

void inspection_listener(struct inspection *i, int fd, const struct addr *at,
			 const char *from)
{
	struct snapshot_relay *r;

	if (i->failed || i->snapshot.relay_count == 0)
		return;
	r = &i->snapshot.relays[i->snapshot.relay_count - 1];
	if (!GROW(i, r->listeners, r->listener_count))
		return;
	r->listeners[r->listener_count++] = (struct snapshot_listener){
		.addr = *at,
		.from = from,
		.state = relay_listener_state(i->in->relay, fd),
	};
}

static bool keep_path(struct addr *a)
{
	if (a->family != AF_UNIX || !a->path)
		return true;
	a->path = strdup(a->path);
	return a->path != NULL;
}

static void free_path(const struct addr *a)
{
	if (a->family == AF_UNIX)
		free((void *)(uintptr_t)a->path);
}

static struct listed *next_listed(struct inspection *i)
{
	if (i->listed_count == i->listed_room) {
		size_t room = i->listed_room > 0 ? i->listed_room * 2 : 64;
		struct listed *more = realloc(i->listed, room * sizeof(*more));

		if (!more)
			return NULL;
		i->listed = more;
		i->listed_room = room;
	}
	return &i->listed[i->listed_count];
}

static void on_each(void *data, const struct relay_connection *c)
{
	struct inspection *i = data;
	struct listed *l = i->failed ? NULL : next_listed(i);

	if (!l) {
		i->failed = true;
		return;
	}
	*l = (struct listed){.conn = *c};
	l->account = i->in->account_of(i->in->data, c->route);
	l->backend = c->chosen ? c->chosen->tally : NULL;
	l->conn.route = NULL;
	l->conn.chosen = NULL;
	i->failed = !keep_path(&l->conn.client);
	if (!keep_path(&l->conn.local))
		i->failed = true;
	if (!keep_path(&l->conn.backend))
		i->failed = true;
	i->listed_count++;
}

/* Add what an open connection has moved to those that have ended. */
static void count_open(struct inspection *i, const struct listed *l)
{
	struct snapshot *s = &i->snapshot;
	const struct relay_connection *c = &l->conn;

	s->stats.up += c->up;
	s->stats.down += c->down;
	for (size_t n = 0; n < s->relay_count; n++) {
		struct snapshot_relay *r = &s->relays[n];

		if (i->accounts[n] != l->account)
			continue;
		r->stats.up += c->up;
		r->stats.down += c->down;
		for (size_t m = 0; m < r->backend_count && l->backend; m++) {
			if (i->backends[n][m].tally != l->backend)
				continue;
			r->backends[m].stats.up += c->up;
			r->backends[m].stats.down += c->down;
			return;
		}
		return;
	}
}

/* A connection may end between being listed and being counted; but a number that
 * goes back would look like a new start. */
static void only_forward(struct stats *s, uint64_t *up, uint64_t *down)
{
	*up = s->up = s->up > *up ? s->up : *up;
	*down = s->down = s->down > *down ? s->down : *down;
}

static bool list_connections(struct inspection *i)
{
	struct snapshot *s = &i->snapshot;

	/* One at least, for NULL says that nobody wanted them. */
	s->connections = calloc(i->listed_count + 1, sizeof(*s->connections));
	if (!s->connections)
		return false;
	s->connection_count = i->listed_count;
	for (size_t n = 0; n < i->listed_count; n++) {
		const struct listed *l = &i->listed[n];

		s->connections[n].relay = l->account ? l->account->name : NULL;
		s->connections[n].conn = l->conn;
	}
	return true;
}

static void free_inspection(struct inspection *i)
{
	struct snapshot *s = &i->snapshot;
	struct inspect *in = i->in;

	for (size_t n = 0; n < s->relay_count; n++) {
		for (size_t m = 0; m < s->relays[n].backend_count; m++)
			free((void *)(uintptr_t)s->relays[n].backends[m].text);
		free(s->relays[n].backends);
		free(s->relays[n].listeners);
	}
	for (size_t n = 0; n < i->listed_count; n++) {
		free_path(&i->listed[n].conn.client);
		free_path(&i->listed[n].conn.local);
		free_path(&i->listed[n].conn.backend);
	}
	free(s->relays);
	free(s->connections);
	free(i->accounts);
	free(i->backends);
	free(i->listed);
	free(i);
	if (--in->making == 0 && in->made)
		in->made(in->data);
}

static void fill(struct inspection *i)
{
	struct inspect *in = i->in;
	struct snapshot *s = &i->snapshot;
	uv_timeval64_t now = {0};

	uv_gettimeofday(&now);
	s->version = LOWPORT_VERSION;
	s->pid = getpid();
	s->now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_usec / 1000;
	s->uptime_ms = uv_now(in->loop) - in->since_ms;
	relay_stats(in->relay, &s->stats);
	in->tell(in->data, i, s);
	for (size_t n = 0; n < i->listed_count && !i->failed; n++)
		count_open(i, &i->listed[n]);
	only_forward(&s->stats, &in->up_told, &in->down_told);
	for (size_t n = 0; n < s->relay_count && !i->failed; n++)
		only_forward(&s->relays[n].stats, &i->accounts[n]->up_told,
			     &i->accounts[n]->down_told);
	if (!i->failed && i->want_connections && !list_connections(i))
		i->failed = true;
}

/* All but the connections' accounts is looked at in this one turn. */
static void on_listed(void *data, int err)
{
	struct inspection *i = data;

	i->failed = i->failed || err < 0;
	if (!i->failed)
		fill(i);
	i->ready(i->context, i->failed ? NULL : &i->snapshot);
	free_inspection(i);
}

static void take(void *data, bool connections,
		 void (*ready)(void *context, const struct snapshot *s),
		 void *context)
{
	struct inspect *in = data;
	struct inspection *i = calloc(1, sizeof(*i));

	if (!i) {
		ready(context, NULL);
		return;
	}
	i->in = in;
	in->making++;
	i->want_connections = connections;
	i->ready = ready;
	i->context = context;
	if (relay_connections(in->relay, on_each, on_listed, i) == 0)
		return;
	ready(context, NULL);
	free_inspection(i);
}

struct snapshot_source inspect_source(struct inspect *in)
{
	return (struct snapshot_source){.take = take, .data = in};
}
