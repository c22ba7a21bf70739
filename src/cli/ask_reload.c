#include "cli/cli.h"

#include "cli/find.h"
#include "cli/flags.h"
#include "control/answer.h"
#include "control/client.h"
#include "os/proc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int print_help(void)
{
	puts("usage: lowport reload [--socket PATH|NAME]\n\n"
	     "Have the lowport that runs read its configuration again "
	     "(lowport run -c FILE).\nIt is checked first: if anything is "
	     "wrong with it, that is told here and in the\nlog, and all stays "
	     "as it was. Listeners that stay the same are never closed, and\n"
	     "connections live on with what they started with.\n\n"
	     "  --socket PATH|NAME  of this lowport, where several run\n\n"
	     "SIGHUP does the same. Exit 1: there is none that could be asked, "
	     "or something\nwas not to be had. Exit 2: the configuration is "
	     "wrong, or the usage.");
	return EXIT_OK;
}

static bool read_arguments(const char **which, int argc, char *const argv[])
{
	for (int i = 0; i < argc; i++) {
		if (strncmp(argv[i], "--socket=", 9) == 0 && argv[i][9]) {
			*which = argv[i] + 9;
		} else if (strcmp(argv[i], "--socket") == 0 && i + 1 < argc) {
			*which = argv[++i];
		} else {
			flags_complain("reload", argv[i]);
			return false;
		}
	}
	return true;
}

static void tell_mistakes(const char *mistakes)
{
	char *copy = strdup(mistakes), *line = copy;

	while (line && *line != '\0') {
		char *end = strchr(line, '\n');

		if (end)
			*end = '\0';
		complain(line);
		line = end ? end + 1 : NULL;
	}
	free(copy);
}

/* Returns what it ended with there, or a negative errno with *why. */
static int reload(const char *path, struct fault *why)
{
	char *answer;
	cJSON *said;
	int err = client_ask(path, "reload", &answer, NULL, why);

	if (err < 0)
		return err;
	said = answer_read(answer, path, why);
	free(answer);
	if (!said)
		return -1;
	err = (int)answer_number(said, "status");
	tell_mistakes(answer_string(said, "mistakes"));
	cJSON_Delete(said);
	return err;
}

int cmd_reload(int argc, char *const argv[])
{
	const char *which = NULL;
	struct fault why;
	char *path;
	int err;

	if (cli_wants_help(argc, argv))
		return print_help();
	if (!read_arguments(&which, argc, argv))
		return EXIT_USAGE;
	proc_ignore_sigpipe();
	err = find_one(&path, which, &why);
	if (err == 0) {
		err = reload(path, &why);
		free(path);
	}
	if (err < 0) {
		complain(why.text);
		return EXIT_RUNTIME;
	}
	puts(err == EXIT_OK ? "the new configuration is in force"
			    : "the configuration stays as it was");
	return err;
}
