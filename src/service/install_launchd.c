#include "service/install_launchd.h"

#include "os/file.h"
#include "os/netif.h"
#include "service/agent_launchd.h"
#include "service/launchctl.h"
#include "service/plist.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void say_nothing(const char *text)
{
	(void)text;
}

int install_check_user_launchd(struct fault *why)
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

static int write_plist(const struct agent *a, struct fault *why)
{
	char *xml = plist_write(a, PLIST_AGENT, NULL);
	int err = xml ? file_make_parent(a->file) : -ENOMEM;

	if (err == 0)
		err = file_replace(a->file, xml, strlen(xml), 0644);
	free(xml);
	return err < 0 ? fault_set(why, err, "%s: %s", a->file, strerror(-err))
		       : 0;
}

static int make_files(const struct agent *a, const char *program,
		      struct fault *why)
{
	int err = steps_copy_program(a, program, why);

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
		err = launchctl_bootstrap(domain, a->label, a->file, why);
	return err;
}

/* Look at one address from outside. Returns 0 if it listens, or will once its
 * address comes. */
static int look(const struct agent *a, const struct agent_socket *s,
		install_say say, struct fault *why)
{
	char text[ADDR_TEXT];

	if (netif_has(&s->addr))
		return steps_look(a, &s->addr,
				  "launchd could not bind it, or lowport ended "
				  "at once.",
				  say, why);
	steps_sayf(say,
		   "%s is not an address of this machine now; the watcher "
		   "loads the agent anew when it comes",
		   addr_print(&s->addr, text));
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

	if (watcher && access(watcher->file, F_OK) == 0) {
		err = launchctl_bootout(domain, watcher->label, why);
		if (err == 0)
			steps_remove_file(watcher->file, say);
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
	err = agent_init_launchd(a, name, why);
	if (err == 0)
		err = plist_read(a, why);
	if (err == -ENOENT)
		fault_set(why, err,
			  "there is no agent \"%s\" (%s does not exist)", name,
			  a->file);
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
	launchctl_bootstrap(domain, old->label, old->file, &ignored);
	load_watcher(domain, old, &ignored);
	free_agent(old);
}

int install_launchd(struct agent *a, const char *program, install_say say,
		    struct fault *why)
{
	struct launchctl_domain domain;
	int err = launchctl_domain(&domain, why);

	if (err == 0)
		err = remove_watcher(&domain, a, say_nothing, why);
	if (err == 0) /* an older one of this name holds the port itself */
		err = launchctl_bootout(&domain, a->label, why);
	if (err == 0)
		err = steps_check_ports(a, why);
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
	steps_sayf(say, "log:    %s", a->log);
	steps_sayf(say, "remove: lowport uninstall %s", a->name);
	return 0;
}

int install_reload_launchd(const char *name, const char *program,
			   install_say say, struct fault *why)
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
		err = steps_copy_program(a, program, why);
	/* What can be served is, whoever has the rest. */
	if (err == 0)
		held = steps_check_ports(a, &taken);
	if (err == 0)
		err = launchctl_bootstrap(&domain, a->label, a->file, why);
	if (err == 0 && upgrades)
		err = load_watcher(&domain, a, why);
	if (err == 0 && held < 0)
		err = fault_set(why, held, "%s", taken.text);
	if (err == 0)
		err = look_at_all(a, say, why);
	free_agent(a);
	return err;
}

static int unload(const struct launchctl_domain *domain, const struct agent *a,
		  install_say say, struct fault *why)
{
	char folder[AGENT_PATH];
	int err = launchctl_bootout(domain, a->label, why);

	if (err < 0)
		return err;
	steps_remove_file(a->file, say);
	unlink(a->program);
	snprintf(folder, sizeof(folder), "%s", a->program);
	*strrchr(folder, '/') = '\0';
	rmdir(folder);
	return 0;
}

int install_remove_launchd(const char *name, install_say say, struct fault *why)
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
		steps_say_port(&a->sockets[i].addr, say);
	free_agent(a);
	return err;
}
