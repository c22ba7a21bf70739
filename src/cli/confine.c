#include "cli/confine.h"

#include "cli/cli.h"
#include "cli/desk.h"
#include "cli/logger.h"
#include "cli/needs.h"
#include "os/runtime.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char root_is_refused[] =
	"run: this is root, which lowport does not need; whatever got into it "
	"would have the machine. Instead:\n"
	"lowport install, with the same words, has the service manager hold "
	"the port, and lowport run without rights;\n"
	"--user nobody opens what it listens on, and then becomes that user "
	"for good (in a container: --user 65534:65534, or USER 65534 in its "
	"Dockerfile);\n"
	"--allow-root stays root.";

static int complain_of_user(const struct fault *why)
{
	struct fault said;

	fault_set(&said, 0, "--user: %s", why->text);
	complain(said.text);
	return EXIT_USAGE;
}

/* What was demanded, and cannot be. */
static int look_at_sandbox(struct confine *f, const struct config *c)
{
	f->mode = (enum sandbox_mode)c->sandbox;
	if (f->mode == SANDBOX_STRICT && !sandbox_is_built) {
		complain("--sandbox strict: there is no sandbox in this build "
			 "of lowport (on takes what there is)");
		return EXIT_USAGE;
	}
	if (f->mode == SANDBOX_STRICT && needs_programs(c)) {
		complain("--sandbox strict: what --exec starts would be in it "
			 "as well (on goes without where there is an --exec)");
		return EXIT_USAGE;
	}
	if (needs_programs(c))
		f->mode = SANDBOX_OFF;
	return EXIT_OK;
}

