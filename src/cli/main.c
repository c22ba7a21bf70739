#include "cli/cli.h"

#include "base/log.h"
#include "base/spelling.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

const struct command commands[] = {
	{"run", cmd_run, "relay in the foreground"},
	{"check", cmd_check,
	 "say what is wrong with a configuration, or what it does"},
	{"reload", cmd_reload, "have it read its configuration again"},
	{"status", cmd_status, "what runs, and how it does"},
	{"kill", cmd_kill, "reset one open connection"},
	{"install", cmd_install, "have launchd or systemd hold the port"},
	{"uninstall", cmd_uninstall, "take an installed one out again"},
	{"doctor", cmd_doctor, "look at everything that goes wrong"},
	{"convert-pf", cmd_convert_pf,
	 "rdr rules of pf.conf as a lowport.conf"},
	{"completions", cmd_completions,
	 "what makes bash, zsh or fish complete these"},
	{"manual", cmd_manual, NULL}, /* the options, for the manual pages */
	{"watch", cmd_watch, NULL},   /* what install has launchd run */
	{NULL, NULL, NULL},
};

/* What is told may have come from a file that somebody else wrote. */
void complain(const char *text)
{
	char harmless[LOG_TEXT];

	log_escape(harmless, sizeof(harmless), text, "\n  ");
	fprintf(stderr, "lowport: %s\n", harmless);
}

void cli_say(const char *text)
{
	puts(text);
	fflush(stdout);
}

bool cli_wants_help(int argc, char *const argv[])
{
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

bool cli_own_path(char *buf, size_t size)
{
	int err = uv_exepath(buf, &size);

	if (err < 0)
		complain(uv_strerror(err));
	return err == 0;
}

static void print_help(FILE *to)
{
	fputs("lowport: a TCP relay from a privileged port on one interface "
	      "to an\nunprivileged backend, without root.\n\n"
	      "usage: lowport COMMAND [OPTIONS]\n\n",
	      to);
	for (const struct command *c = commands; c->name; c++)
		if (c->help)
			fprintf(to, "  %-12s %s\n", c->name, c->help);
	fputs("\n  --help        this text; lowport COMMAND --help or man "
	      "lowport "
	      "tells more\n"
	      "  --version     the version of lowport and of libuv\n\n"
	      "for example: lowport run --listen 127.0.0.1:8000 --to 8080\n",
	      to);
}

/* Standard descriptors that are closed would become sockets and pipes of ours,
 * and be logged into. */
static void open_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

static int complain_unknown(const char *word)
{
	const char *meant = NULL;
	char text[256];

	for (const struct command *c = commands; c->name && !meant; c++)
		if (c->help && spelling_resembles(word, c->name))
			meant = c->name;
	if (meant)
		snprintf(text, sizeof(text),
			 "\"%.100s\" is not a command (did you mean %s?)", word,
			 meant);
	else
		snprintf(text, sizeof(text),
			 "\"%.100s\" is not a command (try lowport run, or "
			 "lowport --help)",
			 word);
	complain(text);
	return EXIT_USAGE;
}

int main(int argc, char *argv[])
{
	static char help[] = "--help";
	const char *word = argc > 1 ? argv[1] : "";

	open_standard();
	/* lowport help run is lowport run --help. */
	if (strcmp(word, "help") == 0 && argc == 3) {
		word = argv[2];
		argv[2] = help;
	}
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ||
	    strcmp(word, "help") == 0) {
		print_help(stdout);
		return EXIT_OK;
	}
	if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
		printf("lowport %s (libuv %s)\n", LOWPORT_VERSION,
		       uv_version_string());
		return EXIT_OK;
	}
	for (const struct command *c = commands; c->name; c++)
		if (strcmp(word, c->name) == 0)
			return c->run(argc - 2, argv + 2);
	if (word[0] == '\0') {
		print_help(stderr);
		return EXIT_USAGE;
	}
	return complain_unknown(word);
}
