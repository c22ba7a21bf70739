#include "cli/demand.h"

#include "base/words.h"
#include "os/child.h"
#include "os/place.h"
#include "os/proc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What systemd says to us, and only to us (sd_listen_fds(3), sd_notify(3),
 * sd_watchdog_enabled(3), systemd.exec(5)). */
static const char *const not_for_others[] = {
	"LISTEN_FDS",     "LISTEN_PID",     "LISTEN_FDNAMES",
	"LISTEN_PIDFDID", "NOTIFY_SOCKET",  "WATCHDOG_USEC",
	"WATCHDOG_PID",   "JOURNAL_STREAM", NULL,
};

/* Where a backend listens, as text. */
struct place {
	char port[8];
	char address[INET6_ADDRSTRLEN];
	const char *host; /* NULL: address */
	const char *path; /* NULL: it has a port */
};

struct wanted {
	struct list node;
	unsigned users;
	const void *owner;
	struct backend *backend;
	struct backend_plan plan;
	enum backend_choice choice;
	uint16_t port; /* that was chosen */
	char *command, *relay;
	char **argv, **envp; /* envp borrows from set */
	char *set[8];        /* variables of ours */
	char *where;
	char *path; /* made by place_path() */
};

/* Say in g where w is. */
static void tell_place(const struct wanted *w, struct config_group *g)
{
	for (size_t i = 0; i < g->backend_count; i++)
		if (w->choice == BACKEND_PORT)
			g->backends[i].addr.port = w->port;
		else if (w->choice == BACKEND_PATH)
			g->backends[i].addr.path = w->path;
}

static int choose(struct wanted *d, struct config_group *g, struct fault *why)
{
	int err = g->choice == BACKEND_PORT ? place_port(&d->port)
					    : place_path(&d->path);

	if (err < 0)
		return fault_set(why, err,
				 g->choice == BACKEND_PORT
					 ? "--to auto: no free port: %s"
					 : "--to unix:auto: no directory of "
					   "its own can be made in "
					   "$XDG_RUNTIME_DIR, $TMPDIR or /tmp: "
					   "%s",
				 strerror(-err));
	tell_place(d, g);
	return 0;
}

static void print_place(const struct relay_backend *b, struct place *p)
{
	memset(p, 0, sizeof(*p));
	p->host = b->host;
	if (b->addr.family == AF_UNIX && !b->host) {
		p->path = b->addr.path;
		return;
	}
	snprintf(p->port, sizeof(p->port), "%u", b->addr.port);
	if (!b->host)
		inet_ntop(b->addr.family, b->addr.ip, p->address,
			  sizeof(p->address));
}

