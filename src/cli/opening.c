#include "cli/generation.h"

#include "cli/announce.h"
#include "cli/late.h"
#include "cli/logger.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one generation is opened beside. */
struct opening {
	struct generation *g, *before;
	struct listeners *offered;
	void (*mistake)(const char *text);
};

static struct served *add(struct generation *g, struct member *m,
			  const struct listener *l)
{
	struct served *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->listener = *l;
	s->fd = l->fd;
	s->member = m;
	s->ours = true;
	list_append(&g->served, &s->node);
	return s;
}

/* Share the socket of one of before, which keeps it until it is replaced. */
static bool share(struct generation *g, struct member *m, struct served *was,
		  const struct listen_request *asked)
{
	struct served *s = add(g, m, &was->listener);

	if (!s)
		return false;
	s->listener.asked = asked;
	s->fd = was->fd;
	s->was = was;
	s->ours = false;
	return true;
}

static bool is_same(const struct served *was, const struct listener_spec *spec)
{
	if (was->text)
		return strcmp(was->text, spec->text) == 0;
	return config_same_listener(list_entry(was->listener.asked,
					       struct listener_spec, request),
				    spec);
}

/* Share all that before has for the same listener. Returns how many, or
 * -ENOMEM. */
static int share_all(struct opening *o, struct list *all, struct member *m,
		     const struct listener_spec *spec)
{
	struct list *pos;
	int count = 0;

	list_for_each (pos, all) {
		struct served *was = list_entry(pos, struct served, node);

		if (was->fd < 0 || !is_same(was, spec))
			continue;
		if (!share(o->g, m, was, &spec->request))
			return -1;
		count++;
	}
	return count;
}

/* The one that has that descriptor, in a list; NULL if there is none. */
static struct served *find_fd(struct list *all, int fd)
{
	struct list *pos;

	list_for_each (pos, all) {
		struct served *s = list_entry(pos, struct served, node);

		if (s->fd == fd)
			return s;
	}
	return NULL;
}

static struct served *find_before(const struct opening *o, int fd)
{
	struct served *s;

	if (!o->before)
		return NULL;
	s = find_fd(&o->before->served, fd);
	return s ? s : find_fd(&o->before->parked, fd);
}

/* By another that wants it; their clients would be served by either. */
static bool is_taken(const struct generation *g, const struct listener *l)
{
	const struct list *pos;

	list_for_each (pos, &g->served) {
		const struct served *s = list_entry(pos, struct served, node);

		if (l->stays && s->listener.stays &&
		    addr_equal(&s->listener.addr, &l->addr))
			return true;
	}
	return false;
}

/* Take what was opened. Returns false after saying why not. */
static bool take(struct opening *o, struct member *m,
		 const struct listener_spec *spec, struct listener *l)
{
	struct served *was = find_before(o, l->fd), *s;
	struct fault why;

	if (is_taken(o->g, l)) {
		char at[ADDR_TEXT];

		fault_set(&why, 0,
			  "%s: the socket at %s, which was handed over, is "
			  "served by another listener already",
			  spec->text, addr_print(&l->addr, at));
		o->mistake(why.text);
		return false;
	}
	if (find_fd(&o->g->served, l->fd)) {
		fault_set(&why, 0,
			  "%s: descriptor %d is served by another --listen "
			  "already",
			  spec->text, l->fd);
		o->mistake(why.text);
		return false;
	}
	s = add(o->g, m, l);
	if (!s) {
		o->mistake("out of memory");
		return false;
	}
	if (was) {
		/* It came with another name, and is the same. */
		s->was = was;
		s->ours = false;
		s->listener.fd = -1;
		s->listener.path = was->listener.path;
		s->listener.addr = was->listener.addr;
	}
	return true;
}

static bool take_all(struct opening *o, struct member *m,
		     const struct listener_spec *spec, struct listeners *opened)
{
	bool fine = true;

	for (size_t i = 0; i < opened->count; i++) {
		struct listener *l = &opened->at[i];
		bool known =
			find_before(o, l->fd) || find_fd(&o->g->served, l->fd);
		bool taken = take(o, m, spec, l);

		if (known)
			free(l->path);
		if (known || taken)
			*l = (struct listener){.fd = -1};
		fine = fine && taken;
	}
	listen_close(opened, 0);
	return fine;
}

static bool open_new(struct opening *o, struct member *m,
		     struct listener_spec *spec)
{
	struct listeners opened = {0};
	char to[BACKEND_TEXT];
	struct fault why;
	int err;

	/* By now, others of ours may have that number. */
	if (o->before && spec->source->argument == LISTEN_NUMBER) {
		fault_set(&why, 0,
			  "%s: a descriptor can only be handed over when "
			  "lowport starts",
			  spec->text);
		o->mistake(why.text);
		return false;
	}
	spec->request.offered = o->offered;
	spec->request.to = announce_backend(&m->group->backends[0], to);
	err = spec->source->open(&spec->request, &opened, &why);
	spec->request.to = NULL;
	if (err == 0)
		return take_all(o, m, spec, &opened);
	if (err == -EADDRINUSE && o->before &&
	    late_put_off(o->g, o->before, m, spec))
		return true;
	o->mistake(why.text);
	return false;
}

static int share_spec(struct opening *o, struct member *m,
		      const struct listener_spec *spec)
{
	int shared = 0;

	if (o->before)
		shared = share_all(o, &o->before->served, m, spec);
	if (o->before && shared == 0)
		shared = share_all(o, &o->before->parked, m, spec);
	return shared;
}

