#include "cli/cli.h"

#include "cli/install_file.h"
#include "cli/install_request.h"
#include "cli/installed.h"
#include "config/args.h"
#include "service/manager.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int print_help(void)
{
	printf("usage: lowport install --listen ADDR:PORT --to BACKEND "
	       "[OPTIONS] [RUN OPTIONS]\n"
	       "       lowport install -c FILE [OPTIONS] [RUN OPTIONS]\n"
	       "       lowport install --reload LABEL\n\n"
	       "%s\n\n"
	       "All options of lowport run may follow (lowport run --help). "
	       "lowport uninstall\nLABEL takes it out again; lowport doctor "
	       "LABEL looks at everything.\n",
	       manager_here->help);
	return EXIT_OK;
}

static bool is_to(const char *word)
{
	return strcmp(word, "--to") == 0 || strncmp(word, "--to=", 5) == 0;
}

/* Build the arguments of the agent's lowport. What is no listener is complained
 * of and stood in for, so that the rest can be checked. Returns how many
 * mistakes there were. */
static int add_arguments(struct agent *a, const struct install_request *r)
{
	struct fault why;
	int mistakes = 0;
	char text[1200], stand_in[32];
	bool first = true;

	if (r->has_file) {
		if (install_file_arguments(a, r->argc, r->argv, &why) == 0)
			return 0;
		complain(why.text);
		return 1;
	}
	snprintf(stand_in, sizeof(stand_in), "%s:none", manager_here->name);
	agent_add_argument(a, "run", &why);
	for (int i = 0; i < r->argc; i++) {
		const char *value = install_request_listener(r, &i);
		int err = value && value[0] != '\0'
				  ? manager_here->add_listener(a, value, first,
							       &why)
				  : agent_add_argument(a, r->argv[i], &why);

		/* --to closes a group, and --exec is of the one before. */
		first = value ? false : first || is_to(r->argv[i]);

		if (err == 0)
			continue;
		snprintf(text, sizeof(text), "--listen: %s", why.text);
		complain(value ? text : why.text);
		mistakes++;
		agent_add_argument(a, "--listen", &why);
		agent_add_argument(a, stand_in, &why);
	}
	return mistakes;
}

static bool is_below(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	return strncmp(path, folder, length) == 0 && path[length] == '/';
}

/* What its app and its backends need of the system. */
static void look_at_groups(struct agent *a, const struct config *c)
{
	for (size_t i = 0; i < c->group_count; i++) {
		const struct config_group *g = &c->groups[i];

		a->starts_app = a->starts_app || g->command;
		for (size_t j = 0; j < g->backend_count; j++) {
			const char *path = g->backends[j].addr.path;

			if (g->backends[j].addr.family != AF_UNIX || !path)
				continue;
			if (is_below(path, "/home") ||
			    is_below(path, "/root") ||
			    is_below(path, "/run/user"))
				a->to_home = true;
			if (is_below(path, "/tmp") ||
			    is_below(path, "/var/tmp"))
				a->to_tmp = true;
		}
	}
}

/* Its sockets, and whether it can have what is named in it. */
static int look_at_file(struct agent *a, const struct install_request *r,
			const struct config *c)
{
	struct fault why;
	int mistakes = install_file_sockets(a, c, complain);

	mistakes +=
		install_file_check(a, c, a->of_system || r->daemon, complain);
	if (mistakes > 0 || install_file_takes(a, &why) == 0)
		return mistakes;
	complain(why.text);
	return 1;
}

/* The same checks as lowport run makes, before anything is touched. */
static int check_arguments(struct agent *a, const struct install_request *r)
{
	struct config config;
	int mistakes;

	config_init(&config);
	if (r->has_file)
		mistakes = install_file_read(&config, a, complain);
	else
		mistakes = (int)args_read(&config, (int)a->argument_count - 1,
					  a->arguments + 1, complain);
	if (config.user) {
		complain("--user: is for lowport run as root; what is "
			 "installed runs as a user without rights already "
			 "(leave it out)");
		mistakes++;
	}
	a->exit_timeout_s = config.drain_timeout_ms / 1000 + 2;
	a->backlog = config.defaults.backlog;
	look_at_groups(a, &config);
	if (r->has_file && mistakes == 0)
		mistakes = look_at_file(a, r, &config);
	config_free(&config);
	return mistakes;
}

