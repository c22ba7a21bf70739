#include "service/install.h"

#include "os/file.h"
#include "os/netif.h"
#include "service/launchctl.h"
#include "service/reach.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	REACH_MS = 3000, /* for one address to accept a connection */
	HOLD_MS = 1000,  /* for the relay to hang up, if it has to */
};

static void sayf(install_say say, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void sayf(install_say say, const char *format, ...)
{
	char text[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	say(text);
}

static void say_nothing(const char *text)
{
	(void)text;
}

static void remove_file(const char *path, install_say say)
{
	if (unlink(path) == 0)
		sayf(say, "removed %s", path);
}

int install_check_user(struct fault *why)
{
	const char *sudo = getenv("SUDO_USER");

	if (getuid() == 0 || geteuid() == 0 || (sudo && sudo[0] != '\0'))
		return fault_set(why, -EPERM,
				 "run this as yourself, without sudo: a "
				 "LaunchAgent is yours, and launchd binds the "
				 "port.\nUnder sudo it would end up in root's "
				 "home and be refused.");
	return 0;
}

/* Is the port free for launchd? A wildcard listener of another user does not
 * stand in its way, one on this very address does. */
static int check_port(const struct agent_socket *s, struct fault *why)
{
	char text[ADDR_TEXT], who[768];

	if (!netif_has(&s->addr) || reach_connect(&s->addr, REACH_MS) < 0)
		return 0;
	reach_who(s->addr.port, who, sizeof(who));
	return fault_set(why, -EADDRINUSE,
			 "%s: something answers there already.\n%s%s",
			 addr_print(&s->addr, text), who[0] ? "It is:\n" : "",
			 who);
}

static int check_ports(const struct agent *a, struct fault *why)
{
	for (size_t i = 0; i < a->socket_count; i++) {
		int err = check_port(&a->sockets[i], why);

		if (err < 0)
			return err;
	}
	return 0;
}

static int write_plist(const struct agent *a, struct fault *why)
{
	char *xml = plist_write(a, PLIST_AGENT, NULL);
	int err = xml ? file_make_parent(a->plist) : -ENOMEM;

	if (err == 0)
		err = file_replace(a->plist, xml, strlen(xml), 0644);
	free(xml);
	return err < 0 ? fault_set(why, err, "%s: %s", a->plist, strerror(-err))
		       : 0;
}

static int copy_program(const struct agent *a, const char *program,
			struct fault *why)
{
	int err = 0;

	/* Reloaded by its own copy: nothing newer is at hand. */
	if (file_is_same(program, a->program))
		return 0;
	err = file_make_parent(a->program);
	if (err == 0)
		err = file_copy(program, a->program, 0755);
	return err < 0 ? fault_set(why, err, "%s: %s", a->program,
				   strerror(-err))
		       : 0;
}

static int make_files(const struct agent *a, const char *program,
		      struct fault *why)
{
	int err = copy_program(a, program, why);

	if (err == 0)
		err = file_make_parent(a->log);
	if (err < 0)
		return err;
	return write_plist(a, why);
}

static int load(const struct launchctl_domain *domain, const struct agent *a,
		struct fault *why)
{
	int err = launchctl_bootout(domain, a->label, why);

	if (err == 0)
		err = launchctl_bootstrap(domain, a->label, a->plist, why);
	return err;
}

/* Look at one address from outside. Returns 0 if it listens, or will once its
 * address comes. */
static int look(const struct agent *a, const struct agent_socket *s,
		install_say say, struct fault *why)
{
	char text[ADDR_TEXT];
	int err;

	addr_print(&s->addr, text);
	if (!netif_has(&s->addr)) {
		sayf(say,
		     "%s is not an address of this machine now; the watcher "
		     "loads the agent anew when it comes",
		     text);
		return 0;
	}
	err = reach_hold(&s->addr, HOLD_MS);
	if (err == -ECONNRESET || err == -EPIPE) {
		sayf(say,
		     "%s listens, but the backend does not answer yet (see "
		     "%s)",
		     text, a->log);
		return 0;
	}
	if (err < 0)
		return fault_set(why, err,
				 "%s: loaded, but nobody listens there: %s.\n"
				 "launchd could not bind it, or lowport ended "
				 "at once. See %s, and: lowport doctor %s",
				 text, strerror(-err), a->log, a->name);
	sayf(say, "%s answers", text);
	return 0;
}

static int look_at_all(const struct agent *a, install_say say,
		       struct fault *why)
{
	for (size_t i = 0; i < a->socket_count; i++) {
		int err = look(a, &a->sockets[i], say, why);

		if (err < 0)
			return err;
	}
	return 0;
}

static void free_agent(struct agent *a)
{
	if (a)
		agent_free(a);
	free(a);
}

/* The watcher of a. The caller frees it. */
static struct agent *watcher_of(const struct agent *a, struct fault *why)
{
	struct agent *watcher = malloc(sizeof(*watcher));

	if (watcher && agent_watcher(watcher, a) == 0)
		return watcher;
	free(watcher);
	fault_set(why, -ENOMEM, "out of memory");
	return NULL;
}

static int load_watcher(const struct launchctl_domain *domain,
			const struct agent *a, struct fault *why)
{
	struct agent *watcher;
	int err;

	if (!agent_needs_watcher(a))
		return 0;
	watcher = watcher_of(a, why);
	if (!watcher)
		return -ENOMEM;
	err = write_plist(watcher, why);
	if (err == 0)
		err = load(domain, watcher, why);
	free_agent(watcher);
	return err;
}

/* Before its agent is unloaded: it would load it again. */
static int remove_watcher(const struct launchctl_domain *domain,
			  const struct agent *a, install_say say,
			  struct fault *why)
{
	struct agent *watcher = watcher_of(a, why);
	int err = watcher ? 0 : -ENOMEM;

	if (watcher && access(watcher->plist, F_OK) == 0) {
		err = launchctl_bootout(domain, watcher->label, why);
		if (err == 0)
			remove_file(watcher->plist, say);
	}
	free_agent(watcher);
	return err;
}

/* The agent of that name as its plist has it. The caller frees it. */
static struct agent *read_agent(const char *name, struct fault *why)
{
	struct agent *a = calloc(1, sizeof(*a));
	int err;

	if (!a) {
		fault_set(why, -ENOMEM, "out of memory");
		return NULL;
	}
	err = agent_init(a, name, why);
	if (err == 0)
		err = plist_read(a, why);
	if (err == -ENOENT)
		fault_set(why, err,
			  "there is no agent \"%s\" (%s does not exist)", name,
			  a->plist);
	if (err == 0)
		return a;
	free_agent(a);
	return NULL;
}

/* There is no new one: the one that was there goes on. */
static void put_back(const struct launchctl_domain *domain, const char *name)
{
	struct fault ignored;
	struct agent *old = read_agent(name, &ignored);

	if (!old)
		return;
	launchctl_bootstrap(domain, old->label, old->plist, &ignored);
	load_watcher(domain, old, &ignored);
	free_agent(old);
}

int install_agent(struct agent *a, const char *program, install_say say,
		  struct fault *why)
{
	struct launchctl_domain domain;
	int err = launchctl_domain(&domain, why);

	if (err == 0)
		err = remove_watcher(&domain, a, say_nothing, why);
	if (err == 0) /* an older one of this name holds the port itself */
		err = launchctl_bootout(&domain, a->label, why);
	if (err == 0)
		err = check_ports(a, why);
	if (err == -EADDRINUSE)
		put_back(&domain, a->name);
	if (err == 0)
		err = make_files(a, program, why);
	if (err == 0)
		err = load(&domain, a, why);
	if (err == 0)
		err = load_watcher(&domain, a, why);
	if (err == 0)
		err = look_at_all(a, say, why);
	if (err < 0)
		return err;
	sayf(say, "log:    %s", a->log);
	sayf(say, "remove: lowport uninstall %s", a->name);
	return 0;
}

int install_reload(const char *name, const char *program, install_say say,
		   struct fault *why)
{
	struct agent *a = read_agent(name, why);
	struct launchctl_domain domain;
	struct fault taken;
	int err, held = 0;
	bool upgrades;

	if (!a)
		return -ENOENT;
	/* The watcher runs the copy too, or it is who asks for this. */
	upgrades = !file_is_same(program, a->program);
	err = launchctl_domain(&domain, why);
	if (err == 0 && upgrades)
		err = remove_watcher(&domain, a, say_nothing, why);
	if (err == 0)
		err = launchctl_bootout(&domain, a->label, why);
	if (err == 0)
		err = copy_program(a, program, why);
	/* What can be served is, whoever has the rest. */
	if (err == 0)
		held = check_ports(a, &taken);
	if (err == 0)
		err = launchctl_bootstrap(&domain, a->label, a->plist, why);
	if (err == 0 && upgrades)
		err = load_watcher(&domain, a, why);
	if (err == 0 && held < 0)
		err = fault_set(why, held, "%s", taken.text);
	if (err == 0)
		err = look_at_all(a, say, why);
	free_agent(a);
	return err;
}

static void say_port(const struct agent_socket *s, install_say say)
{
	char text[ADDR_TEXT], who[1024];

	addr_print(&s->addr, text);
	if (!netif_has(&s->addr) || reach_connect(&s->addr, REACH_MS) < 0) {
		sayf(say, "%s is free", text);
		return;
	}
	reach_who(s->addr.port, who, sizeof(who));
	sayf(say, "%s is still held, but not by this agent.\n%s", text, who);
}

static int unload(const struct launchctl_domain *domain, const struct agent *a,
		  install_say say, struct fault *why)
{
	char folder[AGENT_PATH];
	int err = launchctl_bootout(domain, a->label, why);

	if (err < 0)
		return err;
	remove_file(a->plist, say);
	unlink(a->program);
	snprintf(folder, sizeof(folder), "%s", a->program);
	*strrchr(folder, '/') = '\0';
	rmdir(folder);
	return 0;
}

int install_remove(const char *name, install_say say, struct fault *why)
{
	struct agent *a = read_agent(name, why);
	struct launchctl_domain domain;
	int err;

	if (!a)
		return -ENOENT;
	err = launchctl_domain(&domain, why);
	if (err == 0)
		err = remove_watcher(&domain, a, say, why);
	if (err == 0)
		err = unload(&domain, a, say, why);
	for (size_t i = 0; err == 0 && i < a->socket_count; i++)
		say_port(&a->sockets[i], say);
	free_agent(a);
	return err;
}
