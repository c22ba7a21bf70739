#include "engine/loops.h"

#include "os/netif.h"
#include "os/sock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Addresses come and go, but not for each connection. */
enum { ASKED_MS = 1000 };

struct loops_listener {
	struct addr addr; /* AF_UNSPEC: it is gone, and its place free */
	struct addr bound;
	int fd;
	bool both_families;
	char *path; /* addr's */
	dev_t dev;
	ino_t ino; /* 0: not known */
	const struct relay_backend *group;
};

/* What leads to the same backends, which are its name here. It is there as long
 * as a listener of it is. */
struct loops_group {
	const struct relay_backend *backends;
	size_t count;
	size_t listeners;
	unsigned walk; /* the one that has come by here last */
};

struct loops_edge {
	const struct relay_backend *from, *to;
};

int loops_init(struct loops *l)
{
	memset(l, 0, sizeof(*l));
	return uv_mutex_init(&l->lock);
}

void loops_free(struct loops *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->listeners[i].path);
	free(l->listeners);
	free(l->groups);
	free(l->edges);
	uv_mutex_destroy(&l->lock);
}

static void identify(struct loops_listener *e)
{
	struct stat st;

	if (e->path && stat(e->path, &st) == 0) {
		e->dev = st.st_dev;
		e->ino = st.st_ino;
	}
}

static void announce(struct loops *l, const struct addr *a)
{
	if (a->family == AF_UNIX)
		atomic_store(&l->has_paths, true);
	else
		atomic_fetch_or(&l->ports[a->port / LOOPS_WORD],
				1U << a->port % LOOPS_WORD);
}

static struct loops_group *find_group(const struct loops *l,
				      const struct relay_backend *backends)
{
	for (size_t i = 0; i < l->group_count; i++)
		if (l->groups[i].backends == backends)
			return &l->groups[i];
	return NULL;
}

/* One more listener of that route's group. Returns 0 or -ENOMEM. */
static int join(struct loops *l, const struct relay_route *route)
{
	struct loops_group *g = find_group(l, route->backends);

	if (!g) {
		size_t size = (l->group_count + 1) * sizeof(*g);
		struct loops_group *more = realloc(l->groups, size);

		if (!more)
			return -ENOMEM;
		l->groups = more;
		g = &more[l->group_count++];
		*g = (struct loops_group){.backends = route->backends,
					  .count = route->count};
	}
	g->listeners++;
	return 0;
}

/* One less: its backends may be gone after the last. */
static void leave(struct loops *l, const struct relay_backend *group)
{
	struct loops_group *g = find_group(l, group);
	size_t left = 0;

	if (--g->listeners > 0)
		return;
	*g = l->groups[--l->group_count];
	for (size_t i = 0; i < l->edge_count; i++)
		if (l->edges[i].from != group && l->edges[i].to != group)
			l->edges[left++] = l->edges[i];
	l->edge_count = left;
}

static struct loops_listener *find_free(struct loops *l)
{
	struct loops_listener *more;

	for (size_t i = 0; i < l->count; i++)
		if (l->listeners[i].addr.family == AF_UNSPEC)
			return &l->listeners[i];
	more = realloc(l->listeners, (l->count + 1) * sizeof(*more));
	if (!more)
		return NULL;
	l->listeners = more;
	more[l->count] = (struct loops_listener){0};
	return &more[l->count++];
}

/* Where clients of a listener that is bound there come in. */
static struct addr entrance(const struct addr *bound,
			    const struct relay_route *route)
{
	struct addr a = route->only;

	if (a.family == AF_UNSPEC)
		return *bound;
	a.port = bound->port;
	return a;
}

int loops_add(struct loops *l, int fd, const struct addr *bound,
	      const struct relay_route *route)
{
	struct loops_listener *free_one, e = {
						 .addr = entrance(bound, route),
						 .bound = *bound,
						 .fd = fd,
						 .group = route->backends,
					 };
	int err = -ENOMEM;

	e.both_families = bound->family == AF_INET6 && sock_takes_ipv4(fd);
	if (bound->family == AF_UNIX && bound->path) {
		e.path = strdup(bound->path);
		if (!e.path)
			return err;
		e.addr.path = e.path;
		e.bound.path = e.path;
		identify(&e);
	}
	uv_mutex_lock(&l->lock);
	free_one = find_free(l);
	if (free_one)
		err = join(l, route);
	if (err == 0) {
		*free_one = e;
		announce(l, &e.addr);
	}
	uv_mutex_unlock(&l->lock);
	if (err < 0)
		free(e.path);
	return err;
}

static struct loops_listener *find_listener(struct loops *l, int fd)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->listeners[i].fd == fd &&
		    l->listeners[i].addr.family != AF_UNSPEC)
			return &l->listeners[i];
	return NULL;
}

void loops_remove(struct loops *l, int fd)
{
	struct loops_listener *e;

	uv_mutex_lock(&l->lock);
	e = find_listener(l, fd);
	if (e) {
		free(e->path);
		e->path = NULL;
		e->addr = (struct addr){0};
		leave(l, e->group);
	}
	uv_mutex_unlock(&l->lock);
}

