#include "cli/cli.h"

#include "cli/limits.h"
#include "cli/log_signals.h"
#include "cli/logger.h"
#include "cli/run_help.h"
#include "cli/running.h"
#include "os/proc.h"
#include "os/spawn.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool on_arrived(void *data, const struct relay_route *route)
{
	struct running *run = data;
	struct member *m = route->data;

	if (m->wanted && !backend_arrived(demand_backend(m->wanted))) {
		m->ledger->account.stats.refused++;
		return false;
	}
	m->generation->clients++;
	stats_begin(&m->ledger->account.stats);
	idle_arrived(&run->idle);
	return true;
}

static void on_sweep(uv_timer_t *timer)
{
	running_sweep(timer->data);
}

/* By the name that its section has, if there is one. */
static void log_record(const struct member *m, const struct record *what)
{
	struct record r = *what;

	r.relay = m->group->name;
	logger_put_record(&r);
}

static void on_left(void *data, const struct relay_route *route,
		    const struct record *what)
{
	struct running *run = data;
	struct member *m = route->data;
	struct generation *g = m->generation;

	if (what && m->group->settings.access_log)
		log_record(m, what);
	account_left(&m->ledger->account, what);
	if (m->wanted)
		backend_left(demand_backend(m->wanted), what);
	idle_left(&run->idle);
	/* The relay may look at the route until we return. */
	if (--g->clients == 0 && g->replaced)
		uv_timer_start(&run->sweep, on_sweep, 0, 0);
}

static void on_refused(void *data, const struct relay_route *route,
		       enum refusal why)
{
	struct member *m = route->data;

	(void)data;
	stats_refuse(&m->ledger->account.stats, why);
}

static void on_hold(void *data, const struct backend *b, bool hold)
{
	running_hold(data, b, hold);
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
	struct running *run = data;

	if (run->follow)
		follow_died(run->follow, bound);
	/* One reload is for all of them. */
	if (run->loading || !label || strncmp(label, ours, strlen(ours)) != 0 ||
	    !cli_own_path(program, sizeof(program)))
		return;
	argv[3] = label + strlen(ours);
	logger_put(LEVEL_WARN, "loading the agent anew");
	run->loading = spawn_detached(argv) == 0;
}

/* Socket files go while the sockets are still open: the name must not be taken
 * from one who comes after us. */
static void stop_accepting(struct running *run)
{
	run->ending = true;
	service_stopping();
	generation_close(run->now);
	running_untake(run);
	if (run->follow)
		follow_stop(run->follow);
}

void running_drain(struct running *run, uint64_t grace_ms)
{
	stop_accepting(run);
	confine_end();
	relay_drain(run->relay, grace_ms, NULL);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct running *run = handle->data;
	struct stats stats;
	char text[160];
	uint64_t grace_ms = run->now->config.drain_timeout_ms;
	bool now = ++run->stops > 1 || grace_ms == 0;

	relay_stats(run->relay, &stats);
	snprintf(text, sizeof(text),
		 now ? "%s: ending at once, %llu connections are reset"
		     : "%s: accepting no more, %llu connections may finish",
		 number == SIGTERM ? "SIGTERM" : "SIGINT",
		 (unsigned long long)stats.open);
	logger_put(LEVEL_INFO, text);
	running_drain(run, now ? 0 : grace_ms);
	demand_hurry(&run->demand);
}

/* Nobody is connected, and the service manager holds the sockets. */
static void on_idle(void *data)
{
	struct running *run = data;

	logger_put(LEVEL_INFO, "nobody is connected: ending until the next "
			       "client comes (--exit-on-idle)");
	running_drain(run, 0);
}

static void log_error(const char *text)
{
	logger_put(LEVEL_ERROR, text);
}

static void on_reload(uv_signal_t *handle, int number)
{
	struct running *run = handle->data;

	(void)number;
	logger_put(LEVEL_INFO, "SIGHUP: reading the configuration again");
	running_reload_aloud(run, log_error);
}

static int watch_signals(struct running *run)
{
	static const struct {
		int number;
		uv_signal_cb cb;
	} rows[RUNNING_SIGNALS] = {
		{SIGTERM, on_signal},
		{SIGINT, on_signal},
		{SIGHUP, on_reload},
	};

	for (int i = 0; i < RUNNING_SIGNALS; i++) {
		int err = uv_signal_init(&run->loop, &run->signals[i]);

		if (err == 0)
			err = uv_signal_start(&run->signals[i], rows[i].cb,
					      rows[i].number);
		if (err < 0)
			return err;
		run->signals[i].data = run;
	}
	return log_signals_open(&run->log_signals, &run->loop, run->relay);
}

static struct relay_options relay_options(struct running *run,
					  const struct generation *g)
{
	const struct config *c = &g->config;
	struct relay_options opt;

	limits_set(&opt, c,
		   generation_listeners(g) + run->offered.count +
			   follow_descriptors(c) + desk_descriptors(c) +
			   web_descriptors(c));
	opt.max_waiting = (size_t)c->max_waiting;
	opt.listener_check_ms = c->listener_check_ms;
	opt.listener_died = on_listener_died;
	if (!c->splice)
		opt.max_pipes = 0;
	opt.arrived = on_arrived;
	opt.left = on_left;
	opt.refused = on_refused;
	opt.notice = on_notice;
	opt.data = run;
	return opt;
}

