#include "cli/needs.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int add(struct sandbox_plan *plan, const char *path,
	       enum sandbox_use use)
{
	struct sandbox_place *more =
		realloc(plan->places, (plan->count + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	plan->places = more;
	more[plan->count] = (struct sandbox_place){strdup(path), use};
	if (!more[plan->count].path)
		return -ENOMEM;
	plan->count++;
	return 0;
}

/* The folder of a file: it may be replaced by another of its name. */
static int add_folder(struct sandbox_plan *plan, const char *file,
		      enum sandbox_use use)
{
	const char *slash = strrchr(file, '/');
	char folder[PATH_MAX];

	if (!slash)
		return add(plan, ".", use);
	snprintf(folder, sizeof(folder), "%.*s",
		 slash == file ? 1 : (int)(slash - file), file);
	return add(plan, folder, use);
}

/* A configuration: a folder of files, or one, or a link to one. */
static int add_source(struct sandbox_plan *plan, const char *path)
{
	char real[PATH_MAX];
	struct stat st;
	int err;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return add(plan, path, SANDBOX_READ);
	err = add_folder(plan, path, SANDBOX_READ);
	if (err == 0 && realpath(path, real))
		err = add_folder(plan, real, SANDBOX_READ);
	return err;
}

/* A pipe or a device is opened anew, and never made. */
static int add_log(struct sandbox_plan *plan, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return add(plan, path, SANDBOX_WRITE);
	return add_folder(plan, path, SANDBOX_WRITE);
}

/* A reload may go back to standard error, and a terminal is opened for it. */
static int add_terminal(struct sandbox_plan *plan)
{
	const char *name =
		isatty(STDERR_FILENO) ? ttyname(STDERR_FILENO) : NULL;

	return name ? add(plan, name, SANDBOX_WRITE) : 0;
}

static int add_group(struct sandbox_plan *plan, const struct config_group *g)
{
	int err = 0;

	for (size_t i = 0; i < g->listener_count && err == 0; i++) {
		const struct listener_spec *l = &g->listeners[i];

		if (l->source->argument != LISTEN_PATH)
			continue;
		/* A reload may bring another --unix-mode. */
		plan->modes = true;
		err = add_folder(plan, l->request.addr.path, SANDBOX_SOCKETS);
	}
	for (size_t i = 0; i < g->backend_count; i++) {
		const struct relay_backend *b = &g->backends[i];
		struct addr both[2];

		if (b->host && !addr_localhost(b->host, b->addr.port, both))
			plan->names = true;
	}
	return err;
}

static int add_all(struct sandbox_plan *plan, const struct config *c,
		   const char *status)
{
	int err = add_terminal(plan);

	for (size_t i = 0; i < c->group_count && err == 0; i++)
		err = add_group(plan, &c->groups[i]);
	for (size_t i = 0; i < c->paths.count && err == 0; i++)
		err = add_source(plan, c->paths.at[i]);
	/* In a folder there may be links. */
	for (size_t i = 0; i < c->files.count && err == 0; i++)
		err = add_source(plan, c->files.at[i]);
	if (err == 0 && c->log_to.place == LOG_TO_FILE)
		err = add_log(plan, c->log_to.path);
	if (err == 0 && c->http.at.text &&
	    c->http.at.request.addr.family == AF_UNIX)
		err = add_folder(plan, c->http.at.request.addr.path,
				 SANDBOX_SOCKETS);
	if (err == 0 && status)
		err = add_folder(plan, status, SANDBOX_SOCKETS);
	return err;
}

int needs_list(struct sandbox_plan *plan, const struct config *c,
	       const char *status)
{
	int err;

	*plan = (struct sandbox_plan){0};
	err = add_all(plan, c, status);
	if (err < 0)
		needs_free(plan);
	return err;
}

void needs_free(struct sandbox_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		free(plan->places[i].path);
	free(plan->places);
	*plan = (struct sandbox_plan){0};
}

bool needs_programs(const struct config *c)
{
	for (size_t i = 0; i < c->group_count; i++)
		if (c->groups[i].command)
			return true;
	return false;
}
