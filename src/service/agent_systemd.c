#include "service/agent_systemd.h"

#include "base/num.h"
#include "os/netif.h"
#include "service/names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char system_units[] = "/etc/systemd/system";
static const char system_copies[] = "/usr/local/libexec/lowport";

/* What a hardened service does not see, or what may be gone tomorrow. */
static const char *const not_for_programs[] = {
	"/home/", "/root/", "/run/", "/tmp/", "/var/tmp/", "/dev/shm/", NULL,
};

int agent_place_systemd(struct agent *a, bool of_system, struct fault *why)
{
	const char *home = getenv("HOME");
	int n;

	a->of_system = of_system;
	if (of_system) {
		snprintf(a->file, sizeof(a->file), "%s/%s.service",
			 system_units, a->label);
		snprintf(a->log, sizeof(a->log), "journalctl -u %s", a->label);
		return 0;
	}
	if (!home || home[0] != '/')
		return fault_set(why, -EINVAL,
				 "HOME is not set to your home folder");
	n = snprintf(a->file, sizeof(a->file),
		     "%s/.config/systemd/user/%s.service", home, a->label);
	/* With room for what is written beside it. */
	if (n >= (int)sizeof(a->file) - UNIT_NAME)
		return fault_set(why, -EINVAL, "HOME is too long");
	snprintf(a->log, sizeof(a->log), "journalctl --user -u %s", a->label);
	return 0;
}

int agent_init_systemd(struct agent *a, const char *name, struct fault *why)
{
	int err = agent_init(a, name, why);

	if (err < 0)
		return err;
	snprintf(a->label, sizeof(a->label), "lowport-%s", name);
	return agent_place_systemd(a, geteuid() == 0, why);
}

static void copy_place(const struct agent *a, char buf[AGENT_PATH])
{
	const char *home = getenv("HOME");

	if (a->of_system)
		snprintf(buf, AGENT_PATH, "%s/%s/lowport", system_copies,
			 a->name);
	else
		snprintf(buf, AGENT_PATH, "%s/.local/share/lowport/%s/lowport",
			 home ? home : "", a->name);
}

static bool is_the_systems(const char *program)
{
	struct stat st;

	for (const char *const *at = not_for_programs; *at; at++)
		if (strncmp(program, *at, strlen(*at)) == 0)
			return false;
	return stat(program, &st) == 0 && st.st_uid == 0 &&
	       !(st.st_mode & (S_IWGRP | S_IWOTH));
}

void agent_choose_program(struct agent *a, const char *program)
{
	if (is_the_systems(program))
		snprintf(a->program, sizeof(a->program), "%s", program);
	else
		copy_place(a, a->program);
}

bool agent_has_copy(const struct agent *a)
{
	char copy[AGENT_PATH];

	copy_place(a, copy);
	return strcmp(a->program, copy) == 0;
}

size_t agent_next_name(const struct agent *a, size_t i)
{
	size_t next = i;

	while (next < a->socket_count &&
	       strcmp(a->sockets[next].name, a->sockets[i].name) == 0)
		next++;
	return next;
}

const char *agent_service_unit(const struct agent *a, char buf[UNIT_NAME])
{
	snprintf(buf, UNIT_NAME, "%s.service", a->label);
	return buf;
}

/* A label has no @: no other's unit is called so. */
const char *agent_socket_unit(const struct agent *a, size_t i,
			      char buf[UNIT_NAME])
{
	unsigned number = 0;

	for (size_t j = 0; j <= i; j = agent_next_name(a, j))
		number++;
	if (number == 1)
		snprintf(buf, UNIT_NAME, "%s.socket", a->label);
	else
		snprintf(buf, UNIT_NAME, "%s@%u.socket", a->label, number);
	return buf;
}

void agent_unit_file(const struct agent *a, const char *unit,
		     char buf[AGENT_PATH])
{
	const char *slash = strrchr(a->file, '/');

	snprintf(buf, AGENT_PATH, "%.*s/%s", (int)(slash - a->file), a->file,
		 unit);
}

/* Listeners */

/* INTERFACE of if:INTERFACE:PORT, if:INTERFACE+ll:PORT and, if there is one of
 * that name, INTERFACE:PORT. systemd follows no interface, but lowport does: it
 * gets a socket for all addresses. Returns whether it is one. */
static bool read_interface(const char *text, char name[IF_NAMESIZE + 4],
			   struct addr *at)
{
	bool said = strncmp(text, "if:", 3) == 0;
	const char *colon = strrchr(text, ':'), *from = said ? text + 3 : text;
	uint64_t port;
	char *plus;

