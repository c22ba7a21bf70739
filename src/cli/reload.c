#include "cli/running.h"

#include "cli/cli.h"
#include "cli/logger.h"
#include "config/options.h"

#include <stdio.h>
#include <string.h>

static bool stays(const struct option *o)
{
	static const char *const live[] = {
		"drain-timeout", "exit-on-idle", "log-level",     "log-format",
		"log-to",        "http",         "http-anywhere", "http-host",
	};

	if (o->scope != OPTION_PROCESS)
		return false;
	for (size_t i = 0; i < sizeof(live) / sizeof(live[0]); i++)
		if (strcmp(o->name, live[i]) == 0)
			return false;
	return true;
}

/* As it was written, whatever kind of member it is. */
static bool is_same(const struct config *now, const struct config *next,
		    const struct option *o)
{
	return now->defaults.given[o - options].value ==
	       next->defaults.given[o - options].value;
}

static void warn_of_what_stays(const struct config *now,
			       const struct config *next)
{
	char text[160];

	for (const struct option *o = options; o->name; o++) {
		if (!stays(o) || is_same(now, next, o))
			continue;
		snprintf(text, sizeof(text),
			 "%s: stays as it is until lowport starts anew "
			 "(lowport run --replace does so without losing a "
			 "connection)",
			 o->name);
		logger_put(LEVEL_WARN, text);
	}
}

bool running_open_log(const struct running *run, const struct config *c,
		      void (*mistake)(const char *text))
{
	const struct confine *f = &run->confine;
	const struct logger_options opt = {
		.level = (enum log_level)c->log_level,
		.json = c->log_json != 0,
		.to = &c->log_to,
		.user = f->drops && rights_are_roots() ? &f->rights : NULL,
	};
	struct fault why;

	if (logger_open(&opt, &why) == 0)
		return true;
	mistake(why.text);
	return false;
}

static int put_into_force(struct running *run, struct generation *next,
			  void (*mistake)(const char *text))
{
	bool moves = !web_is_as(&run->web, &next->config);
	struct fault why;
	int status;

	if (generation_prepare(next, &run->demand, run->now, &why) < 0) {
		mistake(why.text);
		return EXIT_RUNTIME;
	}
	if (!confine_reaches(&run->confine, &next->config, mistake) ||
	    !generation_open(next, run->now, &run->offered, mistake) ||
	    (moves &&
	     !web_listen_again(&run->next_web, &run->web, &next->config,
			       &run->offered, mistake))) {
		running_give_up(run, next);
		return EXIT_RUNTIME;
	}
	warn_of_what_stays(&run->now->config, &next->config);
	status = running_take_over(run, next, mistake);
	if (moves && status == EXIT_OK)
		running_move_web(run, mistake);
	else
		web_close(&run->next_web);
	return status;
}

int running_reload(struct running *run, void (*mistake)(const char *text))
{
	struct generation *next;
	int status = EXIT_USAGE;

	next = generation_read(run->argc, run->argv, mistake);
	if (next)
		status = put_into_force(run, next, mistake);
	if (status != EXIT_OK) {
		run->reloads_refused++;
		generation_free(next);
		return status;
	}
	run->reloads++;
	/* What is listened on is in force; a log that cannot be had is not. */
	running_open_log(run, &next->config, mistake);
	return EXIT_OK;
}

int running_reload_aloud(struct running *run, void (*mistake)(const char *text))
{
	int status;

	if (run->ending) {
		mistake("it is ending: nothing is read any more");
		return EXIT_RUNTIME;
	}
	service_reloading();
	status = running_reload(run, mistake);
	if (status == EXIT_OK)
		logger_put(LEVEL_INFO, "the new configuration is in force");
	else
		logger_put(LEVEL_ERROR, "the configuration stays as it was");
	service_ready(&run->service, &run->loop, "relaying");
	return status;
}
