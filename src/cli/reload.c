#include "cli/running.h"

#include "cli/announce.h"
#include "cli/cli.h"
#include "cli/logger.h"
#include "cli/loops.h"
#include "config/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void say(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void say(enum log_level level, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	logger_put(level, text);
}

/* --- taking over ----------------------------------------------------------- */

static int serve(struct running *run, struct served *s)
{
	struct listener *l = &s->listener;
	int err;

	if (s->was)
		return relay_reroute(run->relay, s->fd, &s->route);
	err = idle_listener(&run->idle, s->fd);
	if (err == 0)
		err = relay_listen(run->relay, s->fd, &l->addr, &s->route);
	if (err == 0)
		l->fd = -1;
	else
		idle_forget(&run->idle, s->fd);
	return err;
}

/* Back to how it was before serve(). */
static void unserve(struct running *run, struct served *s)
{
	if (s->was) {
		relay_reroute(run->relay, s->fd, &s->was->route);
		return;
	}
	idle_forget(&run->idle, s->fd);
	relay_unlisten(run->relay, s->fd);
}

static void unserve_until(struct running *run, struct generation *next,
			  const struct list *end)
{
	struct list *pos;

	for (pos = next->served.next; pos != end; pos = pos->next)
		unserve(run, list_entry(pos, struct served, node));
}

static int serve_all(struct running *run, struct generation *next,
		     void (*mistake)(const char *text))
{
	char text[256], at[ADDR_TEXT];
	struct list *pos;

	list_for_each (pos, &next->served) {
		struct served *s = list_entry(pos, struct served, node);
		int err = serve(run, s);

		if (err == 0)
			continue;
		snprintf(text, sizeof(text), "%s: %s",
			 addr_print(&s->listener.addr, at), uv_strerror(err));
		mistake(text);
		unserve_until(run, next, pos);
		return EXIT_RUNTIME;
	}
	if (loops_check(run->relay, next, mistake))
		return EXIT_OK;
	unserve_until(run, next, &next->served);
	return EXIT_USAGE;
}

static int follow_it(struct running *run, struct generation *next,
		     void (*mistake)(const char *text))
{
	struct fault why;

	if (!run->follow && follow_descriptors(&next->config) > 0 &&
	    follow_new(&run->follow, &run->loop, run->relay, &why) < 0) {
		mistake(why.text);
		return EXIT_RUNTIME;
	}
	if (run->follow)
		follow_begin(run->follow);
	if (generation_route(next, run->follow) == 0)
		return EXIT_OK;
	mistake("out of memory");
	return EXIT_RUNTIME;
}

/* Clients of a backend that ends wait, whichever generation they come under. */
static void hold_again(struct running *run, struct generation *next)
{
	struct list *pos;

	list_for_each (pos, &next->served) {
		struct served *s = list_entry(pos, struct served, node);
		const struct backend *b = demand_backend(s->member->wanted);

		if (s->was)
			relay_hold(run->relay, &s->route,
				   b && backend_holds(b));
	}
}

/* What is taken over is the new one's to close. */
static void own(struct generation *next)
{
	struct list *pos;

	list_for_each (pos, &next->served) {
		struct served *s = list_entry(pos, struct served, node);

		if (s->was)
			s->was->ours = false;
		s->ours = true;
		s->listener.fd = -1;
	}
}

/* Whoever handed it over has it open still, and its clients wait there. */
static bool park(struct running *run, struct generation *next, struct served *s)
{
	struct served *p = calloc(1, sizeof(*p));
	char at[ADDR_TEXT];

	if (!p)
		return false;
	p->listener = s->listener;
	p->text = strdup(s->listener.asked->text);
	p->fd = s->fd;
	if (!p->text || relay_reroute(run->relay, p->fd, &p->route) < 0) {
		free(p->text);
		free(p);
		return false;
	}
	p->listener.asked = NULL;
	p->ours = true;
	s->ours = false;
	list_append(&next->parked, &p->node);
	relay_hold(run->relay, &p->route, true);
	say(LEVEL_WARN,
	    "no longer accepting on %s: clients wait there as long as whoever "
	    "handed it over has it open",
	    addr_print(&p->listener.addr, at));
	return true;
}

static void stop_listening(struct running *run, struct generation *next,
			   struct served *s)
{
	char at[ADDR_TEXT];

	idle_forget(&run->idle, s->fd);
	if (served_is_handed_over(s) && park(run, next, s))
		return;
	say(LEVEL_INFO, "no longer listening on %s",
	    addr_print(&s->listener.addr, at));
	if (s->fd >= 0)
		relay_unlisten(run->relay, s->fd);
}

static void stop_what_is_gone(struct running *run, struct generation *next)
{
	struct list *pos, *after;

	list_for_each (pos, &run->now->served) {
		struct served *s = list_entry(pos, struct served, node);

		if (!generation_shares(next, s))
			stop_listening(run, next, s);
	}
	list_for_each_safe (pos, after, &run->now->parked) {
		struct served *s = list_entry(pos, struct served, node);

		if (generation_shares(next, s))
			continue;
		list_remove(&s->node);
		list_append(&next->parked, &s->node);
	}
}

