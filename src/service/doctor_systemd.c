#include "service/doctor_systemd.h"

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
#include <sys/stat.h>
#include <unistd.h>

enum {
	REACH_MS = 2000,
	START_MS = 2000,
	EXEC_FAILED = 203, /* systemd.exec(5): EXIT_EXEC */
};

static const char reload[] = "lowport install --reload LABEL";

/* Returns whether it is there. */
static bool check_file(struct doctor *d, const struct agent *a,
		       const char *unit)
{
	char path[AGENT_PATH];
	struct stat st;

	agent_unit_file(a, unit, path);
	if (stat(path, &st) < 0) {
		doctor_report(
			d, FINDING_PROBLEM, "unit",
			"lowport install --label LABEL --listen ADDR:PORT --to "
			"BACKEND",
			"%s: %s", path, strerror(errno));
		return false;
	}
	if (st.st_mode & S_IWOTH)
		doctor_report(d, FINDING_PROBLEM, "unit", "chmod 644 FILE",
			      "%s may be written by anybody", path);
	else
		doctor_report(d, FINDING_OK, "unit", NULL, "%s", path);
	return true;
}

static void check_program(struct doctor *d, const struct agent *a)
{
	if (access(a->program, X_OK) == 0)
		doctor_report(d, FINDING_OK, "program", NULL, "%s", a->program);
	else
		doctor_report(d, FINDING_PROBLEM, "program",
			      "install it there, or install the service again",
			      "%s: %s", a->program, strerror(errno));
}

/* Returns whether systemd listens. */
static bool check_socket_unit(struct doctor *d, const struct agent *a,
			      const char *unit)
{
	struct systemctl_unit u;
	struct fault why;

	if (systemctl_show(a->of_system, unit, &u, &why) < 0) {
		doctor_report(d, FINDING_PROBLEM, "loaded", NULL, "%s",
			      why.text);
		return false;
	}
	if (!u.known || strcmp(u.state, "active") != 0) {
		doctor_report(d, FINDING_PROBLEM, "loaded", reload,
			      "%s is %s%s%s", unit,
			      u.known ? u.state : "not known to systemd",
			      u.known ? ": " : "", u.known ? u.result : "");
		return false;
	}
	if (u.stale)
		doctor_report(d, FINDING_PROBLEM, "loaded", reload,
			      "%s has been changed since systemd read it",
			      unit);
	else if (strcmp(u.file, "enabled") != 0)
		doctor_report(d, FINDING_PROBLEM, "loaded", reload,
			      "%s is %s: nobody listens after the next %s",
			      unit, u.file, a->of_system ? "boot" : "login");
	else
		doctor_report(d, FINDING_OK, "loaded", NULL, "%s", unit);
	return true;
}

/* SELinux forbids to run what lies in an odd place. */
static const char *mend_of_exec(void)
{
	char *text;
	size_t length;
	bool enforces;

	if (file_read("/sys/fs/selinux/enforce", &text, &length) < 0)
		return "its program could not be started: see the log";
	enforces = text[0] == '1';
	free(text);
	return enforces ? "its program could not be started; SELinux is on: "
			  "sudo ausearch -m avc -ts recent, and sudo "
			  "restorecon PROGRAM"
			: "its program could not be started: see the log";
}

static void check_ended(struct doctor *d, const struct agent *a)
{
	struct systemctl_unit u;
	char unit[UNIT_NAME];
	struct fault why;

	if (systemctl_show(a->of_system, agent_service_unit(a, unit), &u,
			   &why) < 0)
		return;
	if (u.pid > 0)
		doctor_report(d, FINDING_OK, "process", NULL,
			      "running, pid %ld", (long)u.pid);
	else if (strcmp(u.result, "watchdog") == 0)
		doctor_report(d, FINDING_PROBLEM, "process",
			      "the log may say why",
			      "gave no sign of life and was ended by systemd");
	else if (u.was_signal && strcmp(u.result, "success") != 0)
		doctor_report(d, FINDING_PROBLEM, "process",
			      "the log may say why",
			      "was ended by signal %d the last time",
			      u.last_status);
	else if (u.last_status == 0 || strcmp(u.result, "success") == 0)
		doctor_report(d, FINDING_OK, "process", NULL,
			      "not running; it starts at the first connection");
	else
		doctor_report(d, FINDING_PROBLEM, "process",
			      u.last_status == EXEC_FAILED ? mend_of_exec()
							   : "the log says why",
			      "ended with status %d the last time",
			      u.last_status);
}

static void check_linger(struct doctor *d, const struct agent *a)
{
	if (a->of_system)
		return;
	if (user_lingers())
		doctor_report(d, FINDING_OK, "linger", NULL,
			      "it runs from boot on");
	else
		doctor_report(d, FINDING_UNKNOWN, "linger",
			      "to have it from boot on: loginctl enable-linger",
			      "it ends when you log out");
}

