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

static int choose(struct demand_group *d, struct config_group *g,
		  struct fault *why)
{
	uint16_t port = 0;
	int err = g->choice == BACKEND_PORT ? place_port(&port)
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
	for (size_t i = 0; i < g->backend_count; i++)
		if (g->choice == BACKEND_PORT)
			g->backends[i].addr.port = port;
		else
			g->backends[i].addr.path = d->path;
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

static bool add(struct demand_group *d, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool add(struct demand_group *d, const char *format, ...)
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

static bool make_environment(struct demand_group *d, const struct place *p,
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

static bool make_words(struct demand_group *d, const struct config_group *g,
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

static bool make_where(struct demand_group *d, const struct relay_backend *b)
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

static int prepare_group(struct demand_group *d, struct config_group *g,
			 bool pool_is_ours, struct fault *why)
{
	struct place place;

	if (g->choice != BACKEND_GIVEN && choose(d, g, why) < 0)
		return -EADDRNOTAVAIL;
	print_place(&g->backends[0], &place);
	if (!make_environment(d, &place, pool_is_ours) ||
	    !make_words(d, g, &place) || !make_where(d, &g->backends[0]))
		return fault_set(why, -ENOMEM, "out of memory");
	d->plan = (struct backend_plan){
		.command = g->command,
		.argv = d->argv,
		.envp = d->envp,
		.where = d->where,
		.path = d->path,
		.stop_idle_ms = g->settings.stop_idle_ms,
	};
	return 0;
}

int demand_prepare(struct demand *d, struct config *c, bool pool_is_ours,
		   struct fault *why)
{
	bool any = false;
	int err = 0;

	d->groups = calloc(c->group_count, sizeof(*d->groups));
	if (!d->groups)
		return fault_set(why, -ENOMEM, "out of memory");
	d->count = c->group_count;
	for (size_t i = 0; i < d->count && err == 0; i++) {
		if (!c->groups[i].command)
			continue;
		any = true;
		err = prepare_group(&d->groups[i], &c->groups[i], pool_is_ours,
				    why);
	}
	if (any)
		proc_keep_inherited();
	return err;
}

static void on_child_ended(uv_signal_t *handle, int number)
{
	struct demand *d = handle->data;

	(void)number;
	for (size_t i = 0; i < d->count; i++)
		if (d->groups[i].backend)
			backend_look(d->groups[i].backend);
}

int demand_open(struct demand *d, uv_loop_t *loop,
		void (*hold)(void *data, const struct backend *b, bool hold),
		void *data)
{
	int err = uv_signal_init(loop, &d->ended);

	if (err < 0)
		return err;
	d->open = true;
	d->ended.data = d;
	uv_unref((uv_handle_t *)&d->ended);
	for (size_t i = 0; i < d->count && err == 0; i++) {
		struct demand_group *g = &d->groups[i];

		if (!g->argv)
			continue;
		g->plan.hold = hold;
		g->plan.data = data;
		err = backend_open(&g->backend, loop, &g->plan);
		if (err == 0)
			err = uv_signal_start(&d->ended, on_child_ended,
					      SIGCHLD);
	}
	return err;
}

struct backend *demand_backend(const struct demand *d, size_t group)
{
	return d->groups[group].backend;
}

static void stop_all(struct demand *d)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->groups[i].backend)
			backend_stop(d->groups[i].backend);
}

void demand_hurry(struct demand *d)
{
	if (d->finishing)
		stop_all(d);
}

static bool all_are_gone(const struct demand *d)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->groups[i].backend &&
		    !backend_is_gone(d->groups[i].backend))
			return false;
	return true;
}

void demand_finish(struct demand *d, uv_loop_t *loop)
{
	d->finishing = true;
	stop_all(d);
	while (!all_are_gone(d))
		uv_run(loop, UV_RUN_ONCE);
	for (size_t i = 0; i < d->count; i++) {
		if (d->groups[i].backend)
			backend_close(d->groups[i].backend);
		d->groups[i].backend = NULL;
	}
	if (d->open)
		uv_close((uv_handle_t *)&d->ended, NULL);
	d->open = false;
}

static void free_group(struct demand_group *g)
{
	place_remove(g->path);
	words_free(g->argv);
	free(g->envp);
	free(g->where);
	for (size_t i = 0; g->set[i]; i++)
		free(g->set[i]);
}

void demand_free(struct demand *d)
{
	for (size_t i = 0; i < d->count; i++)
		free_group(&d->groups[i]);
	free(d->groups);
	d->groups = NULL;
	d->count = 0;
}
