#include "service/install_systemd.h"

#include "os/file.h"
#include "os/netif.h"
#include "service/agent_systemd.h"
#include "service/reach.h"
#include "service/systemctl.h"
#include "service/unit.h"
#include "service/user_systemd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The units of an agent, sockets first: stopped in this order, none starts
 * another again. */
struct units {
	char names[AGENT_SOCKETS_MAX + 1][UNIT_NAME];
	const char *words[AGENT_SOCKETS_MAX + 6]; /* to call systemctl */
	size_t count, sockets;
};

static void list_units(struct units *u, const struct agent *a)
{
	u->count = 0;
	for (size_t i = 0; i < a->socket_count; i = agent_next_name(a, i))
		agent_socket_unit(a, i, u->names[u->count++]);
	u->sockets = u->count;
	agent_service_unit(a, u->names[u->count++]);
}

/* systemctl VERB [OPTION] with the first so many of them. */
static int tell(bool of_system, const char *verb, const char *option,
		struct units *u, size_t count, struct fault *why)
{
	size_t n = 0;

	u->words[n++] = verb;
	if (option)
		u->words[n++] = option;
	u->words[n++] = "--";
	for (size_t i = 0; i < count; i++)
		u->words[n++] = u->names[i];
	u->words[n] = NULL;
	return systemctl_run(of_system, u->words, why);
}

static int reread(bool of_system, struct fault *why)
{
	static const char *const words[] = {"daemon-reload", NULL};

	return systemctl_run(of_system, words, why);
}

/* Files */

static int write_unit(const struct agent *a, const char *unit, char *text,
		      struct fault *why)
{
	char path[AGENT_PATH];
	int err;

	agent_unit_file(a, unit, path);
	err = text ? file_make_parent(path) : -ENOMEM;
	if (err == 0)
		err = file_replace(path, text, strlen(text), 0644);
	free(text);
	return err < 0 ? fault_set(why, err, "%s: %s", path, strerror(-err))
		       : 0;
}

static int write_units(const struct agent *a, struct fault *why)
{
	char unit[UNIT_NAME];
	int err = write_unit(a, agent_service_unit(a, unit),
			     unit_service(a, user_behind_sudo()), why);

	for (size_t i = 0; i < a->socket_count && err == 0;
	     i = agent_next_name(a, i))
		err = write_unit(a, agent_socket_unit(a, i, unit),
				 unit_socket(a, i), why);
	return err;
}

static void remove_units(const struct agent *a, const struct units *u,
			 install_say say)
{
	for (size_t i = 0; i < u->count; i++) {
		char path[AGENT_PATH];

		agent_unit_file(a, u->names[i], path);
		steps_remove_file(path, say);
	}
}

static void remove_copy(const struct agent *a)
{
	char folder[AGENT_PATH];

	if (!agent_has_copy(a))
		return;
	unlink(a->program);
	snprintf(folder, sizeof(folder), "%s", a->program);
	*strrchr(folder, '/') = '\0';
	rmdir(folder);
}

static void say_nothing(const char *text)
{
	(void)text;
}

static void free_agent(struct agent *a)
{
	if (a)
		agent_free(a);
	free(a);
}

/* The agent of that name as its units have it, the caller's to free. */
static struct agent *read_agent(const char *name, struct fault *why)
{
	struct agent *a = calloc(1, sizeof(*a));
	struct fault ignored;
	int err;

	if (!a) {
		fault_set(why, -ENOMEM, "out of memory");
		return NULL;
	}
	err = agent_init_systemd(a, name, why);
	if (err == 0)
		err = unit_read(a, why);
	if (err == -ENOENT) {
		fault_set(why, err,
			  "there is no service \"%s\" (%s does not exist)",
			  name, a->file);
		if (!a->of_system &&
		    agent_place_systemd(a, true, &ignored) == 0 &&
		    access(a->file, F_OK) == 0)
			fault_set(why, -EPERM,
				  "\"%s\" belongs to the system: do that with "
				  "sudo",
				  name);
	}
	if (err == 0)
		return a;
	free_agent(a);
	return NULL;
}

