#include "cli/install_file.h"

#include "config/args.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The value of -c FILE, --config FILE or --config=FILE at argv[*i], moving *i to
 * it; NULL if that is another word. */
static const char *file_at(int argc, char *const argv[], int *i)
{
	static const char joined[] = "--config=";

	if (strncmp(argv[*i], joined, strlen(joined)) == 0)
		return argv[*i] + strlen(joined);
	if (strcmp(argv[*i], "-c") != 0 && strcmp(argv[*i], "--config") != 0)
		return NULL;
	return *i + 1 < argc ? argv[++*i] : NULL;
}

bool install_file_is_named(int argc, char *const argv[])
{
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], "-c") == 0 ||
		    strcmp(argv[i], "--config") == 0 ||
		    strncmp(argv[i], "--config=", 9) == 0)
			return true;
	return false;
}

bool install_file_is_taking(int argc, char *const argv[])
{
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], "--take") == 0 ||
		    strncmp(argv[i], "--take=", 7) == 0)
			return true;
	return false;
}

/* As it is found from /, where services run. The caller frees it. */
static char *whole_path(const char *path)
{
	char *here, *whole = NULL;

	while (strncmp(path, "./", 2) == 0)
		path += 2 + strspn(path + 2, "/");
	if (path[0] == '/' || path[0] == '\0')
		return strdup(path);
	here = getcwd(NULL, 0);
	if (here && asprintf(&whole, "%s/%s", here,
			     strcmp(path, ".") == 0 ? "" : path) < 0)
		whole = NULL;
	free(here);
	return whole;
}

/* /etc/lowport/web.conf and /etc/web.d/ are web. */
void install_file_label(int argc, char *const argv[], char *buf, size_t size)
{
	static const char *const tails[] = {".conf", ".d"};
	const char *file = NULL;
	char *whole, *slash;
	size_t length;

	for (int i = 0; i < argc && !file; i++)
		file = file_at(argc, argv, &i);
	whole = whole_path(file ? file : "lowport");
	length = whole ? strlen(whole) : 0;
	while (length > 1 && whole[length - 1] == '/')
		whole[--length] = '\0';
	slash = whole ? strrchr(whole, '/') : NULL;
	snprintf(buf, size, "%s", slash ? slash + 1 : "lowport");
	free(whole);
	length = strlen(buf);
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		size_t tail = strlen(tails[i]);

		if (length > tail && strcmp(buf + length - tail, tails[i]) == 0)
			buf[length - tail] = '\0';
	}
}

static int add_file(struct agent *a, const char *file, struct fault *why)
{
	char *whole = whole_path(file);
	int err = whole ? agent_add_argument(a, "-c", why)
			: fault_set(why, -ENOMEM, "%s: %s", file,
				    strerror(errno));

	if (err == 0)
		err = agent_add_argument(a, whole, why);
	free(whole);
	return err;
}

int install_file_arguments(struct agent *a, int argc, char *const argv[],
			   struct fault *why)
{
	int err = agent_add_argument(a, "run", why);

	for (int i = 0; i < argc && err == 0; i++) {
		const char *file = file_at(argc, argv, &i);

		err = file ? add_file(a, file, why)
			   : agent_add_argument(a, argv[i], why);
	}
	return err;
}

/* What takes socket i of a. */
static const char *taken_from(const struct agent *a, size_t i, char *buf,
			      size_t size)
{
	if (manager_here->takes_all)
		snprintf(buf, size, "%s", manager_here->name);
	else
		snprintf(buf, size, "%s:%s", manager_here->name,
			 a->sockets[i].name);
	return buf;
}

int install_file_read(struct config *c, const struct agent *a,
		      void (*mistake)(const char *text))
{
	static char take[] = "--take", stand_in[] = "fd:1048576";
	char *argv[AGENT_ARGUMENTS_MAX + 2];
	int argc = 0;

	for (size_t i = 1; i < a->argument_count; i++)
		argv[argc++] = a->arguments[i];
	/* Some of it is only right where sockets are handed over. */
	if (!install_file_is_taking(argc, argv)) {
		argv[argc++] = take;
		argv[argc++] = stand_in;
	}
	return (int)args_read(c, argc, argv, mistake);
}

static void complain_of(const struct config_group *g,
			void (*mistake)(const char *text), const char *what)
{
	struct fault why;

	if (g->name)
		fault_set(&why, 0, "%s:%u: relay %s: %s", g->place.file,
			  g->place.line, g->name, what);
	else
		fault_set(&why, 0, "--listen: %s", what);
	mistake(why.text);
}

static int add_addresses(struct agent *a, const struct listen_request *want,
			 bool joins, struct fault *why)
{
	struct addr any6 = {.family = AF_INET6, .port = want->addr.port};
	int err = manager_here->add_socket(a, &want->addr, joins, why);

	if (err == 0 && want->both_families)
		err = manager_here->add_socket(a, &any6, true, why);
	return err;
}

