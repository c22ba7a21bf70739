#include "cli/cli.h"

#include "cli/announce.h"
#include "cli/demand.h"
#include "cli/follow.h"
#include "cli/idle.h"
#include "cli/limits.h"
#include "cli/logger.h"
#include "cli/loops.h"
#include "cli/run_help.h"
#include "cli/web.h"
#include "cli/web_source.h"
#include "config/args.h"
#include "os/proc.h"
#include "os/spawn.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXEC_WAIT_MS = 30000 };

/* What is running: the loop, the relay, and how it was asked to end. */
struct run {
	struct config config;
	struct listeners listeners;
	struct relay_route *routes; /* one for each listener */
	struct relay_door *doors;   /* one for each group */
	struct demand demand;       /* backends that we start */
	struct idle idle;
	struct web web;
	uv_loop_t loop;
	struct relay *relay;
	struct follow *follow; /* NULL: no interface is listened on by name */
	uv_signal_t signals[2];
	bool pool_is_ours; /* UV_THREADPOOL_SIZE is */
	bool busy;         /* when it ended: the resolver still worked for it */
	unsigned stops;    /* SIGTERM and SIGINT so far */
	bool reloading;    /* by another lowport, which will end this one */
};

static void on_ended(void *data, const struct record *what)
{
	char text[RECORD_TEXT];
	const struct run *run = data;

	if (run->config.access_log)
		logger_put(LEVEL_INFO, record_print(what, text));
}

static bool on_arrived(void *data, const struct relay_route *route)
{
	struct run *run = data;

	if (route->data && !backend_arrived(route->data))
		return false;
	idle_arrived(&run->idle);
	return true;
}

static void on_left(void *data, const struct relay_route *route,
		    const struct record *what)
{
	struct run *run = data;

	if (route->data)
		backend_left(route->data, what);
	idle_left(&run->idle);
}

static void on_hold(void *data, const struct backend *b, bool hold)
{
	struct run *run = data;

	for (size_t i = 0; i < run->listeners.count; i++)
		if (run->routes[i].data == b)
			relay_hold(run->relay, &run->routes[i], hold);
}

static void on_notice(void *data, enum log_level level, const char *text)
{
	(void)data;
	logger_put(level, text);
}

/* launchd makes sockets only when it loads a job; lowport.NAME is one that
 * `lowport install` made (launchd sets XPC_SERVICE_NAME to the label). */
static void on_listener_died(void *data, const struct addr *bound)
{
	static const char ours[] = "lowport.";
	const char *label = getenv("XPC_SERVICE_NAME");
	char program[4096];
	const char *argv[] = {program, "install", "--reload", NULL, NULL};
	struct run *run = data;

	if (run->follow)
		follow_died(run->follow, bound);
	/* One reload is for all of them. */
	if (run->reloading || !label ||
	    strncmp(label, ours, strlen(ours)) != 0 ||
	    !cli_own_path(program, sizeof(program)))
		return;
	argv[3] = label + strlen(ours);
	logger_put(LEVEL_WARN, "loading the agent anew");
	run->reloading = spawn_detached(argv) == 0;
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct run *run = handle->data;
	struct stats stats;
	char text[160];
	bool now = ++run->stops > 1 || run->config.drain_timeout_ms == 0;

	relay_stats(run->relay, &stats);
	snprintf(text, sizeof(text),
		 now ? "%s: ending at once, %llu connections are reset"
		     : "%s: accepting no more, %llu connections may finish",
		 number == SIGTERM ? "SIGTERM" : "SIGINT",
		 (unsigned long long)stats.open);
	logger_put(LEVEL_INFO, text);
	/* Socket files go while the sockets are still open: the name must not
	 * be taken from one who comes after us. */
	listen_close(&run->listeners, 0);
	if (run->follow)
		follow_stop(run->follow);
	relay_drain(run->relay, now ? 0 : run->config.drain_timeout_ms, NULL);
	demand_hurry(&run->demand);
}

