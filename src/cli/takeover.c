#include "cli/running.h"

#include "cli/announce.h"
#include "cli/cli.h"
#include "cli/late.h"
#include "cli/logger.h"
#include "cli/loops.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* --- one listener ---------------------------------------------------------- */

static bool is_parked(const struct served *s)
{
	return !s->member;
}

static int listen_on(struct running *run, struct served *s)
{
	int err = relay_listen(run->relay, s->fd, &s->listener.addr, &s->route);

	if (err == 0)
		s->listener.fd = -1;
	return err;
}

static int serve(struct running *run, struct served *s)
{
	bool counts = s->was && !is_parked(s->was);
	int err = counts ? 0 : idle_listener(&run->idle, s->fd);

	if (err < 0)
		return err;
	err = s->was ? relay_reroute(run->relay, s->fd, &s->route)
		     : listen_on(run, s);
	if (err < 0 && !counts)
		idle_forget(&run->idle, s->fd);
	return err;
}

/* What was handed over does not come again; but what --take got stays ours. */
static bool must_be_kept(const struct served *s)
{
	return served_is_handed_over(s) && !s->listener.stays;
}

/* It serves nobody any more, and its descriptor is closed. */
static void lose(struct running *run, struct served *s)
{
	char at[ADDR_TEXT];

	say(LEVEL_ERROR, "no longer listening on %s: out of memory",
	    addr_print(&s->listener.addr, at));
	idle_forget(&run->idle, s->fd);
	relay_unlisten(run->relay, s->fd);
	s->fd = -1;
}

/* Back to how it was before serve(). Where there was nothing, and another has
 * made it, the relay keeps it for give_up(). */
static void unserve(struct running *run, struct served *s)
{
	if (!s->was || is_parked(s->was))
		idle_forget(&run->idle, s->fd);
	if (!s->was) {
		if (!run->now || !must_be_kept(s))
			relay_unlisten(run->relay, s->fd);
		return;
	}
	if (relay_reroute(run->relay, s->fd, &s->was->route) < 0)
		lose(run, s->was);
	else if (is_parked(s->was))
		relay_hold(run->relay, &s->was->route, true);
}

/* Whoever handed it over has it open still, and its clients wait there. It is
 * into's from here on. Returns false if there is no memory. */
static bool park(struct running *run, struct generation *into, struct served *s)
{
	struct served *p = calloc(1, sizeof(*p));
	int err = p ? 0 : -ENOMEM;

	if (err < 0)
		return false;
	p->listener = s->listener;
	p->fd = s->fd;
	p->text = strdup(s->listener.asked->text);
	if (!p->text)
		err = -ENOMEM;
	else if (s->listener.fd < 0)
		err = relay_reroute(run->relay, p->fd, &p->route);
	else
		err = listen_on(run, p);
	if (err < 0) {
		free(p->text);
		free(p);
		return false;
	}
	p->listener.asked = NULL;
	p->ours = true;
	s->ours = false;
	list_append(&into->parked, &p->node);
	relay_hold(run->relay, &p->route, true);
	return true;
}

/* --- the backends that are to be waited for -------------------------------- */

static void hold_all(struct running *run, struct generation *g,
		     const struct backend *b, bool hold)
{
	struct list *pos;

	list_for_each (pos, &g->served) {
		struct served *s = list_entry(pos, struct served, node);

		if (demand_backend(s->member->wanted) == b)
			relay_hold(run->relay, &s->route, hold);
	}
	for (size_t i = 0; i < g->config.group_count; i++)
		if (demand_backend(g->members[i].wanted) == b)
			relay_hold(run->relay, &g->members[i].route, hold);
}

/* Only the one in force has listeners. */
void running_hold(struct running *run, const struct backend *b, bool hold)
{
	if (run->now)
		hold_all(run, run->now, b, hold);
}

/* Clients of a backend that ends wait, whichever generation they come under. */
static void hold_again(struct running *run)
{
	struct generation *g = run->now;

	for (size_t i = 0; g && i < g->config.group_count; i++) {
		const struct backend *b = demand_backend(g->members[i].wanted);

		if (b && backend_holds(b))
			hold_all(run, g, b, true);
	}
}

/* --- all of them ----------------------------------------------------------- */

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

/* What is taken over is the new one's to close, and as that wants it. */
static void own(struct generation *next)
{
	struct list *pos;

	list_for_each (pos, &next->served) {
		struct served *s = list_entry(pos, struct served, node);

		if (s->was) {
			served_adjust(s);
			s->was->ours = false;
			s->was = NULL;
		}
		s->ours = true;
		s->listener.fd = -1;
	}
}