/* --- one port, another address --------------------------------------------- */

/* Both cannot be had at a time: those of before are closed first. */
static void make_room(struct running *run, const struct generation *next)
{
	struct list *pos;

	if (!run->now)
		return;
	list_for_each (pos, &run->now->served) {
		struct served *s = list_entry(pos, struct served, node);

		if (!generation_blocks(next, s))
			continue;
		relay_unlisten(run->relay, s->fd);
		s->fd = -1;
	}
}

/* What make_room() closed, as it was. */
static void reopen(struct running *run)
{
	struct list *pos;

	if (!run->now)
		return;
	list_for_each (pos, &run->now->served) {
		struct served *s = list_entry(pos, struct served, node);
		struct listeners one = {0};
		struct fault why;
		int err;

		if (s->fd >= 0)
			continue;
		err = listen_open_address(&s->listener.addr, s->listener.asked,
					  &one, &why);
		if (err == 0)
			err = relay_listen(run->relay, one.at[0].fd,
					   &s->listener.addr, &s->route);
		if (err == 0) {
			s->fd = one.at[0].fd;
			one.at[0].fd = -1;
		} else {
			say(LEVEL_ERROR, "it cannot be had back: %s", why.text);
		}
		listen_close(&one, 0);
	}
}

static void announce_new(const struct generation *next)
{
	struct list *pos;

	list_for_each (pos, &next->served) {
		struct served *s = list_entry(pos, struct served, node);

		if (!s->was)
			announce_listener(&s->listener, s->member->group);
	}
}

static int try_all(struct running *run, struct generation *next,
		   void (*mistake)(const char *text))
{
	int status;

	if (!generation_open_late(next, mistake))
		return EXIT_RUNTIME;
	status = follow_it(run, next, mistake);
	return status == EXIT_OK ? serve_all(run, next, mistake) : status;
}

int running_take_over(struct running *run, struct generation *next,
		      void (*mistake)(const char *text))
{
	int status;

	make_room(run, next);
	status = try_all(run, next, mistake);
	if (status != EXIT_OK) {
		if (run->follow)
			follow_rollback(run->follow);
		reopen(run);
		return status;
	}
	announce_new(next);
	if (run->now)
		stop_what_is_gone(run, next);
	own(next);
	hold_again(run, next);
	if (run->now) {
		run->now->replaced = true;
		list_append(&run->before, &run->now->node);
	}
	run->now = next;
	if (run->follow)
		follow_commit(run->follow);
	running_sweep(run);
	return EXIT_OK;
}

void running_sweep(struct running *run)
{
	struct list *pos, *after;

	list_for_each_safe (pos, after, &run->before) {
		struct generation *g = list_entry(pos, struct generation, node);

		if (g->clients == 0)
			generation_free(g);
	}
	if (run->follow && list_is_empty(&run->before))
		follow_sweep(run->follow);
}

/* --- reading it again ------------------------------------------------------ */

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Those that have no number. */
static void warn_of_user(const struct config *now, const struct config *next)
{
	if (!same_text(now->user, next->user))
		say(LEVEL_WARN, "user: it is too late to become another one");
}

static bool stays(const struct option *o)
{
	static const char *const live[] = {"drain-timeout", "log-level",
					   "log-format", "log-to", "user"};

	if (o->scope != OPTION_PROCESS)
		return false;
	for (size_t i = 0; i < sizeof(live) / sizeof(live[0]); i++)
		if (strcmp(o->name, live[i]) == 0)
			return false;
	return true;
}

static void warn_of_what_stays(struct config *now, struct config *next)
{
	for (const struct option *o = options; o->name; o++)
		if (stays(o) &&
		    *option_member(now, o) != *option_member(next, o))
			say(LEVEL_WARN,
			    "%s: stays as it is until lowport starts anew "
			    "(lowport run --replace does so without losing a "
			    "connection)",
			    o->name);
}

bool running_open_log(const struct config *c, void (*mistake)(const char *text))
{
	const struct logger_options opt = {
		.level = (enum log_level)c->log_level,
		.json = c->log_json != 0,
		.to = &c->log_to,
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
	struct fault why;

	if (generation_prepare(next, &run->demand, run->now, &why) < 0) {
		mistake(why.text);
		return EXIT_RUNTIME;
	}
	if (!confine_reaches(&run->confine, &next->config, mistake) ||
	    !generation_open(next, run->now, NULL, mistake))
		return EXIT_RUNTIME;
	warn_of_what_stays(&run->now->config, &next->config);
	warn_of_user(&run->now->config, &next->config);
	return running_take_over(run, next, mistake);
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
	running_open_log(&next->config, mistake);
	return EXIT_OK;
}

int running_reload_aloud(struct running *run, void (*mistake)(const char *text))
{
	int status;

	if (run->stops > 0) {
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
