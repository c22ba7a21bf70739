#include "cli/run_help.h"

#include "cli/cli.h"
#include "config/options.h"

#include <stdio.h>
#include <string.h>

static void print_option(const struct option *o)
{
	char left[64];
	const char *help = o->help;
	size_t column = 0;

	snprintf(left, sizeof(left), "--%s %s", o->name, o->argument);
	printf("  %-31s", left);
	while (*help != '\0') {
		size_t word = strcspn(help, " ");

		if (column + word > 45) {
			printf("\n%-33s", "");
			column = 0;
		}
		printf("%s%.*s", column > 0 ? " " : "", (int)word, help);
		column += word + 1;
		help += word + (help[word] == ' ');
	}
	if (o->fallback)
		printf(" (%s)", o->fallback);
	putchar('\n');
}

int run_help(void)
{
	puts("usage: lowport run --listen SPEC --to BACKEND [--listen ... --to "
	     "...]... [OPTIONS]\n\n"
	     "Relay in the foreground. A --to closes a group: every --listen "
	     "since the one\nbefore belongs to it.\n");
	for (const struct option *o = options; o->name; o++)
		print_option(o);
	puts("\nSPEC     127.0.0.1:80  [::1]:80  *:80 (both families)  "
	     "unix:/path\n"
	     "         if:wg0:80 (what addresses the interface has; "
	     "if:wg0+ll:80 "
	     "link-local\n"
	     "         ones too)\n"
	     "         only:127.0.0.1:80 (binds all addresses, resets clients "
	     "of the others)\n"
	     "         systemd  systemd:NAME  launchd:NAME  fd:N  (handed "
	     "over; with\n"
	     "         @ADDR:PORT behind it they are refused unless bound "
	     "there, with\n"
	     "         @if:wg0 only clients at an address of it are served)\n"
	     "BACKEND  127.0.0.1:8080  [::1]:8080  8080  name:port  "
	     "unix:/path\n"
	     "         auto  unix:auto  (with --exec: we choose)\n"
	     "COMMAND  'node app.js --port {port}': split as a shell would, "
	     "run "
	     "without one.\n"
	     "         {port} {address} {path} say where to listen, as do "
	     "$PORT "
	     "and\n"
	     "         $LOWPORT_BACKEND_PORT, _ADDRESS, _PATH\n"
	     "TIME     500ms  10s  5m  2h  1d\n\n"
	     "SIGTERM or SIGINT: accept no more, let connections finish, exit "
	     "0; a second\none ends at once. SIGUSR1 (Ctrl-T on a Mac): say "
	     "how "
	     "things are, in the log.\nSIGUSR2: open the file of --log-to "
	     "anew. "
	     "Exit 2: wrong usage. Exit 1: a listener\nor the log could not be "
	     "had.");
	return EXIT_OK;
}
