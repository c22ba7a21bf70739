#include "cli/cli.h"

#include "cli/logger.h"
#include "service/watcher.h"

/* Into the log that the agent has too, which is standard error. */
static void say(const char *text)
{
	logger_put(LEVEL_INFO, text);
}

int cmd_watch(int argc, char *const argv[])
{
	char program[AGENT_PATH];
	struct fault why;

	if (argc != 1) {
		complain("watch wants the label of an installed agent");
		return EXIT_USAGE;
	}
	if (!cli_own_path(program, sizeof(program)))
		return EXIT_RUNTIME;
	logger_open(&(struct logger_options){.level = LEVEL_INFO}, NULL);
	watcher_run(argv[0], program, say, &why);
	complain(why.text);
	return EXIT_RUNTIME;
}
