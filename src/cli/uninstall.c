#include "cli/cli.h"

#include "cli/installed.h"
#include "service/manager.h"

#include <errno.h>
#include <stdio.h>

int cmd_uninstall(int argc, char *const argv[])
{
	struct fault why;
	char text[400], names[256];
	int err;

	if (cli_wants_help(argc, argv)) {
		printf("usage: lowport uninstall LABEL\n\n"
		       "Take an installed %s out: unload it, remove its "
		       "files, and look whether\nits ports are free now.\n",
		       manager_here->thing);
		return EXIT_OK;
	}
	if (argc != 1) {
		snprintf(text, sizeof(text), "uninstall wants one label (%s)",
			 installed_names(names, sizeof(names)));
		complain(text);
		return EXIT_USAGE;
	}
	if (manager_here->check(NULL, &why) < 0) {
		complain(why.text);
		return EXIT_USAGE;
	}
	err = manager_here->remove(argv[0], cli_say, &why);
	if (err < 0)
		complain(why.text);
	if (err == -ENOENT)
		complain(installed_names(names, sizeof(names)));
	return err < 0 ? EXIT_RUNTIME : EXIT_OK;
}