static int print(struct agent *a, const char *program, bool daemon)
{
	char *files = NULL, *how = NULL;
	struct fault why;
	int err = manager_here->print(a, program, daemon, &files, &how, &why);

	if (err < 0)
		complain(why.text);
	else
		fputs(files, stdout);
	if (how) {
		fflush(stdout);
		fputs(how, stderr);
	}
	free(files);
	free(how);
	return err < 0 ? EXIT_RUNTIME : EXIT_OK;
}

static int do_install(struct agent *a, const char *program)
{
	struct fault why;

	if (manager_here->check(a, &why) < 0) {
		complain(why.text);
		return EXIT_USAGE;
	}
	if (manager_here->install(a, program, cli_say, &why) == 0)
		return EXIT_OK;
	complain(why.text);
	return EXIT_RUNTIME;
}

static int install(struct agent *a, const struct install_request *r)
{
	char program[AGENT_PATH], *asked;
	int status;

	if (!cli_own_path(program, sizeof(program)))
		return EXIT_RUNTIME;
	asked = install_request_print(r, program);
	a->asked = asked;
	if (r->daemon || r->print)
		status = print(a, program, r->daemon);
	else
		status = do_install(a, program);
	a->asked = NULL;
	free(asked);
	return status;
}

static int obey(const struct install_request *r)
{
	struct agent *a = calloc(1, sizeof(*a));
	char label[AGENT_NAME_MAX + 1];
	const char *name;
	int mistakes = 0, status = EXIT_USAGE;
	struct fault why;

	if (!a) {
		complain("out of memory");
		return EXIT_RUNTIME;
	}
	name = install_request_label(r, label, sizeof(label));
	if (manager_here->init(a, name, &why) < 0) {
		complain(why.text);
		mistakes++;
		/* Its name is part of what is checked. */
		manager_here->init(a, "web", &why);
	}
	mistakes += add_arguments(a, r);
	/* The listener would be named as lowport run is told of it. */
	if (install_request_lacks_backend(r)) {
		complain("nothing says where to forward (try --to "
			 "127.0.0.1:8080)");
		mistakes++;
	} else {
		mistakes += check_arguments(a, r);
	}
	if (mistakes == 0)
		status = install(a, r);
	agent_free(a);
	free(a);
	return status;
}

/* The agent of that name, if it was installed with a file. */
static struct agent *find_with_file(const char *name)
{
	struct agent *a = calloc(1, sizeof(*a));
	struct fault ignored;

	if (!a)
		return NULL;
	if (manager_here->init(a, name, &ignored) == 0 &&
	    manager_here->read(a, &ignored) == 0 &&
	    install_file_is_taking((int)a->argument_count, a->arguments))
		return a;
	agent_free(a);
	free(a);
	return NULL;
}

/* Its file may say something else by now: it is installed once more. */
static int reload_with_file(const struct agent *a)
{
	struct install_request r = {
		.label = a->name, .has_file = true, .argv = r.rest};
	int status;

	r.argc = install_file_words(a, r.rest);
	status = obey(&r);
	if (status == EXIT_USAGE)
		complain("nothing was touched: what was installed goes on");
	return status;
}

static int reload(const char *name)
{
	char program[AGENT_PATH], names[256];
	struct fault why;
	struct agent *a;
	int err;

	if (manager_here->check(NULL, &why) < 0) {
		complain(why.text);
		return EXIT_USAGE;
	}
	if (!cli_own_path(program, sizeof(program)))
		return EXIT_RUNTIME;
	a = find_with_file(name);
	if (a) {
		err = reload_with_file(a);
		agent_free(a);
		free(a);
		return err;
	}
	err = manager_here->reload(name, program, cli_say, &why);
	if (err < 0)
		complain(why.text);
	if (err == -ENOENT)
		complain(installed_names(names, sizeof(names)));
	return err < 0 ? EXIT_RUNTIME : EXIT_OK;
}

int cmd_install(int argc, char *const argv[])
{
	struct install_request r = {0};

	if (cli_wants_help(argc, argv))
		return print_help();
	if (install_request_read(&r, argc, argv) > 0)
		return EXIT_USAGE;
	return r.reload ? reload(r.reload) : obey(&r);
}
