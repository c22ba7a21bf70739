#include "cli/running.h"

#include "cli/cli.h"
#include "cli/find.h"
#include "cli/logger.h"
#include "control/answer.h"
#include "control/client.h"
#include "control/server.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SUCCESSOR_TRIES = 20, SUCCESSOR_PAUSE_MS = 25 };

/* Returns 0 with *said, or what client_ask() says, with *why. */
static int ask(cJSON **said, const char *path, const char *request,
	       struct client_files *files, struct fault *why)
{
	char *answer;
	int err = client_ask(path, request, &answer, files, why);

	if (err < 0)
		return err;
	*said = answer_read(answer, path, why);
	free(answer);
	return *said ? 0 : -EPROTO;
}

/* Takes the descriptors. */
static int keep(struct running *run, const struct client_files *files,
		struct fault *why)
{
	static const struct listen_request asked = {.text = "--replace"};
	int err = 0;

	for (size_t i = 0; i < files->count; i++) {
		if (err == 0)
			err = listen_adopt(files->at[i], &asked,
					   "the lowport that is replaced",
					   "Is it of another version?",
					   &run->offered, why);
		if (err < 0)
			close(files->at[i]);
	}
	return err;
}

/* They come in portions. */
static int fetch(struct running *run, const char *path, struct fault *why)
{
	const struct confine *f = &run->confine;
	uint64_t all = 1;

	for (uint64_t first = 0; first < all;) {
		int at[CONTROL_FILES_MOST];
		struct client_files files = {.at = at,
					     .most = CONTROL_FILES_MOST,
					     .user = f->drops ? f->rights.user
							      : geteuid()};
		char request[64];
		cJSON *said;
		int err;

		snprintf(request, sizeof(request), "listeners %" PRIu64, first);
		err = ask(&said, path, request, &files, why);
		if (err < 0)
			return err;
		all = answer_number(said, "all");
		cJSON_Delete(said);
		err = keep(run, &files, why);
		if (err < 0)
			return err;
		if (files.count == 0)
			break;
		first += files.count;
	}
	return 0;
}

/* It has ended, if need be while it was asked. */
static bool is_gone(int err)
{
	return err == -ENOENT || err == -ECONNREFUSED || err == -EPIPE ||
	       err == -ECONNRESET;
}

static const char *which(const struct config *c)
{
	if (c->replaced)
		return c->replaced;
	/* Whoever takes the same place is meant. */
	return c->status && strcmp(c->status, "none") != 0 ? c->status : NULL;
}

static int find(struct running *run, const char *name, struct fault *why)
{
	return find_one(&run->replaced, name, "--replace=NAME", why);
}

static int find_and_fetch(struct running *run, const struct config *c,
			  struct fault *why)
{
	int err = find(run, which(c), why);

	return err < 0 ? err : fetch(run, run->replaced, why);
}

/* Those that it lends us, and nobody has taken. */
static size_t count_lent(const struct listeners *offered)
{
	size_t count = 0;

	for (size_t i = 0; i < offered->count; i++)
		count += !offered->at[i].stays && offered->at[i].fd >= 0;
	return count;
}

static int start_as_ever(struct running *run, enum log_level level,
			 const char *text)
{
	free(run->replaced);
	run->replaced = NULL;
	logger_put(level, text);
	return 0;
}

bool running_replace(struct running *run, const struct config *c)
{
	struct fault why;
	int err;

	if (!c->replace)
		return true;
	err = find_and_fetch(run, c, &why);
	run->lent = count_lent(&run->offered);
	if (err == -ENOENT || err == -ECONNREFUSED)
		err = start_as_ever(run, LEVEL_INFO,
				    "--replace: no other lowport runs");
	/* One that nobody has named is left alone. */
	if (err == -EPERM && !which(c))
		err = start_as_ever(run, LEVEL_WARN, why.text);
	if (err < 0)
		complain(why.text);
	if (is_gone(err))
		running_not_replaced(run, c);
	return err == 0;
}