	if (!colon || colon <= from || colon - from > IF_NAMESIZE + 2 ||
	    num_parse(colon + 1, 10, 1, 65535, &port) < 0)
		return false;
	snprintf(name, IF_NAMESIZE + 4, "%.*s", (int)(colon - from), from);
	plus = strstr(name, "+ll");
	if (plus)
		*plus = '\0';
	if (!netif_is_name(name) || (!said && if_nametoindex(name) == 0))
		return false;
	if (plus)
		*plus = '+';
	*at = (struct addr){.family = AF_INET6, .port = (uint16_t)port};
	return true;
}

/* The socket that was added last gets the name of the one before it, or the
 * next one. */
static void name_last(struct agent *a, bool joins)
{
	struct agent_socket *s = &a->sockets[a->socket_count - 1];
	char name[sizeof(s->name)];
	size_t names = 0;

	for (size_t i = 0; i + 1 < a->socket_count; i = agent_next_name(a, i))
		names++;
	if (joins)
		memcpy(name, s[-1].name, sizeof(name));
	else if (names == 0)
		snprintf(name, sizeof(name), "%s", a->name);
	else
		snprintf(name, sizeof(name), "%s-%zu", a->name, names + 1);
	memcpy(s->name, name, sizeof(name));
}

static int add_spec(struct agent *a, const char *at, struct fault *why)
{
	char spec[ADDR_TEXT + AGENT_NAME_MAX + 64];
	int err = agent_add_argument(a, "--listen", why);

	snprintf(spec, sizeof(spec), "systemd:%s@%s",
		 a->sockets[a->socket_count - 1].name, at);
	return err < 0 ? err : agent_add_argument(a, spec, why);
}

/* Its name stands for more than one address now. */
static void forget_address(struct agent *a)
{
	const char *name = a->sockets[a->socket_count - 1].name;

	for (size_t i = a->argument_count; i-- > 0;) {
		char *word = a->arguments[i], *at = strchr(word, '@');

		if (strncmp(word, "systemd:", 8) != 0)
			continue;
		if (at && strncmp(word + 8, name, strlen(name)) == 0)
			*at = '\0';
		return;
	}
}

int agent_add_interface_systemd(struct agent *a, const char *name,
				bool link_local, uint16_t port,
				struct fault *why)
{
	const struct addr at = {.family = AF_INET6, .port = port};
	struct agent_socket *s;
	int err;

	(void)link_local;
	for (size_t i = 0; i < a->socket_count; i++)
		if (addr_equal(&a->sockets[i].addr, &at))
			return fault_set(
				why, -EADDRINUSE,
				"if:%s:%u: systemd holds that port for "
				"all addresses, and those of one "
				"interface or listener alone can be "
				"served there; choose another port",
				name, port);
	err = agent_add_socket(a, &at, why);
	if (err < 0)
		return err;
	s = &a->sockets[a->socket_count - 1];
	snprintf(s->interface, sizeof(s->interface), "%.*s",
		 (int)strcspn(name, "+"), name);
	name_last(a, false);
	return 0;
}

static int add_interface(struct agent *a, const char *name,
			 const struct addr *at, struct fault *why)
{
	char text[IF_NAMESIZE + 16];
	int err = agent_add_interface_systemd(a, name, false, at->port, why);

	if (err < 0)
		return err;
	snprintf(text, sizeof(text), "if:%s", name);
	return add_spec(a, text, why);
}

int agent_add_socket_systemd(struct agent *a, const struct addr *at, bool joins,
			     struct fault *why)
{
	int err = agent_add_socket(a, at, why);

	if (err == 0)
		name_last(
			a,
			joins && a->sockets[a->socket_count - 2].interface[0] ==
					 '\0');
	return err;
}

static int add_address(struct agent *a, const struct addr *at, bool joins,
		       struct fault *why)
{
	char text[ADDR_TEXT];
	int err = agent_add_socket_systemd(a, at, joins, why);

	if (err < 0)
		return err;
	if (!joins)
		return add_spec(a, addr_print(at, text), why);
	forget_address(a);
	return 0;
}

int agent_add_listener_systemd(struct agent *a, const char *text, bool first,
			       struct fault *why)
{
	struct addr found[AGENT_SOCKETS_MAX];
	char name[IF_NAMESIZE + 4];
	bool joins = !first && a->socket_count > 0 &&
		     a->sockets[a->socket_count - 1].interface[0] == '\0';
	int count, err = 0;

	if (read_interface(text, name, &found[0]))
		return add_interface(a, name, &found[0], why);
	count = names_resolve(text, found, AGENT_SOCKETS_MAX, why);
	for (int i = 0; i < count && err == 0; i++)
		err = add_address(a, &found[i], joins || i > 0, why);
	return count < 0 ? count : err;
}