/* Looking at it */

/* A socket that is held for all addresses, for the clients of an interface. */
static int look_at_interface(const struct agent *a,
			     const struct agent_socket *s, install_say say,
			     struct fault *why)
{
	struct addr at[NETIF_ADDRESSES_MAX];
	int count = netif_addresses(s->interface, false, at), err = 0;

	if (count <= 0)
		steps_sayf(say,
			   "%s has no address now; port %u is held, and served "
			   "there when one comes",
			   s->interface, s->addr.port);
	for (int i = 0; i < count && err == 0; i++) {
		at[i].port = s->addr.port;
		err = steps_look(a, &at[i], "lowport ended at once.", say, why);
	}
	return err;
}

static int look(const struct agent *a, const struct agent_socket *s,
		install_say say, struct fault *why)
{
	char text[ADDR_TEXT];

	if (s->interface[0] != '\0')
		return look_at_interface(a, s, say, why);
	if (netif_has(&s->addr))
		return steps_look(a, &s->addr, "lowport ended at once.", say,
				  why);
	steps_sayf(say,
		   "%s is not an address of this machine now; systemd listens "
		   "there already, for when it comes",
		   addr_print(&s->addr, text));
	return 0;
}

/* Not by the first connection: whoever connects is held in the backlog while
 * the service does not come up, which looks like an answer. */
static int start_service(const struct agent *a, struct fault *why)
{
	char unit[UNIT_NAME], status[40] = "";
	const char *const words[] = {"start", "--", agent_service_unit(a, unit),
				     NULL};
	struct systemctl_unit u;
	struct fault ignored;
	int err = systemctl_run(a->of_system, words, why);

	if (err != -EIO || systemctl_show(a->of_system, unit, &u, &ignored) < 0)
		return err;
	if (u.last_status != 0)
		snprintf(status, sizeof(status), ", %s %d",
			 u.was_signal ? "signal" : "status", u.last_status);
	return fault_set(why, err,
			 "%s did not start (%s%s). See %s, and: lowport doctor "
			 "%s",
			 unit, u.result, status, a->log, a->name);
}

static int look_at_all(const struct agent *a, install_say say,
		       struct fault *why)
{
	int err = start_service(a, why);

	for (size_t i = 0; i < a->socket_count && err == 0; i++)
		err = look(a, &a->sockets[i], say, why);
	return err;
}

/* Starting and stopping */

/* systemd says only where to look for the reason, which mostly is this. */
static int explain_start(const struct agent *a, struct fault *why)
{
	struct fault taken, ignored;

	if (steps_check_ports(a, &taken) == -EADDRINUSE)
		return fault_set(why, -EADDRINUSE, "%s", taken.text);
	for (size_t i = 0; i < a->socket_count; i = agent_next_name(a, i)) {
		char unit[UNIT_NAME], at[ADDR_TEXT], who[768];
		struct systemctl_unit u;

		agent_socket_unit(a, i, unit);
		if (systemctl_show(a->of_system, unit, &u, &ignored) < 0 ||
		    strcmp(u.state, "failed") != 0)
			continue;
		reach_who(a->sockets[i].addr.port, who, sizeof(who));
		return fault_set(why, -EIO,
				 "%s: systemd cannot listen there (%s): "
				 "journalctl%s -u %s says why%s%s",
				 addr_print(&a->sockets[i].addr, at), u.result,
				 a->of_system ? "" : " --user", unit,
				 who[0] ? "\nThe port is held by:\n" : "", who);
	}
	return -EIO;
}

static int start(const struct agent *a, struct units *u, struct fault *why)
{
	int err = reread(a->of_system, why);

	if (err == 0)
		err = tell(a->of_system, "enable", "-q", u, u->sockets, why);
	if (err < 0)
		return err;
	err = tell(a->of_system, "start", NULL, u, u->sockets, why);
	return err < 0 ? explain_start(a, why) : 0;
}