static int look_at_rights(struct confine *f, const struct config *c)
{
	struct fault why;

	if (!c->user && rights_are_roots() && !c->allow_root) {
		complain(root_is_refused);
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

int confine_look(struct confine *f, const struct config *c)
{
	int status = look_at_rights(f, c);

	return status == EXIT_OK ? look_at_sandbox(f, c) : status;
}

/* --- the sandbox ----------------------------------------------------------- */

/* Where it was demanded, there is no going without. */
static int go_without(const struct confine *f, const char *what,
		      const struct fault *why)
{
	struct fault said;

	fault_set(&said, 0, "%s are not in the sandbox: %s", what, why->text);
	if (f->mode != SANDBOX_STRICT) {
		logger_put(LEVEL_DEBUG, said.text);
		return EXIT_OK;
	}
	complain(said.text);
	return EXIT_RUNTIME;
}

/* The groups are in a file. */
static int take_groups(const struct confine *f)
{
	struct fault why;

	if (!f->drops || rights_take_groups(&f->rights, &why) == 0)
		return EXIT_OK;
	complain(why.text);
	return EXIT_RUNTIME;
}

static uv_async_t *told;

static void tell(void)
{
	if (told)
		uv_async_send(told);
}

static int begin(struct confine *f, const struct config *c, const char *status)
{
	struct sandbox_plan plan;
	struct fault why;
	int err = EXIT_OK;

	if (needs_list(&plan, c, status) < 0) {
		complain("out of memory");
		return EXIT_RUNTIME;
	}
	f->names = plan.names;
	f->modes = plan.modes;
	f->begun = sandbox_begin(&plan, f->mode, tell, &why);
	if (!f->begun)
		err = go_without(f, "system calls", &why);
	if (err == EXIT_OK)
		f->files = sandbox_files(&plan, &why);
	if (err == EXIT_OK && !f->files)
		err = go_without(f, "files", &why);
	needs_free(&plan);
	return err;
}

int confine_files(struct confine *f, const struct config *c)
{
	int status = take_groups(f);
	struct fault why;
	char *socket;

	if (status != EXIT_OK)
		return status;
	/* Makes its folder, which only root can in /run, and nobody in the
	 * sandbox. That there is none is said when it is opened. */
	if (desk_place(&socket, c, &why) < 0)
		socket = NULL;
	/* It is read once; the rules for it may not stay the same. */
	tzset();
	if (f->mode != SANDBOX_OFF)
		status = begin(f, c, socket);
	free(socket);
	return status;
}

enum { TOLD_MS = 1000 }; /* at most once in so long */

static uint64_t told_at;

static void say_refused(void)
{
	struct fault said;
	char name[64];
	unsigned count = sandbox_refused(name, sizeof(name));

	if (count == 0)
		return;
	fault_set(&said, 0,
		  "the sandbox has refused %u system call%s, the last one %s: "
		  "please report it; --sandbox off does without",
		  count, count == 1 ? "" : "s", name);
	logger_put(LEVEL_ERROR, said.text);
}

/* What is not told now is counted, and told with the next one or in the end. */
static void on_refused(uv_async_t *refused)
{
	uint64_t now = uv_now(refused->loop);

	if (told_at != 0 && now - told_at < TOLD_MS)
		return;
	told_at = now;
	say_refused();
}

static void say_what_holds(const struct confine *f)
{
	struct fault said;

	fault_set(&said, 0, "sandbox: %s", confine_holds(f));
	logger_put(LEVEL_DEBUG, said.text);
}

int confine_calls(struct confine *f, uv_loop_t *loop)
{
	struct fault why;
	int err;

	if (!f->begun) {
		say_what_holds(f);
		return EXIT_OK;
	}
	err = uv_async_init(loop, &f->refused, on_refused);
	if (err < 0) {
		complain(uv_strerror(err));
		return EXIT_RUNTIME;
	}
	uv_unref((uv_handle_t *)&f->refused);
	told = &f->refused;
	f->calls = sandbox_calls(&why);
	if (!f->calls)
		return go_without(f, "system calls", &why);
	say_what_holds(f);
	return EXIT_OK;
}

const char *confine_holds(const struct confine *f)
{
	static const char *const texts[2][2] = {
		{"none", "seccomp, but not Landlock"},
		{"Landlock, but not seccomp", "seccomp and Landlock"},
	};

	return texts[f->files][f->calls];
}

static void tell_of(const char *what, void (*mistake)(const char *text))
{
	struct fault said;

	fault_set(&said, 0,
		  "%s out of reach of the sandbox, which was closed when "
		  "lowport started (lowport run --replace starts anew without "
		  "losing a connection; --sandbox off has none)",
		  what);
	mistake(said.text);
}

bool confine_reaches(const struct confine *f, const struct config *c,
		     void (*mistake)(const char *text))
{
	struct sandbox_plan plan;
	struct fault what;
	bool all = true;

	if (!f->files && !f->calls)
		return true;
	if (needs_list(&plan, c, NULL) < 0) {
		mistake("out of memory");
		return false;
	}
	if (needs_programs(c)) {
		tell_of("--exec: programs are", mistake);
		all = false;
	}
	if (plan.names && !f->names) {
		tell_of("--to: host names, of which there was none, are",
			mistake);
		all = false;
	}
	if (plan.modes && !f->modes) {
		tell_of("--listen: Unix sockets, of which there was none, are",
			mistake);
		all = false;
	}
	for (size_t i = 0; i < plan.count; i++) {
		if (sandbox_reaches(&plan.places[i]))
			continue;
		fault_set(&what, 0, "%s is", plan.places[i].path);
		tell_of(what.text, mistake);
		all = false;
	}
	needs_free(&plan);
	return all;
}

void confine_end(void)
{
	sandbox_end();
}

void confine_close(struct confine *f)
{
	if (told == &f->refused)
		say_refused();
	told = NULL;
}

/* --- root's rights --------------------------------------------------------- */

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

int confine_drop(const struct confine *f, const struct generation *g,
		 const struct listeners *web)
{
	struct fault why;

	if (!f->drops)
		return EXIT_OK;
	give_sockets(f, g, web);
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
