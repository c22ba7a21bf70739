#include "cli/cli.h"

#include "config/args.h"
#include "service/install.h"
#include "service/names.h"

#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What install itself understands; all else is an option of run. */
struct request {
	const char *label;
	const char *reload;
	bool print, daemon;
	int argc; /* the rest */
	char *const *argv;
	char *rest[AGENT_ARGUMENTS_MAX];
};

static int print_help(void)
{
	puts("usage: lowport install --listen ADDR:PORT --to BACKEND [OPTIONS] "
	     "[RUN OPTIONS]\n"
	     "       lowport install --reload LABEL\n\n"
	     "Have launchd hold a port below 1024 on one address for you, "
	     "without root: a\nLaunchAgent of yours, which starts lowport at "
	     "the first connection.\n\n"
	     "  --listen SPEC    ADDR:PORT, *:PORT, INTERFACE:PORT or "
	     "HOST:PORT; names are\n"
	     "                   resolved now, to one socket for each address\n"
	     "  --to BACKEND     as in lowport run\n"
	     "  --label LABEL    what to call it (made from the first listener)"
	     "\n"
	     "  --print          print the property list, and touch nothing\n"
	     "  --daemon         print that of a LaunchDaemon, which runs "
	     "before anyone\n"
	     "                   logs in, and the one line that needs sudo\n"
	     "  --reload LABEL   load an installed one anew: after an upgrade "
	     "of lowport, or\n"
	     "                   when an address has come\n\n"
	     "All options of lowport run may follow (lowport run --help). "
	     "lowport uninstall\nLABEL takes it out again; lowport doctor "
	     "LABEL looks at everything.");
	return EXIT_OK;
}

/* The value of --NAME VALUE or --NAME=VALUE at argv[*i], moving *i to it; NULL
 * if that is another option. */
static const char *value_of(const char *name, int argc, char *const argv[],
			    int *i)
{
	size_t length = strlen(name);
	const char *word = argv[*i];

	if (strncmp(word, name, length) != 0)
		return NULL;
	if (word[length] == '=')
		return word + length + 1;
	if (word[length] != '\0')
		return NULL;
	if (*i + 1 < argc)
		return argv[++*i];
	return "";
}

/* Sort out what is for install. Returns how many mistakes there were. */
static int read_request(struct request *r, int argc, char *const argv[])
{
	int mistakes = 0, rest = 0;
	bool dropped = false;

	for (int i = 0; i < argc; i++) {
		const char *value;

		if ((value = value_of("--label", argc, argv, &i)))
			r->label = value;
		else if ((value = value_of("--reload", argc, argv, &i)))
			r->reload = value;
		else if (strcmp(argv[i], "--print") == 0)
			r->print = true;
		else if (strcmp(argv[i], "--daemon") == 0)
			r->daemon = true;
		else if (rest < AGENT_ARGUMENTS_MAX)
			r->rest[rest++] = argv[i];
		else
			dropped = true;
	}
	if (dropped) {
		complain("more arguments than fit an agent");
		mistakes++;
	}
	if (r->label && r->label[0] == '\0') {
		complain("--label: wants a name (try --label wg-web)");
		mistakes++;
	}
	if (r->reload && r->reload[0] == '\0') {
		complain("--reload: wants the label of an installed agent");
		mistakes++;
	}
	if (r->reload && (rest > 0 || r->print || r->daemon || r->label)) {
		complain("--reload stands alone: it loads what is installed; "
			 "to change it, install it again");
		mistakes++;
	}
	r->argc = rest;
	r->argv = r->rest;
	return mistakes;
}

/* A label from what is listened on: 127.0.0.1:80 is 127.0.0.1-80. */
static void make_label(const char *listener, char *buf, size_t size)
{
	size_t n = 0;

	if (listener[0] == '*')
		n = (size_t)snprintf(buf, size, "all");
	for (; *listener != '\0' && n + 1 < size; listener++) {
		bool plain = isalnum((unsigned char)*listener) ||
			     *listener == '.' || *listener == '_';

		if (plain)
			buf[n++] = *listener;
		else if (n > 0 && buf[n - 1] != '-')
			buf[n++] = '-';
	}
	buf[n] = '\0';
}

static const char *first_listener(const struct request *r)
{
	for (int i = 0; i < r->argc; i++) {
		const char *value = value_of("--listen", r->argc, r->argv, &i);

		if (value)
			return value;
	}
	return "lowport";
}

/* One --listen: a socket for each of its addresses, and what lowport run has
 * to be told to take them. */
static int add_listener(struct agent *a, const char *text, struct fault *why)
{
	struct addr found[AGENT_SOCKETS_MAX];
	int count = names_resolve(text, found, AGENT_SOCKETS_MAX, why);
	int err = count < 0 ? count : 0;

	for (int i = 0; i < count && err == 0; i++) {
		char spec[ADDR_TEXT + 64], addr[ADDR_TEXT];

		err = agent_add_socket(a, &found[i], why);
		if (err < 0)
			break;
		snprintf(spec, sizeof(spec), "launchd:%s@%s",
			 a->sockets[a->socket_count - 1].name,
			 addr_print(&found[i], addr));
		err = agent_add_argument(a, "--listen", why);
		if (err == 0)
			err = agent_add_argument(a, spec, why);
	}
	return err;
}

/* Build the arguments of the agent's lowport. What is no listener is complained
 * of and stood in for, so that the rest can be checked. Returns how many
 * mistakes there were. */