void running_not_replaced(const struct running *run, const struct config *c)
{
	struct fault said;

	if (!c->replace)
		return;
	if (run->replaced)
		fault_set(&said, 0,
			  "--replace: the lowport at %s has not been replaced",
			  run->replaced);
	else
		fault_set(&said, 0,
			  "--replace: there was no lowport to take listeners "
			  "from");
	complain(said.text);
	complain("--replace: if another one was started with --replace at the "
		 "same moment, that one serves now (lowport status shows it): "
		 "run this again to replace that");
}

/* Nobody else has them from here on. */
static void own_all(struct running *run)
{
	struct list *pos;
	struct fault why;

	list_for_each (pos, &run->now->served) {
		struct served *s = list_entry(pos, struct served, node);

		if (listen_own(&s->listener, &why) < 0)
			logger_put(LEVEL_WARN, why.text);
	}
	for (size_t i = 0; i < run->web.listeners.count; i++)
		if (listen_own(&run->web.listeners.at[i], &why) < 0)
			logger_put(LEVEL_WARN, why.text);
}

/* Of two that replace the same one, the second has to replace the first: which
 * comes to the same place, if that has a name, in a moment. Returns as ask(). */
static int leave_successor(struct running *run, struct fault *why)
{
	const char *name = which(&run->now->config);
	const struct timespec pause = {.tv_nsec = SUCCESSOR_PAUSE_MS * 1000000};
	int err = -ENOENT;

	for (int i = 0; name && i < SUCCESSOR_TRIES; i++) {
		cJSON *answer = NULL;
		char *path;

		nanosleep(&pause, NULL);
		if (find_one(&path, name, "--replace=NAME", why) < 0)
			continue;
		err = ask(&answer, path, "leave", NULL, why);
		free(path);
		cJSON_Delete(answer);
		if (err == 0)
			break;
	}
	return err;
}

/* One that nobody has named, and of which nothing is wanted here, is another. */
static bool is_another(const struct running *run)
{
	return !which(&run->now->config) &&
	       count_lent(&run->offered) == run->lent;
}

static void leave_alone(const struct running *run)
{
	const char *name = strrchr(run->replaced, '/') + 1;
	int length = (int)(strlen(name) - strlen(".sock"));
	struct fault said;

	fault_set(&said, 0,
		  "--replace: the lowport that runs already, at %s, has none "
		  "of the listeners that are wanted here, and is left alone "
		  "(--replace=%.*s replaces it all the same)",
		  run->replaced, length, name);
	logger_put(LEVEL_WARN, said.text);
}

/* Returns 0 once it accepts no more, or another one of ours has seen to that. */
static int have_it_leave(struct running *run, struct fault *why)
{
	struct fault ignored;
	cJSON *answer = NULL;
	int err = ask(&answer, run->replaced, "leave", NULL, why);

	cJSON_Delete(answer);
	if (!is_gone(err) && err != -EPROTO)
		return err;
	/* Or it has come to its end in the meantime. */
	if (leave_successor(run, &ignored) == 0 || err != -EPROTO)
		return 0;
	return err;
}

static void take_its_place(struct running *run)
{
	struct fault why, said;
	int err = have_it_leave(run, &why);

	if (err == 0)
		own_all(run);
	if (err == 0)
		fault_set(&said, 0, "taken over from the lowport at %s",
			  run->replaced);
	else
		fault_set(&said, 0, "the lowport at %s may still accept: %s",
			  run->replaced, why.text);
	logger_put(err == 0 ? LEVEL_INFO : LEVEL_ERROR, said.text);
}

void running_replaced(struct running *run)
{
	bool another = run->replaced && is_another(run);

	/* What we do not listen on any more. */
	listen_drop_offered(&run->offered);
	if (another)
		leave_alone(run);
	else if (run->replaced)
		take_its_place(run);
	free(run->replaced);
	run->replaced = NULL;
}