bool generation_serves(const struct generation *g,
		       const struct listener_spec *spec)
{
	const struct list *pos;

	list_for_each (pos, &g->served)
		if (list_entry(pos, struct served, node)->listener.asked ==
		    &spec->request)
			return true;
	return false;
}

/* Had before to do without it, too? */
static bool was_missing(const struct generation *before,
			const struct listener_spec *spec)
{
	for (size_t i = 0; i < before->config.group_count; i++) {
		const struct config_group *group = &before->config.groups[i];

		for (size_t j = 0; j < group->listener_count; j++)
			if (config_same_listener(&group->listeners[j], spec))
				return !generation_serves(before,
							  &group->listeners[j]);
	}
	return false;
}

/* launchd makes sockets only once, and whoever ends for want of one is started
 * again and again: then the others are served. */
static bool can_do_without(const struct opening *o,
			   const struct listener_spec *spec)
{
	const struct takes *t = &o->g->config.takes;
	bool dispensable = false;

	if (spec->source->dispensable)
		return true;
	for (size_t i = 0; i < t->count; i++)
		dispensable = dispensable || t->at[i].source->dispensable;
	return dispensable && !spec->source->handed_over &&
	       (!o->before || was_missing(o->before, spec));
}

/* What is shared first: then it is known what will be closed. */
static bool share_them(struct opening *o)
{
	for (size_t i = 0; i < o->g->config.group_count; i++) {
		struct config_group *group = &o->g->config.groups[i];

		for (size_t j = 0; j < group->listener_count; j++)
			if (share_spec(o, &o->g->members[i],
				       &group->listeners[j]) < 0)
				return false;
	}
	return true;
}

static bool is_handed_over(const struct generation *g,
			   const struct listener_spec *spec)
{
	const struct list *pos;

	if (spec->source->handed_over)
		return true;
	list_for_each (pos, &g->served) {
		const struct served *s = list_entry(pos, struct served, node);

		if (s->listener.asked == &spec->request)
			return s->listener.stays;
	}
	/* One that could not be had has been told. */
	return spec->source->argument != LISTEN_INTERFACE ||
	       listen_is_offered(&spec->request);
}

/* Whoever ends when nobody is there has to be started for the next one. */
static bool check_exit(const struct opening *o,
		       const struct config_group *group)
{
	bool fine = true;

	for (size_t i = 0; i < group->listener_count; i++) {
		const struct listener_spec *spec = &group->listeners[i];
		struct fault why;

		if (o->g->config.exit_on_idle_ms == 0 ||
		    is_handed_over(o->g, spec))
			continue;
		fault_set(&why, 0,
			  "exit-on-idle: \"%s\" was not handed over: nobody "
			  "would take the next connection there",
			  spec->text);
		o->mistake(why.text);
		fine = false;
	}
	return fine;
}

/* All of them, so that all that is wrong is said at once. */
bool generation_open(struct generation *g, struct generation *before,
		     struct listeners *offered,
		     void (*mistake)(const char *text))
{
	struct opening o = {g, before, offered, mistake};
	bool fine = true;

	if (!share_them(&o)) {
		mistake("out of memory");
		return false;
	}
	for (size_t i = 0; i < g->config.group_count; i++) {
		struct config_group *group = &g->config.groups[i];

		for (size_t j = 0; j < group->listener_count; j++) {
			struct listener_spec *spec = &group->listeners[j];

			if (!generation_serves(g, spec) &&
			    !open_new(&o, &g->members[i], spec))
				fine = fine && can_do_without(&o, spec);
		}
		fine = fine && check_exit(&o, group);
	}
	return fine &&
	       (!list_is_empty(&g->served) || !list_is_empty(&g->late) ||
		follow_descriptors(&g->config) > 0);
}

bool generation_open_late(struct generation *g,
			  void (*mistake)(const char *text))
{
	struct opening o = {g, NULL, NULL, mistake};
	bool fine = true;

	while (!list_is_empty(&g->late)) {
		struct served *s =
			list_entry(g->late.next, struct served, node);
		struct listener_spec *spec = list_entry(
			s->listener.asked, struct listener_spec, request);

		list_remove(&s->node);
		fine = open_new(&o, s->member, spec) && fine;
		free(s);
	}
	return fine;
}

bool generation_shares(const struct generation *g, const struct served *before)
{
	const struct list *pos;

	list_for_each (pos, &g->served)
		if (list_entry(pos, struct served, node)->was == before)
			return true;
	return false;
}

size_t generation_listeners(const struct generation *g)
{
	const struct list *pos;
	size_t count = 0;

	list_for_each (pos, &g->served)
		count++;
	return count;
}

void generation_warn_of_unserved(const struct generation *g,
				 const struct listeners *offered)
{
	size_t most = generation_listeners(g) + offered->count;
	struct listeners all = {calloc(most + 1, sizeof(struct listener)), 0};
	char names[256], text[512];
	const struct list *pos;

	if (!all.at)
		return;
	list_for_each (pos, &g->served)
		all.at[all.count++].fd =
			list_entry(pos, struct served, node)->fd;
	for (size_t i = 0; i < offered->count; i++)
		all.at[all.count++].fd = offered->at[i].fd;
	if (getenv("LISTEN_FDS") &&
	    listen_systemd_left(&all, names, sizeof(names)) > 0) {
		snprintf(text, sizeof(text),
			 "systemd handed over sockets that no --listen takes, "
			 "and their clients will wait for ever: %s",
			 names);
		logger_put(LEVEL_WARN, text);
	}
	free(all.at);
}