static int add_listener(struct agent *a, const struct listener_spec *spec,
			bool joins, struct fault *why)
{
	const struct listen_request *want = &spec->request;

	if (spec->source->handed_over)
		return fault_set(why, -EINVAL,
				 "\"%s\": install has %s make the socket; say "
				 "on which address (try 127.0.0.1:80)",
				 spec->text, manager_here->name);
	/* lowport makes those itself. */
	if (want->addr.family == AF_UNIX || want->addr.port == 0)
		return 0;
	return want->interface ? manager_here->add_interface(a, want->interface,
							     want->link_local,
							     want->addr.port,
							     why)
			       : add_addresses(a, want, joins, why);
}

int install_file_sockets(struct agent *a, const struct config *c,
			 void (*mistake)(const char *text))
{
	struct fault why;
	int mistakes = 0;

	for (size_t i = 0; i < c->group_count; i++) {
		const struct config_group *g = &c->groups[i];
		size_t first = a->socket_count;

		for (size_t j = 0; j < g->listener_count; j++) {
			if (add_listener(a, &g->listeners[j],
					 a->socket_count > first, &why) == 0)
				continue;
			complain_of(g, mistake, why.text);
			mistakes++;
		}
	}
	if (mistakes > 0 || a->socket_count > 0)
		return mistakes;
	fault_set(&why, 0,
		  "no listener is at an address that %s could hold (try listen "
		  "= 127.0.0.1:80)",
		  manager_here->name);
	mistake(why.text);
	return 1;
}

int install_file_takes(struct agent *a, struct fault *why)
{
	size_t count = manager_here->takes_all ? 1 : a->socket_count;
	char source[AGENT_NAME_MAX + 32];
	int err = 0;

	for (size_t i = 0; i < count && err == 0; i++) {
		err = agent_add_argument(a, "--take", why);
		if (err == 0)
			err = agent_add_argument(
				a, taken_from(a, i, source, sizeof(source)),
				why);
	}
	return err;
}

static int check_all(struct agent *a, const struct names *names,
		     void (*mistake)(const char *text))
{
	struct fault why;
	int mistakes = 0;

	for (size_t i = 0; i < names->count; i++) {
		if (manager_here->check_file(a, names->at[i], &why) == 0)
			continue;
		mistake(why.text);
		mistakes++;
	}
	return mistakes;
}

static int check_sockets(const struct agent *a, const struct config *c,
			 void (*mistake)(const char *text))
{
	struct fault why;
	int mistakes = 0;

	for (size_t i = 0; i < c->group_count; i++) {
		const struct config_group *g = &c->groups[i];

		for (size_t j = 0; j < g->listener_count; j++) {
			const struct addr *at = &g->listeners[j].request.addr;

			if (at->family != AF_UNIX ||
			    manager_here->check_socket(a, at->path, &why) == 0)
				continue;
			complain_of(g, mistake, why.text);
			mistakes++;
		}
	}
	return mistakes;
}

int install_file_check(struct agent *a, const struct config *c, bool of_system,
		       void (*mistake)(const char *text))
{
	int mistakes;

	if (!of_system || !manager_here->check_file)
		return 0;
	mistakes = check_all(a, &c->files, mistake);
	/* A folder is listed, too. */
	if (mistakes == 0)
		mistakes = check_all(a, &c->paths, mistake);
	return mistakes + check_sockets(a, c, mistake);
}

static bool has_socket(const struct agent *a, const struct agent_socket *s)
{
	for (size_t i = 0; i < a->socket_count; i++)
		if (addr_equal(&a->sockets[i].addr, &s->addr) &&
		    strcmp(a->sockets[i].interface, s->interface) == 0)
			return true;
	return false;
}

static void tell_missing(const struct agent *of, const struct agent *in,
			 void (*tell)(void *data, const char *where),
			 void *data)
{
	for (size_t i = 0; i < of->socket_count; i++) {
		const struct agent_socket *s = &of->sockets[i];
		char at[ADDR_TEXT], where[ADDR_TEXT + IF_NAMESIZE];

		if (has_socket(in, s))
			continue;
		if (s->interface[0] != '\0')
			snprintf(where, sizeof(where), "if:%s:%u", s->interface,
				 s->addr.port);
		else
			snprintf(where, sizeof(where), "%s",
				 addr_print(&s->addr, at));
		tell(data, where);
	}
}

void install_file_compare(const struct agent *a, const struct agent *wanted,
			  void (*lacks)(void *data, const char *where),
			  void (*left)(void *data, const char *where),
			  void *data)
{
	tell_missing(wanted, a, lacks, data);
	tell_missing(a, wanted, left, data);
}

int install_file_words(const struct agent *a, char *argv[])
{
	int argc = 0;

	for (size_t i = 1; i < a->argument_count; i++) {
		if (strcmp(a->arguments[i], "--take") == 0)
			i++;
		else if (strncmp(a->arguments[i], "--take=", 7) != 0)
			argv[argc++] = a->arguments[i];
	}
	return argc;
}
