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
	int fd;
	bool both_families;
	char *path; /* addr's */
	dev_t dev;
	ino_t ino; /* 0: not known */
	/* Listeners of one group share them: they are the group's name here. */
	const struct relay_route *route;
	unsigned walk; /* the one that has come by here last */
};

struct loops_edge {
	const struct relay_backend *from; /* a group */
	size_t to;                        /* a listener */
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

/* A place for a listener of that route, which edges to it may still name. */
static struct loops_listener *find_free(struct loops *l,
					const struct relay_route *route)
{
	struct loops_listener *more;

	for (size_t i = 0; i < l->count; i++)
		if (l->listeners[i].addr.family == AF_UNSPEC &&
		    l->listeners[i].route == route)
			return &l->listeners[i];
	more = realloc(l->listeners, (l->count + 1) * sizeof(*more));
	if (!more)
		return NULL;
	l->listeners = more;
	return &more[l->count++];
}

int loops_add(struct loops *l, int fd, const struct addr *bound,
	      const struct relay_route *route)
{
	struct loops_listener *free_one, e = {
						 .addr = *bound,
						 .fd = fd,
						 .route = route,
					 };
	int err = -ENOMEM;

	if (route->only.family != AF_UNSPEC) {
		e.addr = route->only;
		e.addr.port = bound->port;
	}
	e.both_families = bound->family == AF_INET6 && sock_takes_ipv4(fd);
	if (bound->family == AF_UNIX && bound->path) {
		e.path = strdup(bound->path);
		if (!e.path)
			return err;
		e.addr.path = e.path;
		identify(&e);
	}
	uv_mutex_lock(&l->lock);
	free_one = find_free(l, route);
	if (free_one) {
		*free_one = e;
		announce(l, &e.addr);
		err = 0;
	}
	uv_mutex_unlock(&l->lock);
	if (err < 0)
		free(e.path);
	return err;
}

void loops_remove(struct loops *l, int fd)
{
	uv_mutex_lock(&l->lock);
	for (size_t i = 0; i < l->count; i++) {
		struct loops_listener *e = &l->listeners[i];

		if (e->fd != fd || e->addr.family == AF_UNSPEC)
			continue;
		free(e->path);
		e->path = NULL;
		e->addr = (struct addr){0};
	}
	uv_mutex_unlock(&l->lock);
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
	return first && second &&
			       first->route->backends == second->route->backends
		       ? first
		       : NULL;
}

/* Does what comes in at e get to that group? */
static bool reaches(struct loops *l, struct loops_listener *e,
		    const struct relay_backend *group, uint64_t now_ms)
{
	const struct relay_route *route = e->route;

	if (route->backends == group)
		return true;
	if (e->walk == l->walk)
		return false;
	e->walk = l->walk;
	for (size_t i = 0; i < route->count; i++) {
		struct loops_listener *next =
			leads_to(l, &route->backends[i], now_ms);

		if (next && reaches(l, next, group, now_ms))
			return true;
	}
	for (size_t i = 0; i < l->edge_count; i++)
		if (l->edges[i].from == route->backends &&
		    reaches(l, &l->listeners[l->edges[i].to], group, now_ms))
			return true;
	return false;
}

/* Remembered for good: two names that lead to each other must not do so by
 * turns. Without memory for it, this one is not remembered. */
static void add_edge(struct loops *l, const struct relay_backend *from,
		     const struct loops_listener *to)
{
	size_t index = (size_t)(to - l->listeners);
	struct loops_edge *more;

	for (size_t i = 0; i < l->edge_count; i++)
		if (l->edges[i].from == from && l->edges[i].to == index)
			return;
	more = realloc(l->edges, (l->edge_count + 1) * sizeof(*more));
	if (!more)
		return;
	l->edges = more;
	more[l->edge_count++] = (struct loops_edge){from, index};
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
		back = reaches(l, e, route->backends, now_ms);
		if (where)
			*where = e->addr;
		else if (!back)
			add_edge(l, route->backends, e);
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