static int stop(const struct agent *a, struct units *u, struct fault *why)
{
	struct fault ignored;
	int err = tell(a->of_system, "stop", NULL, u, u->count, why);

	/* A unit that is not loaded is stopped. */
	if (err == -EIO && strstr(why->text, "not loaded"))
		err = 0;
	/* What has failed is forgotten: it may start again at once. */
	tell(a->of_system, "reset-failed", NULL, u, u->count, &ignored);
	return err;
}

static int unload(const struct agent *a, struct units *u, install_say say,
		  struct fault *why)
{
	int err = stop(a, u, why);

	if (err == 0)
		err = tell(a->of_system, "disable", "-q", u, u->sockets, why);
	if (err < 0)
		return err;
	remove_units(a, u, say);
	return reread(a->of_system, why);
}

static void say_what_next(const struct agent *a, install_say say)
{
	steps_sayf(say, "log:    %s", a->log);
	steps_sayf(say, "remove: %slowport uninstall %s",
		   a->of_system ? "sudo " : "", a->name);
	if (!a->of_system && !user_lingers())
		steps_sayf(say,
			   "It ends when you log out; to have it from boot on: "
			   "loginctl enable-linger");
}

/* It did not work: nothing of it stays. */
static void take_back(const struct agent *a, struct units *u)
{
	struct fault ignored;

	unload(a, u, say_nothing, &ignored);
	remove_copy(a);
}

/* a in place of old, which may be NULL. */
static int replace(struct agent *a, struct agent *old, const char *program,
		   install_say say, struct fault *why)
{
	struct units *u = calloc(2, sizeof(*u)), *of_old = u + 1;
	struct fault ignored;
	int err = u ? 0 : fault_set(why, -ENOMEM, "out of memory");

	if (err == 0)
		list_units(u, a);
	if (err == 0 && old) {
		list_units(of_old, old);
		err = stop(old, of_old, why);
	}
	if (err == 0)
		err = steps_check_ports(a, why);
	if (err == -EADDRINUSE && old)
		tell(old->of_system, "start", NULL, of_old, of_old->sockets,
		     &ignored);
	/* It may have had more sockets than a has. */
	if (err == 0 && old)
		err = unload(old, of_old, say_nothing, why);
	if (err == 0)
		err = steps_copy_program(a, program, why);
	if (err == 0)
		err = write_units(a, why);
	if (err == 0) {
		err = start(a, u, why);
		if (err < 0)
			take_back(a, u);
	}
	if (err == 0)
		err = look_at_all(a, say, why);
	free(u);
	return err;
}

int install_systemd(struct agent *a, const char *program, install_say say,
		    struct fault *why)
{
	struct agent *old;
	struct fault ignored;
	int err = systemctl_check(a->of_system, why);

	if (err < 0)
		return err;
	agent_choose_program(a, program);
	old = read_agent(a->name, &ignored);
	err = replace(a, old, program, say, why);
	free_agent(old);
	if (err == 0)
		say_what_next(a, say);
	return err;
}

int install_reload_systemd(const char *name, const char *program,
			   install_say say, struct fault *why)
{
	struct agent *a = read_agent(name, why);
	struct units *u = calloc(1, sizeof(*u));
	int err = a && u ? systemctl_check(a->of_system, why) : -ENOENT;

	if (err == 0) {
		list_units(u, a);
		err = stop(a, u, why);
	}
	if (err == 0 && agent_has_copy(a))
		err = steps_copy_program(a, program, why);
	if (err == 0)
		err = start(a, u, why);
	if (err == 0)
		err = look_at_all(a, say, why);
	free(u);
	free_agent(a);
	return err;
}

int install_remove_systemd(const char *name, install_say say, struct fault *why)
{
	struct agent *a = read_agent(name, why);
	struct units *u = calloc(1, sizeof(*u));
	int err = a && u ? systemctl_check(a->of_system, why) : -ENOENT;

	if (err == 0) {
		list_units(u, a);
		err = unload(a, u, say, why);
	}
	if (err == 0)
		remove_copy(a);
	for (size_t i = 0; err == 0 && i < a->socket_count; i++)
		steps_say_port(&a->sockets[i].addr, say);
	free(u);
	free_agent(a);
	return err;
}