static bool add(struct wanted *d, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool add(struct wanted *d, const char *format, ...)
{
	size_t n = 0;
	va_list args;
	int length;

	while (d->set[n])
		n++;
	va_start(args, format);
	length = vasprintf(&d->set[n], format, args);
	va_end(args);
	if (length < 0)
		d->set[n] = NULL;
	return length >= 0;
}

static bool make_environment(struct wanted *d, const struct place *p,
			     bool pool_is_ours)
{
	const char *dropped[16];
	size_t n = 0;
	bool fine;

	for (; not_for_others[n]; n++)
		dropped[n] = not_for_others[n];
	if (pool_is_ours)
		dropped[n++] = "UV_THREADPOOL_SIZE";
	dropped[n] = NULL;
	if (p->path)
		fine = add(d, "LOWPORT_BACKEND_PATH=%s", p->path);
	else
		fine = add(d, "PORT=%s", p->port) &&
		       add(d, "LOWPORT_BACKEND_PORT=%s", p->port) &&
		       add(d, "LOWPORT_BACKEND_ADDRESS=%s",
			   p->host ? p->host : p->address);
	d->envp = fine ? child_environment(dropped, d->set) : NULL;
	return d->envp != NULL;
}

static bool make_words(struct wanted *d, const struct config_group *g,
		       const struct place *p)
{
	const struct words_value values[] = {
		{"port", p->path ? NULL : p->port},
		{"address", p->path   ? NULL
			    : p->host ? p->host
				      : p->address},
		{"path", p->path},
		{NULL, NULL},
	};
	size_t count = 0;

	while (g->words[count])
		count++;
	d->argv = calloc(count + 1, sizeof(*d->argv));
	for (size_t i = 0; i < count && d->argv; i++) {
		d->argv[i] = words_fill(g->words[i], values);
		if (!d->argv[i])
			return false;
	}
	return d->argv != NULL;
}

static bool make_where(struct wanted *d, const struct relay_backend *b)
{
	char text[ADDR_TEXT];
	int n;

	if (b->host)
		n = asprintf(&d->where, "%s:%u", b->host, b->addr.port);
	else
		n = asprintf(&d->where, "%s", addr_print(&b->addr, text));
	if (n < 0)
		d->where = NULL;
	return n >= 0;
}

static void free_wanted(struct wanted *w)
{
	place_remove(w->path);
	words_free(w->argv);
	free(w->envp);
	free(w->where);
	free(w->command);
	free(w->relay);
	for (size_t i = 0; w->set[i]; i++)
		free(w->set[i]);
	free(w);
}

static void close_backend(struct wanted *w)
{
	if (w->backend)
		backend_close(w->backend);
	w->backend = NULL;
}

static void let_go(struct wanted *w)
{
	list_remove(&w->node);
	close_backend(w);
	free_wanted(w);
}

/* Those that nobody wants any more, and that have ended. */
static void sweep(struct demand *d)
{
	struct list *pos, *after;

	list_for_each_safe (pos, after, &d->all) {
		struct wanted *w = list_entry(pos, struct wanted, node);

		if (w->users == 0 && backend_is_gone(w->backend))
			let_go(w);
	}
}

static void on_hold(void *data, const struct backend *b, bool hold)
{
	const struct demand *d = data;

	d->hold(d->data, b, hold);
}

static void on_gone(void *data)
{
	struct demand *d = data;

	if (!d->looking && !d->finishing)
		sweep(d);
}

static int prepare(struct demand *all, struct wanted *d, struct config_group *g,
		   struct fault *why)
{
	struct place place;

	d->choice = g->choice;
	if (g->choice != BACKEND_GIVEN && choose(d, g, why) < 0)
		return -EADDRNOTAVAIL;
	print_place(&g->backends[0], &place);
	d->command = strdup(g->command);
	d->relay = g->name ? strdup(g->name) : NULL;
	if (!d->command || (g->name && !d->relay) ||
	    !make_environment(d, &place, all->pool_is_ours) ||
	    !make_words(d, g, &place) || !make_where(d, &g->backends[0]))
		return fault_set(why, -ENOMEM, "out of memory");
	d->plan = (struct backend_plan){
		.relay = d->relay,
		.command = d->command,
		.argv = d->argv,
		.envp = d->envp,
		.where = d->where,
		.path = d->path,
		.stop_idle_ms = g->settings.stop_idle_ms,
		.hold = on_hold,
		.gone = on_gone,
		.data = all,
	};
	return 0;
}

static void on_child_ended(uv_signal_t *handle, int number)
{
	struct demand *d = handle->data;
	struct list *pos;

	(void)number;
	d->looking = true;
	list_for_each (pos, &d->all)
		backend_look(list_entry(pos, struct wanted, node)->backend);
	d->looking = false;
	if (!d->finishing)
		sweep(d);
}

void demand_init(struct demand *d, bool pool_is_ours,
		 void (*hold)(void *data, const struct backend *b, bool hold),
		 void *data)
{
	*d = (struct demand){
		.pool_is_ours = pool_is_ours, .hold = hold, .data = data};
	list_init(&d->all);
}

static int open_backend(struct demand *d, struct wanted *w)
{
	int err = backend_open(&w->backend, d->loop, &w->plan);

	if (err == 0)
		err = uv_signal_start(&d->ended, on_child_ended, SIGCHLD);
	return err;
}

int demand_open(struct demand *d, uv_loop_t *loop)
{
	int err = uv_signal_init(loop, &d->ended);
	struct list *pos;

	if (err < 0)
		return err;
	d->loop = loop;
	d->ended.data = d;
	uv_unref((uv_handle_t *)&d->ended);
	list_for_each (pos, &d->all) {
		err = open_backend(d, list_entry(pos, struct wanted, node));
		if (err < 0)
			break;
	}
	return err;
}

/* Of two at one place, the second could not listen. */
static bool may_share(const struct wanted *w, const void *owner)
{
	return w->users > 0 &&
	       (w->choice == BACKEND_GIVEN || w->owner == owner);
}

/* One that is wanted, and is all that g asks for. */
static struct wanted *find_same(struct demand *d, const void *owner,
				const struct config_group *g)
{
	struct list *pos;

	list_for_each (pos, &d->all) {
		struct wanted *w = list_entry(pos, struct wanted, node);
		struct wanted given = {.where = NULL};
		bool same = may_share(w, owner) && w->choice == g->choice &&
			    w->plan.stop_idle_ms == g->settings.stop_idle_ms &&
			    strcmp(w->command, g->command) == 0;

		if (same && g->choice == BACKEND_GIVEN) {
			same = make_where(&given, &g->backends[0]) &&
			       strcmp(w->where, given.where) == 0;
			free(given.where);
		}
		if (same)
			return w;
	}
	return NULL;
}

static int make(struct demand *d, struct wanted **out, struct config_group *g,
		struct fault *why)
{
	struct wanted *w = calloc(1, sizeof(*w));
	int err = w ? prepare(d, w, g, why)
		    : fault_set(why, -ENOMEM, "out of memory");

	if (err == 0 && d->loop) {
		err = open_backend(d, w);
		if (err < 0)
			fault_set(why, err, "%s", uv_strerror(err));
	}
	if (err < 0) {
		if (w)
			close_backend(w);
		if (w)
			free_wanted(w);
		return err;
	}
	proc_keep_inherited();
	list_append(&d->all, &w->node);
	*out = w;
	return 0;
}

int demand_take(struct demand *d, struct wanted **out, const void *owner,
		struct config_group *g, struct fault *why)
{
	struct wanted *w = find_same(d, owner, g);
	int err = w ? 0 : make(d, &w, g, why);

	if (err < 0)
		return err;
	w->owner = owner;
	w->users++;
	tell_place(w, g);
	*out = w;
	return 0;
}

void demand_drop(struct demand *d, struct wanted *w)
{
	if (!w || --w->users > 0)
		return;
	if (!w->backend)
		let_go(w);
	else
		backend_stop(w->backend);
	if (!d->finishing)
		sweep(d);
}

struct backend *demand_backend(const struct wanted *w)
{
	return w ? w->backend : NULL;
}

static void stop_all(struct demand *d)
{
	struct list *pos;

	list_for_each (pos, &d->all)
		backend_stop(list_entry(pos, struct wanted, node)->backend);
}

void demand_hurry(struct demand *d)
{
	if (d->finishing)
		stop_all(d);
}

static bool all_are_gone(const struct demand *d)
{
	struct list *pos;

	list_for_each (pos, &d->all)
		if (!backend_is_gone(
			    list_entry(pos, struct wanted, node)->backend))
			return false;
	return true;
}

void demand_finish(struct demand *d)
{
	struct list *pos, *after;

	if (!d->loop)
		return;
	d->finishing = true;
	stop_all(d);
	while (!all_are_gone(d))
		uv_run(d->loop, UV_RUN_ONCE);
	/* Those that are wanted still are given back later. */
	list_for_each_safe (pos, after, &d->all) {
		struct wanted *w = list_entry(pos, struct wanted, node);

		close_backend(w);
		if (w->users == 0)
			let_go(w);
	}
	uv_close((uv_handle_t *)&d->ended, NULL);
	d->loop = NULL;
}

void demand_free(struct demand *d)
{
	while (!list_is_empty(&d->all)) {
		struct wanted *w = list_entry(d->all.next, struct wanted, node);

		list_remove(&w->node);
		free_wanted(w);
	}
}