/* Takes g. */
static int relay_until_stopped(struct running *run, struct generation *g)
{
	int status = EXIT_RUNTIME, err;

	run->options = relay_options(run, g);
	err = relay_new(&run->relay, &run->loop, &run->options);
	if (err < 0) {
		complain(uv_strerror(err));
		generation_free(g);
		return EXIT_RUNTIME;
	}
	/* Before the relay takes the descriptors that are served. */
	generation_warn_of_unserved(g, &run->offered);
	err = demand_open(&run->demand, &run->loop);
	if (err == 0)
		err = idle_open(&run->idle, &run->loop, on_idle, run);
	if (err == 0)
		err = watch_signals(run);
	if (err == 0)
		status = running_take_over(run, g, complain);
	else
		complain(uv_strerror(err));
	/* From here on g is run's. */
	if (status != EXIT_OK)
		generation_free(g);
	else
		running_replaced(run);
	if (status == EXIT_OK)
		status = confine_drop(&run->confine, g, &run->web.listeners);
	if (status == EXIT_OK && running_show(run) < 0)
		status = EXIT_RUNTIME;
	if (status == EXIT_OK)
		status = confine_calls(&run->confine, &run->loop);
	if (status == EXIT_OK) {
		service_ready(&run->service, &run->loop, "relaying");
		relay_run(run->relay);
	}
	web_close(&run->web);
	desk_close(&run->desk);
	log_signals_close(&run->log_signals);
	demand_finish(&run->demand);
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

static void forget_generations(struct running *run)
{
	generation_free(run->now);
	run->now = NULL;
	while (!list_is_empty(&run->before))
		generation_free(
			list_entry(run->before.next, struct generation, node));
}

/* Takes g. */
static int run_loop(struct running *run, struct generation *g)
{
	int status, err = uv_loop_init(&run->loop);

	if (err < 0) {
		complain(uv_strerror(err));
		generation_free(g);
		return EXIT_RUNTIME;
	}
	uv_timer_init(&run->loop, &run->sweep);
	run->sweep.data = run;
	uv_unref((uv_handle_t *)&run->sweep);
	uv_timer_init(&run->loop, &run->leave);
	run->leave.data = run;
	logger_attach(&run->loop);
	status = relay_until_stopped(run, g);
	idle_close(&run->idle);
	service_close(&run->service);
	confine_close(&run->confine);
	logger_detach();
	uv_walk(&run->loop, close_handle, NULL);
	if (run->busy) {
		/* The resolver works on a name still, and nobody waits for the
		 * answer. */
		if (run->now)
			generation_close(run->now);
		demand_free(&run->demand);
		_exit(status);
	}
	uv_run(&run->loop, UV_RUN_DEFAULT);
	forget_generations(run);
	follow_free(run->follow);
	running_untake(run);
	uv_loop_close(&run->loop);
	return status;
}

/* Takes g. What is handed over is looked at before we have descriptors of our
 * own that it could be taken for. */
static int open_and_run(struct running *run, struct generation *g)
{
	struct fault why;

	/* As many listeners as can be. */
	proc_raise_descriptor_limit();
	if (generation_prepare(g, &run->demand, NULL, &why) < 0)
		complain(why.text);
	else if (running_take(run, &g->config) &&
		 running_replace(run, &g->config)) {
		if (generation_open(g, NULL, &run->offered, complain) &&
		    web_listen(&run->web, &g->config, &run->offered,
			       complain) &&
		    confine_files(&run->confine, &g->config) == EXIT_OK)
			return run_loop(run, g);
		running_not_replaced(run, &g->config);
	}
	generation_free(g);
	return EXIT_RUNTIME;
}

int cmd_run(int argc, char *const argv[])
{
	struct running run = {.argc = argc, .argv = argv};
	struct generation *g;
	bool pool_is_ours = !getenv("UV_THREADPOOL_SIZE");
	int status;

	if (cli_wants_help(argc, argv))
		return run_help();
	list_init(&run.before);
	demand_init(&run.demand, pool_is_ours, on_hold, &run);
	log_signals_hold();
	proc_ignore_sigpipe();
	/* Half of libuv's threads may look names up: a few that hang must not
	 * keep the others from it. */
	setenv("UV_THREADPOOL_SIZE", "64", 0);
	g = generation_read(argc, argv, complain);
	if (!g)
		return EXIT_USAGE;
	status = confine_look(&run.confine, &g->config);
	if (status == EXIT_OK && running_open_log(&run, &g->config, complain)) {
		status = open_and_run(&run, g);
		running_untake(&run);
		free(run.replaced);
		return status;
	}
	generation_free(g);
	return status == EXIT_OK ? EXIT_RUNTIME : status;
}
