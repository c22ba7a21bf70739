#include "cli/cli.h"

#include "base/num.h"
#include "cli/find.h"
#include "cli/flags.h"
#include "control/answer.h"
#include "control/client.h"
#include "os/proc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int print_help(void)
{
	puts("usage: lowport kill [--socket PATH|NAME] ID\n\n"
	     "Reset one open connection, both its client and its backend. "
	     "lowport status\n--connections shows the ids; none is ever used "
	     "again by the same process.\n\n"
	     "  --socket PATH|NAME  of this lowport, where several run\n\n"
	     "Exit 1: there is no such connection, or no lowport that could be "
	     "asked. Exit 2:\nwrong usage.");
	return EXIT_OK;
}

static bool read_arguments(const char **which, uint64_t *id, int argc,
			   char *const argv[])
{
	const char *text = NULL;
	struct fault why;

	for (int i = 0; i < argc; i++) {
		if (strncmp(argv[i], "--socket=", 9) == 0 && argv[i][9]) {
			*which = argv[i] + 9;
		} else if (strcmp(argv[i], "--socket") == 0 && i + 1 < argc) {
			*which = argv[++i];
		} else if (text || argv[i][0] == '-') {
			flags_complain("kill", argv[i]);
			return false;
		} else {
			text = argv[i];
		}
	}
	if (text && num_parse(text, 10, 1, UINT64_MAX, id) == 0)
		return true;
	if (text)
		fault_set(&why, 0,
			  "kill: \"%s\" is not the id of a connection (lowport "
			  "status --connections shows them)",
			  text);
	else
		fault_set(&why, 0,
			  "kill wants the id of a connection (lowport status "
			  "--connections shows them)");
	complain(why.text);
	return false;
}

/* Returns 0 or a negative errno with *why. */
static int kill_one(const char *path, uint64_t id, struct fault *why)
{
	char request[64], *answer;
	cJSON *said;
	int err;

	snprintf(request, sizeof(request), "kill %" PRIu64, id);
	err = client_ask(path, request, &answer, NULL, why);
	if (err < 0)
		return err;
	said = answer_read(answer, path, why);
	free(answer);
	if (!said)
		return -ENOENT;
	cJSON_Delete(said);
	return 0;
}

int cmd_kill(int argc, char *const argv[])
{
	const char *which = NULL;
	char *path;
	uint64_t id;
	struct fault why;
	int err;

	if (cli_wants_help(argc, argv))
		return print_help();
	if (!read_arguments(&which, &id, argc, argv))
		return EXIT_USAGE;
	proc_ignore_sigpipe();
	err = find_one(&path, which, &why);
	if (err == 0) {
		err = kill_one(path, id, &why);
		free(path);
	}
	if (err < 0)
		complain(why.text);
	return err == 0 ? EXIT_OK : EXIT_RUNTIME;
}