/* Nobody is connected, and the service manager holds the sockets. */
static void on_idle(void *data)
{
	struct run *run = data;

	logger_put(LEVEL_INFO, "nobody is connected: ending until the next "
			       "client comes (--exit-on-idle)");
	listen_close(&run->listeners, 0);
	relay_drain(run->relay, 0, NULL);
}

static int watch_signals(struct run *run)
{
	static const int numbers[] = {SIGTERM, SIGINT};

	for (int i = 0; i < 2; i++) {
		int err = uv_signal_init(&run->loop, &run->signals[i]);

		if (err == 0)
			err = uv_signal_start(&run->signals[i], on_signal,
					      numbers[i]);
		if (err < 0)
			return err;
		run->signals[i].data = run;
	}
	return 0;
}

/* A descriptor that two listeners have (fd:3 beside systemd), or -1. */
static int taken_twice(const struct listeners *l, size_t first)
{
	for (size_t j = first; j < l->count; j++)
		for (size_t i = 0; i < j; i++)
			if (l->at[i].fd == l->at[j].fd)
				return l->at[j].fd;
	return -1;
}

/* Open what one --listen asks for. Returns false after saying why not. */
static bool open_listener(struct run *run, const struct config_group *g,
			  struct listener_spec *spec)
{
	size_t before = run->listeners.count;
	char to[BACKEND_TEXT];
	struct fault why;
	int twice, err;

	spec->request.mode = (unsigned)run->config.unix_mode;
	spec->request.backlog = (int)run->config.backlog;
	spec->request.to = announce_backend(&g->backends[0], to);
	err = spec->source->open(&spec->request, &run->listeners, &why);
	spec->request.to = NULL;
	if (err < 0) {
		complain(why.text);
		return false;
	}
	twice = taken_twice(&run->listeners, before);
	if (twice < 0)
		return true;
	fault_set(&why, 0,
		  "%s: descriptor %d is served by another --listen already",
		  spec->text, twice);
	complain(why.text);
	return false;
}

/* All of them, so that all that is wrong is said at once. counts[i] is how
 * many listeners there are after group i. Returns whether to go on. */
static bool open_listeners(struct run *run, size_t *counts)
{
	bool fine = true;

	for (size_t i = 0; i < run->config.group_count; i++) {
		struct config_group *g = &run->config.groups[i];

		for (size_t j = 0; j < g->listener_count; j++) {
			struct listener_spec *spec = &g->listeners[j];

			if (!open_listener(run, g, spec))
				fine = fine && spec->source->dispensable;
		}
		counts[i] = run->listeners.count;
	}
	return fine &&
	       (run->listeners.count > 0 || follow_descriptors(&run->config));
}

static void warn_of_unserved(const struct run *run)
{
	char names[256], text[512];

	if (!getenv("LISTEN_FDS") ||
	    listen_systemd_left(&run->listeners, names, sizeof(names)) == 0)
		return;
	snprintf(text, sizeof(text),
		 "systemd handed over sockets that no --listen takes, and "
		 "their clients will wait for ever: %s",
		 names);
	logger_put(LEVEL_WARN, text);
}

/* The door of a group, which all its listeners share; NULL if it is open. */
static const struct relay_door *door_of(struct run *run, size_t group)
{
	const struct config *c = &run->config;

	if (c->rules.count == 0 && c->max_per_source == 0 &&
	    c->max_rate.count == 0)
		return NULL;
	run->doors[group] = (struct relay_door){
		.rules = c->rules.at,
		.rule_count = c->rules.count,
		.allow_others = !c->rules.any_allow,
		.per_source = {.connections = c->max_per_source,
			       .rate = c->max_rate},
	};
	return &run->doors[group];
}

/* All that is the same for every listener of a group. */
static struct relay_route route_of(struct run *run, size_t group)
{
	const struct config_group *g = &run->config.groups[group];
	uint64_t wait_ms = run->config.wait_for_backend_ms;

