#include "service/manager.h"

#include "os/netif.h"
#include "service/agent_launchd.h"
#include "service/doctor_launchd.h"
#include "service/install_launchd.h"
#include "service/names.h"
#include "service/plist.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A socket for each address. */
static int add_listener(struct agent *a, const char *text, bool first,
			struct fault *why)
{
	struct addr found[AGENT_SOCKETS_MAX];
	int count = names_resolve(text, found, AGENT_SOCKETS_MAX, why);
	int err = count < 0 ? count : 0;

	(void)first;
	for (int i = 0; i < count && err == 0; i++) {
		char spec[ADDR_TEXT + AGENT_NAME_MAX + 64], addr[ADDR_TEXT];

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

static int add_socket(struct agent *a, const struct addr *at, bool joins,
		      struct fault *why)
{
	(void)joins;
	return agent_add_socket(a, at, why);
}

static int add_interface(struct agent *a, const char *name, bool link_local,
			 uint16_t port, struct fault *why)
{
	struct addr found[NETIF_ADDRESSES_MAX];
	int err = 0, count = names_of_interface(name, link_local, found, why);

	for (int i = 0; i < count && err == 0; i++) {
		found[i].port = port;
		err = agent_add_socket(a, &found[i], why);
	}
	return count < 0 ? count : err;
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

/* It goes into a line for the shell of root. */
static int check_plain_path(const char *path, struct fault *why)
{
	if (!strpbrk(path, "'\"`$\\"))
		return 0;
	return fault_set(why, -EINVAL,
			 "the path of this program has quotes, $ or \\ in it; "
			 "put it elsewhere first");
}

/* The daemon is the system's: its files lie where root alone may write. */
static int print_daemon(struct agent *a, const char *program, char **files,
			char **how, struct fault *why)
{
	int err = check_plain_path(program, why);

	if (err < 0)
		return err;
	snprintf(a->file, sizeof(a->file), "/Library/LaunchDaemons/%s.plist",
		 a->label);
	snprintf(a->log, sizeof(a->log), "/Library/Logs/%s.log", a->label);
	snprintf(a->program, sizeof(a->program), "/usr/local/libexec/lowport");
	*files = plist_write(a, PLIST_DAEMON, user_name());
	if (!*files)
		return fault_set(why, -ENOMEM, "out of memory");
	if (asprintf(how,
		     "Save what was printed as %s.plist; then this line, the "
		     "only one with sudo, installs\nand loads it (it runs as "
		     "%s, not as root):\n\n"
		     "  sudo sh -c 'mkdir -p /usr/local/libexec && install -m "
		     "755 \"%s\" %s &&\n"
		     "    install -o root -g wheel -m 644 %s.plist %s && touch "
		     "%s &&\n"
		     "    chown %s %s && launchctl bootstrap system %s'\n\n"
		     "It goes away with: sudo launchctl bootout system/%s && "
		     "sudo rm %s\n",
		     a->label, user_name(), program, a->program, a->label,
		     a->file, a->log, user_name(), a->log, a->file, a->label,
		     a->file) < 0)
		*how = NULL;
	return 0;
}

static int print(struct agent *a, const char *program, bool daemon,
		 char **files, char **how, struct fault *why)
{
	*how = NULL;
	if (daemon)
		return print_daemon(a, program, files, how, why);
	*files = plist_write(a, PLIST_AGENT, NULL);
	return *files ? 0 : fault_set(why, -ENOMEM, "out of memory");
}

static int check(const struct agent *a, struct fault *why)
{
	(void)a;
	return install_check_user_launchd(why);
}

static void look_at_plan(struct doctor *d, const struct addr *at)
{
	(void)d;
	(void)at;
}

static void list_all(void (*found)(void *data, const char *name), void *data,
		     char *buf, size_t size)
{
	const char *home = getenv("HOME");
	char folder[AGENT_PATH];

	snprintf(folder, sizeof(folder), "%s/Library/LaunchAgents",
		 home ? home : "");
	snprintf(buf, size, "%s/lowport.*.plist", folder);
	/* The watchers are looked at with theirs. */
	manager_list_folder(folder, "lowport.", ".plist", ".watch", found,
			    data);
}

const struct manager manager_launchd = {
	.name = "launchd",
	.thing = "agent",
	.help = "Have launchd hold a port below 1024 on one address for you, "
		"without root: a\nLaunchAgent of yours, which starts lowport "
		"at the first connection.\n\n"
		"  --listen SPEC    ADDR:PORT, *:PORT, INTERFACE:PORT or "
		"HOST:PORT; names are\n"
		"                   resolved now, to one socket for each "
		"address\n"
		"  --to BACKEND     as in lowport run\n"
		"  -c FILE          a socket for each address that the file "
		"listens at, and\n"
		"                   lowport run -c FILE; repeatable, or a "
		"folder\n"
		"  --label LABEL    what to call it (made from the first "
		"listener, or the file)\n"
		"  --print          print the property list, and touch "
		"nothing\n"
		"  --daemon         print that of a LaunchDaemon, which runs "
		"before anyone\n"
		"                   logs in, and the one line that needs sudo\n"
		"  --reload LABEL   load an installed one anew: after an "
		"upgrade of lowport,\n"
		"                   when an address has come, or the file "
		"listens elsewhere",
	.list = "ls ~/Library/LaunchAgents/lowport.*",
	.init = agent_init_launchd,
	.add_listener = add_listener,
	.add_socket = add_socket,
	.add_interface = add_interface,
	.print = print,
	.check = check,
	.install = install_launchd,
	.reload = install_reload_launchd,
	.remove = install_remove_launchd,
	.find = agent_init_launchd,
	.read = plist_read,
	.look = doctor_agent_launchd,
	.look_at_sockets = doctor_sockets_launchd,
	.look_at_plan = look_at_plan,
	.list_all = list_all,
};
