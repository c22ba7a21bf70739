#include "cli/confine.h"

#include "cli/cli.h"
#include "cli/desk.h"
#include "cli/logger.h"
#include "os/runtime.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char refused[] =
	"run: this is root, which lowport does not need; whatever got into it "
	"would have the machine. Instead:\n"
	"lowport install, with the same words, has the service manager hold "
	"the port, and lowport run without rights;\n"
	"--user nobody opens what it listens on, and then becomes that user "
	"for good;\n"
	"--allow-root stays root.";

static int complain_of_user(const struct fault *why)
{
	struct fault said;

	fault_set(&said, 0, "--user: %s", why->text);
	complain(said.text);
	return EXIT_USAGE;
}

int confine_look(struct confine *f, const struct config *c)
{
	struct fault why;

	if (!c->user && rights_are_roots() && !c->allow_root) {
		complain(refused);
		return EXIT_USAGE;
	}
	if (!c->user)
		return EXIT_OK;
	if (rights_find(&f->rights, c->user, &why) < 0)
		return complain_of_user(&why);
	f->drops = rights_are_roots();
	if (!f->drops && f->rights.user != geteuid()) {
		fault_set(&why, 0,
			  "only root can become %s, and this is user %ld "
			  "(leave it out: lowport then runs as that one)",
			  f->rights.name, (long)geteuid());
		return complain_of_user(&why);
	}
	if (f->drops)
		runtime_owner(f->rights.user);
	return EXIT_OK;
}

/* So that clients who are that user can connect, and it can be removed in the
 * end, where the folder lets them. */
static void give(const struct confine *f, const struct listener *l)
{
	struct fault why;

	if (l->addr.family != AF_UNIX || !l->made ||
	    lchown(l->addr.path, f->rights.user, f->rights.group) == 0)
		return;
	fault_set(&why, 0, "unix:%s stays root's: %s", l->addr.path,
		  strerror(errno));
	logger_put(LEVEL_WARN, why.text);
}

static void give_sockets(const struct confine *f, const struct generation *g,
			 const struct listeners *web)
{
	const struct list *pos;

	list_for_each (pos, &g->served)
		give(f, &list_entry(pos, struct served, node)->listener);
	for (size_t i = 0; i < web->count; i++)
		give(f, &web->at[i]);
}

/* A reload would find out when nobody expects it. */
static void warn_of_files(const struct confine *f, const struct config *c)
{
	struct fault why;

	for (size_t i = 0; i < c->paths.count; i++) {
		if (access(c->paths.at[i], R_OK) == 0)
			continue;
		fault_set(&why, 0,
			  "user %s may not read %s (%s): it cannot be "
			  "reloaded",
			  f->rights.name, c->paths.at[i], strerror(errno));
		logger_put(LEVEL_WARN, why.text);
	}
}

/* Only root can make a folder in /run. */
static void make_folder(const struct config *c)
{
	struct fault why;
	char *path;

	if (desk_place(&path, c, &why) == 0)
		free(path);
}

int confine_drop(const struct confine *f, const struct generation *g,
		 const struct listeners *web)
{
	struct fault why;

	if (!f->drops)
		return EXIT_OK;
	logger_give(f->rights.user, f->rights.group);
	give_sockets(f, g, web);
	make_folder(&g->config);
	if (rights_drop(&f->rights, &why) < 0) {
		complain(why.text);
		return EXIT_RUNTIME;
	}
	fault_set(&why, 0, "root no more: this is user %s from here on",
		  f->rights.name);
	logger_put(LEVEL_INFO, why.text);
	warn_of_files(f, &g->config);
	return EXIT_OK;
}