/* Read once more: what the doctor is given has no sockets yet. */
static bool look_at_units(struct doctor *d, struct agent *a)
{
	bool loaded = a->socket_count > 0;

	for (size_t i = 0; i < a->socket_count; i = agent_next_name(a, i)) {
		char unit[UNIT_NAME];

		if (!check_file(d, a, agent_socket_unit(a, i, unit)) ||
		    !check_socket_unit(d, a, unit))
			loaded = false;
	}
	return loaded;
}

bool doctor_agent_systemd(struct doctor *d, const struct agent *a)
{
	struct agent *copy = calloc(1, sizeof(*copy));
	char unit[UNIT_NAME];
	struct fault why;
	bool loaded = false;

	if (!check_file(d, a, agent_service_unit(a, unit)) || !copy ||
	    agent_init_systemd(copy, a->name, &why) < 0 ||
	    agent_place_systemd(copy, a->of_system, &why) < 0 ||
	    unit_read(copy, &why) < 0)
		goto free_copy;
	check_program(d, copy);
	if (systemctl_check(a->of_system, &why) < 0) {
		doctor_report(d, FINDING_PROBLEM, "loaded", NULL, "%s",
			      why.text);
		goto free_copy;
	}
	doctor_report(d, FINDING_OK, "log", NULL, "%s", a->log);
	loaded = look_at_units(d, copy);
	check_ended(d, a);
	check_linger(d, a);
free_copy:
	if (copy)
		agent_free(copy);
	free(copy);
	return loaded;
}

static void say_who(struct doctor *d, const struct addr *at,
		    enum finding finding, const char *mend, const char *what)
{
	char text[ADDR_TEXT], who[1024];

	reach_who(at->port, who, sizeof(who));
	doctor_report(d, finding, "socket", mend, "%s %s%s%s",
		      addr_print(at, text), what, who[0] ? ":\n" : "", who);
}

/* While systemd has it, nobody else can have the very same. */
static void check_held(struct doctor *d, const struct addr *at, bool loaded)
{
	char text[ADDR_TEXT];
	int err = reach_connect(at, REACH_MS);

	addr_print(at, text);
	if (err == 0 && loaded)
		doctor_report(d, FINDING_OK, "socket", NULL, "%s listens",
			      text);
	else if (err == 0)
		say_who(d, at, FINDING_PROBLEM,
			"stop that program, or take another port",
			"is held by another program");
	else if (loaded)
		doctor_report(d, FINDING_PROBLEM, "socket", reload,
			      "systemd listens on %s, but a connection ended "
			      "with: %s",
			      text, strerror(-err));
	else
		doctor_report(d, FINDING_PROBLEM, "socket", reload,
			      "nobody listens on %s", text);
}

/* Its addresses of the moment: elsewhere clients are reset. */
static void check_interface(struct doctor *d, const struct agent_socket *s,
			    bool loaded)
{
	struct addr at[NETIF_ADDRESSES_MAX];
	int count = netif_addresses(s->interface, false, at);

	if (count <= 0) {
		doctor_report(d, FINDING_PROBLEM, "interface",
			      "bring the interface up; lowport follows it",
			      "%s has no address now", s->interface);
		return;
	}
	doctor_report(d, FINDING_OK, "interface", NULL,
		      "clients of %s alone are served", s->interface);
	for (int i = 0; i < count; i++) {
		at[i].port = s->addr.port;
		check_held(d, &at[i], loaded);
	}
}

static void check_address(struct doctor *d, const struct addr *at, bool loaded)
{
	char text[ADDR_TEXT];

	if (netif_has(at))
		check_held(d, at, loaded);
	else
		doctor_report(d, FINDING_PROBLEM, "address",
			      "bring the interface up; systemd listens already",
			      "%s is not an address of this machine now",
			      addr_print(at, text));
}

void doctor_sockets_systemd(struct doctor *d, const struct agent *a,
			    bool loaded)
{
	char unit[UNIT_NAME];
	struct systemctl_unit u;
	struct fault why;

	for (size_t i = 0; i < a->socket_count; i++)
		if (a->sockets[i].interface[0] != '\0')
			check_interface(d, &a->sockets[i], loaded);
		else
			check_address(d, &a->sockets[i].addr, loaded);
	/* Those connections have started it: does it come up? */
	if (loaded &&
	    systemctl_settle(a->of_system, agent_service_unit(a, unit), &u,
			     START_MS, &why) == 0 &&
	    strcmp(u.result, "success") != 0)
		doctor_report(d, FINDING_PROBLEM, "process", "the log says why",
			      "%s has failed: %s", unit, u.result);
}

void doctor_plan_systemd(struct doctor *d, const struct addr *at)
{
	unsigned end = user_low_ports_end();

	if (geteuid() == 0 || at->port >= end)
		return;
	doctor_report(
		d, FINDING_UNKNOWN, "rights",
		"sudo lowport install: the system's may, and runs lowport "
		"as a user without rights",
		"your own systemd may not open ports below %u "
		"(net.ipv4.ip_unprivileged_port_start)",
		end);
}
