#include "cli/cli.h"

#include "cli/announce.h"
#include "config/args.h"
#include "os/netif.h"
#include "service/names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { ADDRESSES_MOST = 32 };

static int print_help(void)
{
	puts("usage: lowport check -c FILE [RUN OPTIONS]\n\n"
	     "Read a configuration as lowport run would, tell every mistake in "
	     "it with its\nplace, and, if there is none, what lowport would "
	     "do. Nothing is opened.\n\n"
	     "  -c, --config FILE  a file, or a folder of *.conf; may be "
	     "repeated\n\n"
	     "All options of lowport run may follow (lowport run --help).\n"
	     "Exit 0: no mistake. Exit 2: some, or a file that cannot be "
	     "read.");
	return EXIT_OK;
}

static void print_addresses(const struct addr *at, int count)
{
	char text[ADDR_TEXT];

	for (int i = 0; i < count; i++)
		printf("%s%s", i > 0 ? ", " : "", addr_print(&at[i], text));
}

/* What an interface has now. */
static void print_interface(const struct listen_request *asked)
{
	struct addr now[NETIF_ADDRESSES_MAX];
	int count = netif_addresses(asked->interface, asked->link_local, now);

	if (count == -ENODEV)
		printf(": the interface is not there yet");
	else if (count <= 0)
		printf(": it has no address yet");
	else
		printf(": now ");
	for (int i = 0; i < count; i++)
		now[i].port = asked->addr.port;
	print_addresses(now, count > 0 ? count : 0);
}

static const char *origin(const struct listen_source *source)
{
	switch (source->argument) {
	case LISTEN_ADDRESS:
		return "opened by lowport";
	case LISTEN_ONE_ADDRESS:
		return "opened by lowport on all addresses, others are reset";
	case LISTEN_INTERFACE:
		return "opened by lowport at each address of the interface";
	case LISTEN_PATH:
		return "a socket file made by lowport";
	case LISTEN_NAME:
		return "handed over by launchd";
	case LISTEN_OPTIONAL_NAME:
		return "handed over by systemd";
	case LISTEN_NUMBER:
		return "handed over by the parent process";
	}
	return "";
}

/* Once for each of them: systemd, launchd, ... */
static void print_givers(const struct takes *takes)
{
	for (size_t i = 0; i < takes->count; i++) {
		const char *giver = takes->at[i].source->giver;
		bool told = false;

		for (size_t j = 0; j < i; j++)
			told |= takes->at[j].source->giver == giver;
		if (!told)
			printf("%s%s", i > 0 ? " or " : "", giver);
	}
}

static void print_listener(const struct listener_spec *spec,
			   const struct takes *takes)
{
	printf("  listen  %s  (", spec->text);
	if (takes->count > 0 && !spec->source->handed_over) {
		printf("taken from ");
		print_givers(takes);
		printf(" where that hands it over, else ");
	}
	printf("%s", origin(spec->source));
	if (spec->request.interface)
		print_interface(&spec->request);
	puts(")");
}

static void print_backend(const struct relay_backend *b)
{
	struct addr found[ADDRESSES_MOST];
	char text[BACKEND_TEXT];
	struct fault why;
	int count;

	printf("  to      %s", announce_backend(b, text));
	if (b->host) {
		count = names_of_host(b->host, found, ADDRESSES_MOST, &why);
		for (int i = 0; i < count; i++)
			found[i].port = b->addr.port;
		printf(count < 0 ? "  (has no address now: " : "  (");
		if (count < 0)
			printf("%s", why.text);
		else
			print_addresses(found, count);
		putchar(')');
	}
	putchar('\n');
}

static void print_relay(const struct config_group *g, const struct takes *takes)
{
	printf("relay %s\n", config_group_name(g));
	for (size_t i = 0; i < g->listener_count; i++)
		print_listener(&g->listeners[i], takes);
	if (g->command)
		printf("  exec    %s  (for the first client)\n", g->command);
	for (size_t i = 0; i < g->backend_count; i++)
		if (g->choice == BACKEND_GIVEN)
			print_backend(&g->backends[i]);
	if (g->choice != BACKEND_GIVEN)
		printf("  to      %s  (chosen when lowport starts)\n",
		       g->choice == BACKEND_PORT ? "a free port"
						 : "a socket file");
}

int cmd_check(int argc, char *const argv[])
{
	struct config config;
	size_t mistakes;

	if (cli_wants_help(argc, argv))
		return print_help();
	config_init(&config);
	mistakes = args_read(&config, argc, argv, complain);
	if (mistakes == 0) {
		printf("no mistake; %zu relay%s:\n", config.group_count,
		       config.group_count == 1 ? "" : "s");
		for (size_t i = 0; i < config.group_count; i++)
			print_relay(&config.groups[i], &config.takes);
	}
	config_free(&config);
	return mistakes == 0 ? EXIT_OK : EXIT_USAGE;
}
