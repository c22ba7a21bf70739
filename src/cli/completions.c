#include "cli/completions.h"

#include "cli/cli.h"
#include "service/manager.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

/* What the scripts ask for while somebody types. */
static void print_interfaces(void)
{
	struct if_nameindex *all = if_nameindex();

	for (size_t i = 0; all && all[i].if_index != 0; i++)
		printf("if:%s:\n", all[i].if_name);
	if (all)
		if_freenameindex(all);
}

static void print_label(void *data, const char *name)
{
	(void)data;
	puts(name);
}

static void print_labels(void)
{
	char where[512];

	manager_here->list_all(print_label, NULL, where, sizeof(where));
}

static int print_help(void)
{
	puts("usage: lowport completions bash|zsh|fish\n\n"
	     "Print what makes that shell complete the arguments of lowport. "
	     "Packages bring it\nalready; else, for one user:\n\n"
	     "  lowport completions bash \\\n"
	     "      >~/.local/share/bash-completion/completions/lowport\n"
	     "  lowport completions zsh >FOLDER/_lowport   (FOLDER is one of "
	     "$fpath)\n"
	     "  lowport completions fish >~/.config/fish/completions/"
	     "lowport.fish\n\n"
	     "bash needs the package bash-completion to find it, or a line "
	     "in ~/.bashrc:\n\n"
	     "  eval \"$(lowport completions bash)\"");
	return EXIT_OK;
}

int cmd_completions(int argc, char *const argv[])
{
	static const struct {
		const char *name;
		void (*print)(void);
	} kinds[] = {
		{"bash", completions_bash}, {"zsh", completions_zsh},
		{"fish", completions_fish}, {"interfaces", print_interfaces},
		{"labels", print_labels},
	};
	char text[256];

	if (cli_wants_help(argc, argv))
		return print_help();
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && argc == 1;
	     i++)
		if (strcmp(argv[0], kinds[i].name) == 0) {
			kinds[i].print();
			return EXIT_OK;
		}
	snprintf(text, sizeof(text),
		 "completions: %s%s%s (try lowport completions bash, zsh or "
		 "fish)",
		 argc == 1 ? "there are none for \"" : "for one shell",
		 argc == 1 ? argv[0] : "", argc == 1 ? "\"" : "");
	complain(text);
	return EXIT_USAGE;
}