	if (g->command && wait_ms == 0)
		wait_ms = EXEC_WAIT_MS;
	return (struct relay_route){
		.backends = g->backends,
		.count = g->backend_count,
		.door = door_of(run, group),
		.send_proxy = (enum proxy_version)run->config.send_proxy,
		.fronts = run->config.fronts,
		.front_count = run->config.front_count,
		.unix_fronts = run->config.unix_fronts,
		.wait_for_backend_ms = wait_ms,
		.data = demand_backend(&run->demand, group),
	};
}

/* Hand listener i to the relay, which closes it; its socket file stays ours. */
static int serve(struct run *run, size_t group, size_t i)
{
	struct listener *l = &run->listeners.at[i];
	int err;

	run->routes[i] = route_of(run, group);
	run->routes[i].only = l->only;
	if (l->asked->interface) {
		run->routes[i].entry = follow_entry(run->follow, l->asked);
		if (!run->routes[i].entry)
			return -ENOMEM;
	}
	err = idle_listener(&run->idle, l->fd);
	if (err == 0)
		err = relay_listen(run->relay, l->fd, &l->addr,
				   &run->routes[i]);
	if (err < 0) {
		char text[256], at[ADDR_TEXT];

		snprintf(text, sizeof(text), "%s: %s", addr_print(&l->addr, at),
			 uv_strerror(err));
		complain(text);
		return err;
	}
	l->fd = -1;
	return 0;
}

/* The interfaces, beside what is there from the start. */
static int follow_interfaces(struct run *run)
{
	for (size_t i = 0; i < run->config.group_count; i++) {
		const struct config_group *g = &run->config.groups[i];
		struct relay_route route = route_of(run, i);

		for (size_t j = 0; j < g->listener_count; j++) {
			const struct listener_spec *spec = &g->listeners[j];

			if (spec->source->argument == LISTEN_INTERFACE &&
			    follow_listen(run->follow, spec, g, &route) < 0)
				return -ENOMEM;
		}
	}
	follow_start(run->follow);
	return 0;
}

static int serve_all(struct run *run, const size_t *counts)
{
	int err = 0;
	size_t i = 0;

	for (size_t group = 0; group < run->config.group_count; group++)
		for (; i < counts[group] && err == 0; i++)
			err = serve(run, group, i);
	return err;
}

static void announce_all(const struct run *run, const size_t *counts)
{
	size_t i = 0;

	for (size_t group = 0; group < run->config.group_count; group++)
		for (; i < counts[group]; i++)
			announce_listener(&run->listeners.at[i],
					  &run->config.groups[group]);
}

static struct relay_options relay_options(struct run *run)
{
	const struct config *c = &run->config;
	struct relay_options opt;

	limits_set(&opt, c,
		   run->listeners.count + follow_descriptors(c) +
			   web_descriptors(c));
	opt.connect_timeout_ms = c->connect_timeout_ms;
	opt.max_waiting = (size_t)c->max_waiting;
	opt.idle_timeout_ms = c->idle_timeout_ms;
	opt.half_close_timeout_ms = c->half_close_timeout_ms;
	opt.proxy_timeout_ms = c->proxy_timeout_ms;
	opt.keepalive_s = (unsigned)c->keepalive_s;
	opt.listener_check_ms = c->listener_check_ms;
	opt.listener_died = on_listener_died;
	if (!c->splice)
		opt.max_pipes = 0;
	opt.arrived = on_arrived;
	opt.left = on_left;
	opt.ended = on_ended;
	opt.notice = on_notice;
	opt.data = run;
	return opt;
}