static void stop_listening(struct running *run, struct generation *next,
			   struct served *s)
{
	char at[ADDR_TEXT];

	addr_print(&s->listener.addr, at);
	idle_forget(&run->idle, s->fd);
	if (served_is_handed_over(s) && s->fd >= 0)
		say(LEVEL_WARN,
		    "no longer accepting on %s: clients wait there as long as "
		    "whoever handed it over has it open",
		    at);
	else
		say(LEVEL_INFO, "no longer listening on %s", at);
	if (must_be_kept(s) && s->fd >= 0 && park(run, next, s))
		return;
	/* The name before the socket: it must not be taken from one who comes
	 * after us. */
	served_close(s);
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

static void leave_interfaces(struct running *run, const struct generation *next)
{
	const struct config *c = &run->now->config;

	for (size_t i = 0; run->follow && i < c->group_count; i++) {
		const struct config_group *group = &c->groups[i];

		for (size_t j = 0; j < group->listener_count; j++)
			if (late_wants_of_interface(next, &group->listeners[j]))
				follow_vacate(run->follow,
					      &group->listeners[j].request);
	}
}

/* Both cannot be had at a time: those of before are closed first. */
static void make_room(struct running *run, const struct generation *next)
{
	struct list *pos;

	if (!run->now || list_is_empty(&next->late))
		return;
	leave_interfaces(run, next);
	list_for_each (pos, &run->now->served) {
		struct served *s = list_entry(pos, struct served, node);

		if (s->fd < 0 || !late_wants(next, s))
			continue;
		idle_forget(&run->idle, s->fd);
		relay_unlisten(run->relay, s->fd);
		s->fd = -1;
	}
}

/* What make_room() closed, as it was. */
static void reopen(struct running *run, struct served *s)
{
	struct listeners one = {0};
	struct fault why;
	int err = listen_open_address(&s->listener.addr, s->listener.asked,
				      &one, &why);

	if (err == 0) {
		s->fd = s->listener.fd = one.at[0].fd;
		one.at[0].fd = -1;
		err = serve(run, s);
		if (err < 0)
			fault_set(&why, err, "%s", uv_strerror(err));
	}
	if (err < 0) {
		say(LEVEL_ERROR, "it cannot be had back: %s", why.text);
		if (s->fd >= 0)
			close(s->fd);
		s->fd = s->listener.fd = -1;
	}
	listen_close(&one, 0);
}

static void reopen_all(struct running *run)
{
	struct list *pos;

	if (!run->now)
		return;
	list_for_each (pos, &run->now->served) {
		struct served *s = list_entry(pos, struct served, node);

		if (s->fd < 0)
			reopen(run, s);
	}
	if (run->follow)
		follow_reopen(run->follow);
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

void running_give_up(struct running *run, struct generation *next)
{
	struct list *pos;

	/* What systemd and launchd have handed over they do not hand over
	 * again. */
	list_for_each (pos, &next->served) {
		struct served *s = list_entry(pos, struct served, node);

		if (!run->now || !s->ours || !must_be_kept(s) ||
		    park(run, run->now, s))
			continue;
		if (s->listener.fd < 0)
			relay_unlisten(run->relay, s->fd);
	}
	generation_close(next);
}

/* Nothing of next is in force; what it has opened might be in the way. */
static void go_back(struct running *run, struct generation *next)
{
	if (run->follow)
		follow_rollback(run->follow);
	running_give_up(run, next);
	reopen_all(run);
	hold_again(run);
	running_sweep(run);
}

int running_take_over(struct running *run, struct generation *next,
		      void (*mistake)(const char *text))
{
	int status;

	make_room(run, next);
	status = try_all(run, next, mistake);
	if (status != EXIT_OK) {
		go_back(run, next);
		return status;
	}
	announce_new(next);
	if (run->now)
		stop_what_is_gone(run, next);
	own(next);
	if (run->now) {
		run->now->replaced = true;
		list_append(&run->before, &run->now->node);
	}
	run->now = next;
	idle_set(&run->idle, next->config.exit_on_idle_ms);
	running_mark_taken(run, next);
	if (run->follow)
		follow_commit(run->follow);
	hold_again(run);
	running_sweep(run);
	return EXIT_OK;
}

void running_sweep(struct running *run)
{
	struct list *pos, *after;

	/* A snapshot in the making looks at what has gone. */
	if (run->inspect.making > 0)
		return;
	list_for_each_safe (pos, after, &run->before) {
		struct generation *g = list_entry(pos, struct generation, node);

		if (g->clients == 0)
			generation_free(g);
	}
	if (run->follow && list_is_empty(&run->before))
		follow_sweep(run->follow);
}