static int add_arguments(struct agent *a, const struct request *r)
{
	struct fault why;
	int mistakes = 0;
	char text[1200];

	agent_add_argument(a, "run", &why);
	for (int i = 0; i < r->argc; i++) {
		const char *value = value_of("--listen", r->argc, r->argv, &i);
		int err = value && value[0] != '\0'
				  ? add_listener(a, value, &why)
				  : agent_add_argument(a, r->argv[i], &why);

		if (err == 0)
			continue;
		snprintf(text, sizeof(text), "--listen: %s", why.text);
		complain(value ? text : why.text);
		mistakes++;
		agent_add_argument(a, "--listen", &why);
		agent_add_argument(a, "launchd:none", &why);
	}
	return mistakes;
}

/* The same checks as lowport run makes, before anything is touched. */
static int check_arguments(struct agent *a)
{
	struct config config;
	int mistakes;

	config_init(&config);
	mistakes = (int)args_read(&config, (int)a->argument_count - 1,
				  a->arguments + 1, complain);
	a->exit_timeout_s = config.drain_timeout_ms / 1000 + 2;
	config_free(&config);
	return mistakes;
}

/* Whom the daemon runs as: whoever asks for it, but never root. */
static const char *user_name(void)
{
	const char *sudo = getenv("SUDO_USER");
	const struct passwd *pw = getpwuid(getuid());

	if (getuid() == 0)
		return sudo && sudo[0] != '\0' && strcmp(sudo, "root") != 0
			       ? sudo
			       : "nobody";
	return pw ? pw->pw_name : "nobody";
}

/* The daemon is the system's: its files lie where root alone may write. */
static void print_daemon(struct agent *a, const char *program)
{
	char *xml;

	snprintf(a->plist, sizeof(a->plist), "/Library/LaunchDaemons/%s.plist",
		 a->label);
	snprintf(a->log, sizeof(a->log), "/Library/Logs/%s.log", a->label);
	snprintf(a->program, sizeof(a->program), "/usr/local/libexec/lowport");
	xml = plist_write(a, PLIST_DAEMON, user_name());
	fputs(xml ? xml : "", stdout);
	free(xml);
	fprintf(stderr,
		"Save what was printed as %s.plist; then this line, the only "
		"one with sudo, installs\nand loads it (it runs as %s, not as "
		"root):\n\n"
		"  sudo sh -c 'mkdir -p /usr/local/libexec && install -m 755 "
		"\"%s\" %s &&\n"
		"    install -o root -g wheel -m 644 %s.plist %s && touch %s "
		"&&\n"
		"    chown %s %s && launchctl bootstrap system %s'\n\n"
		"It goes away with: sudo launchctl bootout system/%s && sudo "
		"rm "
		"%s\n",
		a->label, user_name(), program, a->program, a->label, a->plist,
		a->log, user_name(), a->log, a->plist, a->label, a->plist);
}

/* It goes into a line for the shell of root. */
static bool is_plain_path(const char *path)
{
	if (!strpbrk(path, "'\"`$\\"))
		return true;
	complain("the path of this program has quotes, $ or \\ in it; put it "
		 "elsewhere first");
	return false;
}

static int print_agent(const struct agent *a)
{
	char *xml = plist_write(a, PLIST_AGENT, NULL);

	fputs(xml ? xml : "", stdout);
	free(xml);
	return xml ? EXIT_OK : EXIT_RUNTIME;
}

static int install(struct agent *a, const struct request *r)
{
	char program[AGENT_PATH];
	struct fault why;

	if (!cli_own_path(program, sizeof(program)))
		return EXIT_RUNTIME;
	if (r->daemon && !is_plain_path(program))
		return EXIT_RUNTIME;
	if (r->daemon) {
		print_daemon(a, program);
		return EXIT_OK;
	}
	if (r->print)
		return print_agent(a);
	if (install_check_user(&why) < 0) {
		complain(why.text);
		return EXIT_USAGE;
	}
	if (install_agent(a, program, cli_say, &why) == 0)
		return EXIT_OK;
	complain(why.text);
	return EXIT_RUNTIME;
}

static int install_request(const struct request *r)
{
	struct agent *a = calloc(1, sizeof(*a));
	char label[AGENT_NAME_MAX + 1];
	int mistakes = 0, status = EXIT_USAGE;
	struct fault why;

	if (!a) {
		complain("out of memory");
		return EXIT_RUNTIME;
	}
	make_label(first_listener(r), label, sizeof(label));
	if (agent_init(a, r->label ? r->label : label, &why) < 0) {
		complain(why.text);
		mistakes++;
	}
	mistakes += add_arguments(a, r);
	mistakes += check_arguments(a);
	if (mistakes == 0)
		status = install(a, r);
	agent_free(a);
	free(a);
	return status;
}

static int reload(const char *name)
{
	char program[AGENT_PATH];
	struct fault why;
	int err;

	if (install_check_user(&why) < 0) {
		complain(why.text);
		return EXIT_USAGE;
	}
	if (!cli_own_path(program, sizeof(program)))
		return EXIT_RUNTIME;
	err = install_reload(name, program, cli_say, &why);
	if (err < 0)
		complain(why.text);
	return err < 0 ? EXIT_RUNTIME : EXIT_OK;
}

int cmd_install(int argc, char *const argv[])
{
	struct request r = {0};

	if (cli_wants_help(argc, argv))
		return print_help();
	if (read_request(&r, argc, argv) > 0)
		return EXIT_USAGE;
	return r.reload ? reload(r.reload) : install_request(&r);
}