int loops_reroute(struct loops *l, int fd, const struct relay_route *route)
{
	struct loops_listener *e;
	int err = -ENOENT;

	uv_mutex_lock(&l->lock);
	e = find_listener(l, fd);
	if (e)
		err = join(l, route);
	if (err == 0) {
		leave(l, e->group);
		e->group = route->backends;
		e->addr = entrance(&e->bound, route);
	}
	uv_mutex_unlock(&l->lock);
	return err;
}

static bool is_local(struct loops *l, const struct addr *a, uint64_t now_ms)
{
	if (now_ms >= l->asked_until_ms || !addr_equal(a, &l->asked)) {
		l->asked = *a;
		l->asked_is_local = netif_is_local(a);
		l->asked_until_ms = now_ms + ASKED_MS;
	}
	return l->asked_is_local;
}

static bool is_covered(const struct loops_listener *e, const struct addr *to)
{
	if (!addr_is_wildcard(&e->addr) || e->addr.port != to->port)
		return false;
	return e->addr.family == to->family ||
	       (e->both_families && to->family == AF_INET);
}

static struct loops_listener *find_path(struct loops *l, const struct addr *to,
					bool by_file)
{
	struct stat st;
	bool looked = by_file && to->path && stat(to->path, &st) == 0;

	for (size_t i = 0; i < l->count; i++) {
		struct loops_listener *e = &l->listeners[i];

		if (!e->path)
			continue;
		if (addr_equal(&e->addr, to) ||
		    (looked && e->ino == st.st_ino && e->dev == st.st_dev &&
		     e->ino != 0))
			return e;
	}
	return NULL;
}

/* Where a connection to that address would come in; NULL if not here. */
static struct loops_listener *find(struct loops *l, const struct addr *to,
				   bool by_file, uint64_t now_ms)
{
	struct loops_listener *covers = NULL;

	if (to->family == AF_UNIX)
		return find_path(l, to, by_file);
	for (size_t i = 0; i < l->count; i++) {
		struct loops_listener *e = &l->listeners[i];

		if (addr_equal(&e->addr, to))
			return e;
		if (!covers && is_covered(e, to))
			covers = e;
	}
	return covers && is_local(l, to, now_ms) ? covers : NULL;
}

/* What a backend surely leads to here. localhost does so only when both of its
 * addresses do. */
static struct loops_listener *
leads_to(struct loops *l, const struct relay_backend *b, uint64_t now_ms)
{
	struct loops_listener *first, *second;
	struct addr both[2];

	if (!b->host)
		return find(l, &b->addr, true, now_ms);
	if (!addr_localhost(b->host, b->addr.port, both))
		return NULL;
	first = find(l, &both[0], false, now_ms);
	second = find(l, &both[1], false, now_ms);
	return first && second && first->group == second->group ? first : NULL;
}

/* Does what comes to from get to that group? */
static bool reaches(struct loops *l, const struct relay_backend *from,
		    const struct relay_backend *group, uint64_t now_ms)
{
	struct loops_group *g = find_group(l, from);

	if (from == group)
		return true;
	if (g->walk == l->walk)
		return false;
	g->walk = l->walk;
	for (size_t i = 0; i < g->count; i++) {
		const struct loops_listener *next =
			leads_to(l, &g->backends[i], now_ms);

		if (next && reaches(l, next->group, group, now_ms))
			return true;
	}
	for (size_t i = 0; i < l->edge_count; i++)
		if (l->edges[i].from == from &&
		    reaches(l, l->edges[i].to, group, now_ms))
			return true;
	return false;
}

/* Remembered as long as both have listeners: two names that lead to each other
 * must not do so by turns. Without memory for it, this one is not remembered.
 */
static void add_edge(struct loops *l, const struct relay_backend *from,
		     const struct relay_backend *to)
{
	struct loops_edge *more;

	if (!find_group(l, from))
		return;
	for (size_t i = 0; i < l->edge_count; i++)
		if (l->edges[i].from == from && l->edges[i].to == to)
			return;
	more = realloc(l->edges, (l->edge_count + 1) * sizeof(*more));
	if (!more)
		return;
	l->edges = more;
	more[l->edge_count++] = (struct loops_edge){from, to};
}

static bool is_announced(struct loops *l, const struct addr *to)
{
	if (to->family == AF_UNIX)
		return atomic_load_explicit(&l->has_paths,
					    memory_order_acquire);
	return atomic_load_explicit(&l->ports[to->port / LOOPS_WORD],
				    memory_order_acquire) >>
		       to->port % LOOPS_WORD &
	       1;
}

static bool look(struct loops *l, const struct relay_route *route,
		 const struct addr *to, uint64_t now_ms, struct addr *where)
{
	struct loops_listener *e;
	bool back = false;

	uv_mutex_lock(&l->lock);
	e = find(l, to, where != NULL, now_ms);
	if (e) {
		l->walk++;
		back = reaches(l, e->group, route->backends, now_ms);
		if (where)
			*where = e->addr;
		else if (!back)
			add_edge(l, route->backends, e->group);
	}
	uv_mutex_unlock(&l->lock);
	return back;
}

bool loops_lead_back(struct loops *l, const struct relay_route *route,
		     const struct addr *to, uint64_t now_ms)
{
	return is_announced(l, to) && look(l, route, to, now_ms, NULL);
}

bool loops_find(struct loops *l, const struct relay_route *route,
		const struct addr *to, uint64_t now_ms, struct addr *where)
{
	return look(l, route, to, now_ms, where);
}
