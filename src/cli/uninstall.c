#include "cli/cli.h"

#include "service/install.h"

#include <stdio.h>

int cmd_uninstall(int argc, char *const argv[])
{
	struct fault why;
	int err;

	if (cli_wants_help(argc, argv)) {
		puts("usage: lowport uninstall LABEL\n\n"
		     "Take an agent out: unload it, remove its files, and look "
		     "whether its ports\nare free now.");
		return EXIT_OK;
	}
	if (argc != 1) {
		complain("uninstall wants one label (ls ~/Library/LaunchAgents/"
			 "lowport.*)");
		return EXIT_USAGE;
	}
	if (install_check_user(&why) < 0) {
		complain(why.text);
		return EXIT_USAGE;
	}
	err = install_remove(argv[0], cli_say, &why);
	if (err < 0)
		complain(why.text);
	return err < 0 ? EXIT_RUNTIME : EXIT_OK;
}
