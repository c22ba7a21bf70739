#ifndef LOWPORT_CLI_CLI_H
#define LOWPORT_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

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
	const char *help; /* one line; NULL: not for people */
};

/* Ends with a row whose name is NULL. */
extern const struct command commands[];

int cmd_run(int argc, char *const argv[]);
int cmd_check(int argc, char *const argv[]);
int cmd_status(int argc, char *const argv[]);
int cmd_reload(int argc, char *const argv[]);
int cmd_kill(int argc, char *const argv[]);
int cmd_install(int argc, char *const argv[]);
int cmd_uninstall(int argc, char *const argv[]);
int cmd_doctor(int argc, char *const argv[]);
int cmd_convert_pf(int argc, char *const argv[]);
int cmd_watch(int argc, char *const argv[]);
int cmd_completions(int argc, char *const argv[]);
int cmd_manual(int argc, char *const argv[]);

/* lowport: TEXT on standard error, each further line indented. */
void complain(const char *text);

/* TEXT and a newline on standard output, at once. */
void cli_say(const char *text);

/* Is --help or -h among the arguments? */
bool cli_wants_help(int argc, char *const argv[]);

/* Where this program is. Returns false after saying why it cannot tell. */
bool cli_own_path(char *buf, size_t size);

#endif
