#ifndef LOWPORT_CLI_CLI_H
#define LOWPORT_CLI_CLI_H

/* What a subcommand ends with. */
enum {
	EXIT_OK = 0,
	EXIT_RUNTIME = 1, /* something failed that may work another time */
	EXIT_USAGE = 2,   /* the command or the configuration is wrong */
};

/* One file per subcommand. argv begins behind the subcommand's name. */
struct command {
	const char *name;
	int (*run)(int argc, char *const argv[]);
	const char *help; /* one line */
};

int cmd_run(int argc, char *const argv[]);

/* lowport: TEXT on standard error, each further line indented. */
void complain(const char *text);

#endif
