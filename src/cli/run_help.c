#include "cli/run_help.h"

#include "cli/brief.h"
#include "cli/cli.h"

#include <stdio.h>

enum { BRIEF_MOST = 64 };

/* All of it has to fit a screen: a line for each option. */
static void print_option(const struct option *o)
{
	char left[64], text[BRIEF_MOST];

	snprintf(left, sizeof(left), "--%s %s", o->name,
		 o->argument ? o->argument : "");
	brief_option(o, text, sizeof(text));
	printf("  %-31s%s", left, text);
	if (o->fallback)
		printf(" (%s)", o->fallback);
	putchar('\n');
}

int run_help(void)
{
	puts("usage: lowport run --listen SPEC --to BACKEND [--listen SPEC "
	     "...] "
	     "[OPTIONS]\n"
	     "       lowport run -c FILE [OPTIONS]\n"
	     "Relay in the foreground. A --to closes a group: every --listen "
	     "since the one\nbefore belongs to it. man lowport tells more.\n");
	for (const struct option *o = options; o->name; o++)
		print_option(o);
	puts("\nSPEC     127.0.0.1:80  [::1]:80  *:80 (both families)  "
	     "unix:/path\n"
	     "         if:wg0:80 (its addresses)  only:127.0.0.1:80 (resets "
	     "all others)\n"
	     "         systemd  systemd:NAME  launchd:NAME  fd:N  (handed "
	     "over; @ADDR:PORT\n"
	     "         behind it: must be bound there; @if:wg0: only clients "
	     "of its addresses)\n"
	     "SOURCE   systemd  systemd:NAME  launchd:NAME  fd:N  (taken by "
	     "address)\n"
	     "BACKEND  127.0.0.1:8080  [::1]:8080  8080  name:port  "
	     "unix:/path\n"
	     "         auto  unix:auto  (with --exec: we choose)\n"
	     "COMMAND  'node app.js {port}', or {address}, {path}; without a "
	     "shell\n"
	     "TIME     500ms  10s  5m  2h  1d; 0: never\n\n"
	     "SIGTERM, SIGINT: let connections finish, exit 0; a second one "
	     "ends at once.\n"
	     "SIGHUP: read the files again. SIGUSR1: say how things are. "
	     "SIGUSR2: open the\nlog file anew. Exit 1: a listener or the "
	     "log is not to be had. Exit 2: wrong\nusage or configuration.");
	return EXIT_OK;
}
