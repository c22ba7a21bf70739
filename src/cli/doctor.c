#include "cli/cli.h"

#include "base/words.h"
#include "cli/doctor_file.h"
#include "cli/install_file.h"
#include "cli/installed.h"
#include "config/args.h"
#include "service/manager.h"
#include "service/names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int print_help(void)
{
	puts("usage: lowport doctor                                 everything "
	     "installed\n"
	     "       lowport doctor LABEL                           one of "
	     "them\n"
	     "       lowport doctor --listen SPEC --to BACKEND      before "
	     "installing\n\n"
	     "Look at everything that goes wrong in practice. Each line is ok, "
	     "problem (with\nwhat mends it) or unknown. Exit 0 only if nothing "
	     "is wrong.");
	return EXIT_OK;
}

/* Who is looked at: stands for LABEL in what mends it. */
static const char *label;

static void print_indented(const char *text, const char *instead)
{
	static const char place[] = "LABEL";

	for (; *text != '\0'; text++) {
		if (instead && strncmp(text, place, strlen(place)) == 0) {
			fputs(instead, stdout);
			text += strlen(place) - 1;
			continue;
		}
		putchar(*text);
		if (*text == '\n')
			printf("%-20s", "");
	}
	putchar('\n');
}

static void say(enum finding finding, const char *subject, const char *text,
		const char *mend)
{
	static const char *const names[] = {
		[FINDING_OK] = "ok",
		[FINDING_PROBLEM] = "problem",
		[FINDING_UNKNOWN] = "unknown",
	};

	printf("%-8s %-10s ", names[finding], subject);
	print_indented(text, NULL);
	if (mend) {
		printf("%-20s", "");
		printf("mend: ");
		print_indented(mend, label);
	}
}

static void nothing(const char *text)
{
	(void)text;
}

/* One that is started for the first client need not answer, but has to be there.
 * A name alone is looked for in the service manager's PATH, which is not ours. */
static void look_at_command(struct doctor *d, const struct config_group *g)
{
	struct fault why;
	char **words;

	if (words_split(g->command, &words, &why) < 0)
		return;
	if (words[0][0] == '/' && access(words[0], X_OK) < 0)
		doctor_report(d, FINDING_PROBLEM, "exec",
			      "put the program there, or install it again with "
			      "the right path",
			      "%s: %s", words[0], strerror(errno));
	else if (words[0][0] != '/' && strchr(words[0], '/'))
		doctor_report(
			d, FINDING_UNKNOWN, "exec",
			"install it again with the whole path",
			"%s begins where the service is started, not where "
			"you are",
			words[0]);
	else
		doctor_report(d, FINDING_OK, "backend", NULL,
			      "is started when somebody calls (--exec)");
	words_free(words);
}

/* The file, if there is one, and the backends that an agent was installed
 * with. */
static void look_at_backends(struct doctor *d, struct agent *a)
{
	struct config config;

	config_init(&config);
	if (install_file_is_named((int)a->argument_count, a->arguments))
		doctor_file(d, a, &config);
	else if (a->argument_count > 1)
		args_read(&config, (int)a->argument_count - 1, a->arguments + 1,
			  nothing);
	for (size_t i = 0; i < config.group_count; i++) {
		const struct config_group *g = &config.groups[i];

		if (g->command)
			look_at_command(d, g);
		for (size_t j = 0; j < g->backend_count && !g->command; j++)
			doctor_backend(d, &g->backends[j]);
	}
	config_free(&config);
}

static void look_at_agent(struct doctor *d, const char *name)
{
	struct agent *a = calloc(1, sizeof(*a));
	struct fault why;
	char names[256];
	bool loaded = false;
	int err;

	label = name;
	printf("%s %s\n", manager_here->thing, name);
	err = a ? manager_here->find(a, name, &why)
		: fault_set(&why, -ENOMEM, "out of memory");
	if (err == 0) {
		loaded = manager_here->look(d, a);
		err = manager_here->read(a, &why);
	}
	if (err == 0) {
		manager_here->look_at_sockets(d, a, loaded);
		for (size_t i = 0; i < a->socket_count; i++) {
			doctor_wildcards(d, &a->sockets[i].addr);
			doctor_firewall(d, &a->sockets[i].addr);
		}
		look_at_backends(d, a);
	} else if (err == -ENOENT) {
		say(FINDING_UNKNOWN, "label",
		    installed_names(names, sizeof(names)), NULL);
	} else {
		say(FINDING_PROBLEM, "files", why.text, NULL);
		d->problems++;
	}
	if (a)
		agent_free(a);
	free(a);
}

struct all {
	struct doctor *d;
	size_t count;
};

static void on_found(void *data, const char *name)
{
	struct all *all = data;

	look_at_agent(all->d, name);
	all->count++;
}

static void look_at_all(struct doctor *d)
{
	struct all all = {.d = d};
	char where[2 * AGENT_PATH];

	manager_here->list_all(on_found, &all, where, sizeof(where));
	if (all.count == 0)
		printf("no %s is installed (%s)\n", manager_here->thing, where);
}

/* What would be, if it were installed or run. Returns how many mistakes. */
static int look_at_plan(struct doctor *d, int argc, char *const argv[])
{
	struct fault why;
	int mistakes = 0;

	for (int i = 0; i + 1 < argc; i += 2) {
		struct addr at[AGENT_SOCKETS_MAX];
		struct relay_backend backend;
		char *strings = NULL;
		int n = 0, err = 0;

		if (strcmp(argv[i], "--listen") == 0) {
			n = names_resolve(argv[i + 1], at, AGENT_SOCKETS_MAX,
					  &why);
		} else if (strcmp(argv[i], "--to") == 0) {
			err = spec_parse_backend(&backend, &strings,
						 argv[i + 1], &why);
			if (err == 0)
				doctor_backend(d, &backend);
			free(strings);
		} else {
			err = fault_set(&why, -EINVAL,
					"%s: doctor takes --listen and --to",
					argv[i]);
		}
		if (n == -ENODEV || n == -EADDRNOTAVAIL) {
			doctor_report(d, FINDING_PROBLEM, "interface",
				      "bring it up; lowport run waits for it",
				      "%s: %s", argv[i + 1],
				      n == -ENODEV ? "is not there now"
						   : "has no address now");
		} else if (n < 0 || err < 0) {
			complain(why.text);
			mistakes++;
		}
		for (int j = 0; j < n; j++) {
			doctor_listener(d, &at[j]);
			manager_here->look_at_plan(d, &at[j]);
			doctor_wildcards(d, &at[j]);
			doctor_firewall(d, &at[j]);
		}
	}
	return mistakes;
}

int cmd_doctor(int argc, char *const argv[])
{
	struct doctor d = {.say = say};
	bool plan = argc > 0 && strncmp(argv[0], "--", 2) == 0;

	if (cli_wants_help(argc, argv))
		return print_help();
	if ((plan && argc % 2 != 0) || (!plan && argc > 1)) {
		complain("doctor takes a label, or pairs of --listen SPEC and "
			 "--to BACKEND (see lowport doctor --help)");
		return EXIT_USAGE;
	}
	doctor_limits(&d);
	if (plan && look_at_plan(&d, argc, argv) > 0)
		return EXIT_USAGE;
	if (!plan && argc == 1)
		look_at_agent(&d, argv[0]);
	if (argc == 0)
		look_at_all(&d);
	return d.problems > 0 ? EXIT_RUNTIME : EXIT_OK;
}