static int relay_until_stopped(struct run *run, const size_t *counts)
{
	struct relay_options opt = relay_options(run);
	struct snapshot_source source;
	struct web_source w;
	struct fault why;
	int err = relay_new(&run->relay, &run->loop, &opt);
	int status = EXIT_RUNTIME;

	if (err < 0) {
		complain(uv_strerror(err));
		return EXIT_RUNTIME;
	}
	err = demand_open(&run->demand, &run->loop, on_hold, run);
	if (err == 0)
		err = idle_open(&run->idle, &run->loop,
				run->config.exit_on_idle_ms, on_idle, run);
	if (err == 0 && follow_descriptors(&run->config) > 0) {
		err = follow_new(&run->follow, &run->loop, run->relay, &why);
		if (err < 0)
			complain(why.text);
	}
	w = (struct web_source){.relay = run->relay,
				.loop = &run->loop,
				.config = &run->config,
				.listeners = &run->listeners,
				.counts = counts,
				.stops = &run->stops,
				.since_ms = uv_now(&run->loop)};
	source = web_source(&w);
	/* Before the relay takes the descriptors that are served. */
	warn_of_unserved(run);
	if (err == 0)
		err = serve_all(run, counts);
	if (err == 0 && !loops_check(run->relay, &run->config, &run->listeners,
				     run->routes, counts)) {
		status = EXIT_USAGE;
	} else if (err == 0 && watch_signals(run) == 0) {
		announce_all(run, counts);
		if ((!run->follow || follow_interfaces(run) == 0) &&
		    web_start(&run->web, &run->loop, &run->config, &source) ==
			    0) {
			relay_run(run->relay);
			status = EXIT_OK;
		}
	}
	web_close(&run->web);
	demand_finish(&run->demand, &run->loop);
	if (run->follow)
		follow_stop(run->follow);
	run->busy = relay_free(run->relay) < 0;
	return status;
}

static void close_handle(uv_handle_t *handle, void *data)
{
	(void)data;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static int run_loop(struct run *run, const size_t *counts)
{
	int status, err = uv_loop_init(&run->loop);

	if (err < 0) {
		complain(uv_strerror(err));
		return EXIT_RUNTIME;
	}
	logger_attach(&run->loop);
	status = relay_until_stopped(run, counts);
	idle_close(&run->idle);
	logger_detach();
	uv_walk(&run->loop, close_handle, NULL);
	if (run->busy) {
		/* The resolver works on a name still, and nobody waits for the
		 * answer. */
		listen_close(&run->listeners, 0);
		demand_free(&run->demand);
		_exit(status);
	}
	uv_run(&run->loop, UV_RUN_DEFAULT);
	uv_loop_close(&run->loop);
	return status;
}

static int run_config(struct run *run)
{
	size_t groups = run->config.group_count;
	size_t *counts = calloc(groups, sizeof(*counts));
	int status = EXIT_RUNTIME;
	struct fault why;

	if (counts && demand_prepare(&run->demand, &run->config,
				     run->pool_is_ours, &why) < 0)
		complain(why.text);
	else if (counts && open_listeners(run, counts) &&
		 web_listen(&run->web, &run->config)) {
		run->routes =
			calloc(run->listeners.count, sizeof(*run->routes));
		run->doors = calloc(groups, sizeof(*run->doors));
		if (run->routes && run->doors)
			status = run_loop(run, counts);
		else
			complain("out of memory");
	}
	listen_close(&run->listeners, 0);
	web_close(&run->web);
	free(run->doors);
	follow_free(run->follow);
	demand_free(&run->demand);
	free(run->routes);
	free(counts);
	return status;
}

int cmd_run(int argc, char *const argv[])
{
	struct run run = {0};
	int status = EXIT_USAGE;

	if (cli_wants_help(argc, argv))
		return run_help();
	proc_ignore_sigpipe();
	/* Half of libuv's threads may look names up: a few that hang must not
	 * keep the others from it. */
	run.pool_is_ours = !getenv("UV_THREADPOOL_SIZE");
	setenv("UV_THREADPOOL_SIZE", "64", 0);
	config_init(&run.config);
	if (args_read(&run.config, argc, argv, complain) == 0) {
		logger_open((enum log_level)run.config.log_level);
		status = run_config(&run);
	}
	config_free(&run.config);
	return status;
}
