#include "service/doctor.h"

#include "os/netif.h"
#include "os/platform.h"
#include "os/proc.h"
#include "os/spawn.h"
#include "service/launchctl.h"
#include "service/names.h"
#include "service/reach.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	REACH_MS = 2000,
	START_MS = 2000,     /* for launchd to start the agent */
	FILES_ENOUGH = 1024, /* 500 connections */
};

static void report(struct doctor *d, enum finding finding, const char *subject,
		   const char *mend, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

static void report(struct doctor *d, enum finding finding, const char *subject,
		   const char *mend, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	d->problems += finding == FINDING_PROBLEM;
	d->say(finding, subject, text, mend);
}

/* Returns whether there is one. */
static bool check_plist(struct doctor *d, const struct agent *a)
{
	struct stat st;

	if (stat(a->plist, &st) < 0) {
		report(d, FINDING_PROBLEM, "plist",
		       "lowport install --listen ADDR:PORT --to BACKEND",
		       "%s: %s", a->plist, strerror(errno));
		return false;
	}
	if (st.st_uid != getuid())
		report(d, FINDING_PROBLEM, "plist",
		       "remove it and install again, without sudo",
		       "%s belongs to another user: launchd will refuse it",
		       a->plist);
	else if (st.st_mode & (S_IWGRP | S_IWOTH))
		report(d, FINDING_PROBLEM, "plist",
		       "chmod 644 FILE, and load it anew",
		       "%s may be written by others: launchd will refuse it",
		       a->plist);
	else
		report(d, FINDING_OK, "plist", NULL, "%s", a->plist);
	return true;
}

static void check_program(struct doctor *d, const struct agent *a)
{
	if (access(a->program, X_OK) == 0)
		report(d, FINDING_OK, "program", NULL, "%s", a->program);
	else
		report(d, FINDING_PROBLEM, "program",
		       "lowport install --reload LABEL puts it back", "%s: %s",
		       a->program, strerror(errno));
}

/* launchd opens the log before it starts the job, and ends with 78 where it
 * cannot. */
static void check_log(struct doctor *d, const struct agent *a)
{
	char folder[AGENT_PATH];

	snprintf(folder, sizeof(folder), "%s", a->log);
	*strrchr(folder, '/') = '\0';
	if (access(a->log, W_OK) == 0 ||
	    (errno == ENOENT && access(folder, W_OK) == 0))
		report(d, FINDING_OK, "log", NULL, "%s", a->log);
	else
		report(d, FINDING_PROBLEM, "log",
		       "make the folder, or remove the file; without it "
		       "launchd "
		       "does not start the agent (exit 78)",
		       "%s cannot be written: %s", a->log, strerror(errno));
}

static void check_ended(struct doctor *d, const struct launchctl_job *job)
{
	if (job->pid > 0)
		report(d, FINDING_OK, "process", NULL, "running, pid %ld",
		       (long)job->pid);
	else if (job->last_signal > 0)
		report(d, FINDING_PROBLEM, "process",
		       "the log may say why; after an upgrade: lowport install "
		       "--reload LABEL (launchd kills a program that is not "
		       "the one it has loaded)",
		       "was ended by signal %d the last time",
		       job->last_signal);
	else if (!job->has_ended || job->last_status == 0)
		report(d, FINDING_OK, "process", NULL,
		       "not running; it starts at the first connection");
	else
		report(d, FINDING_PROBLEM, "process",
		       job->last_status == 78
			       ? "its log or its program could not be opened"
			       : "the log says why",
		       "ended with status %d the last time", job->last_status);
}

bool doctor_agent(struct doctor *d, const struct agent *a)
{
	struct launchctl_domain domain;
	struct launchctl_job *job = malloc(sizeof(*job));
	struct fault why;
	bool loaded = false;

	if (!check_plist(d, a)) {
		free(job);
		return false;
	}
	check_program(d, a);
	check_log(d, a);
	if (!job || launchctl_domain(&domain, &why) < 0) {
		report(d, FINDING_PROBLEM, "loaded", NULL, "%s",
		       job ? why.text : "out of memory");
		free(job);
		return false;
	}
	launchctl_print(&domain, a->label, job);
	loaded = job->loaded;
	if (loaded) {
		report(d, FINDING_OK, "loaded", NULL, "%s/%s", domain.text,
		       a->label);
		check_ended(d, job);
	} else {
		report(d, FINDING_PROBLEM, "loaded",
		       "lowport install --reload LABEL; if it has been "
		       "switched "
		       "off: System Settings > General > Login Items",
		       "launchd does not know %s/%s", domain.text, a->label);
	}
	free(job);
	return loaded;
}

void doctor_watcher(struct doctor *d, const struct agent *a)
{
	struct agent *watcher = malloc(sizeof(*watcher));
	struct launchctl_domain domain;
	struct fault why;

	if (agent_needs_watcher(a) && watcher &&
	    launchctl_domain(&domain, &why) == 0 &&
	    agent_watcher(watcher, a) == 0) {
		if (launchctl_await_pid(&domain, watcher->label, START_MS) > 0)
			report(d, FINDING_OK, "watcher", NULL, "%s/%s",
			       domain.text, watcher->label);
		else
			report(d, FINDING_PROBLEM, "watcher",
			       "lowport install --reload LABEL",
			       "%s/%s does not run: nobody loads the agent "
			       "anew when its address comes",
			       domain.text, watcher->label);
		agent_free(watcher);
	}
	free(watcher);
}

/* Does the line of that address, if there is one, name another process? */
static bool is_of_another(const char *who, const char *address, pid_t pid)
{
	char ss[24], lsof[24];
	bool another = false;

	snprintf(ss, sizeof(ss), "pid=%ld,", (long)pid);
	snprintf(lsof, sizeof(lsof), " %ld ", (long)pid);
	while (*who != '\0') {
		int length = (int)strcspn(who, "\n");
		char line[512];

		snprintf(line, sizeof(line), "%.*s ", length, who);
		who += length + (who[length] == '\n');
		if (!strstr(line, address))
			continue;
		if (strstr(line, ss) || strstr(line, lsof))
			return false;
		another = true;
	}
	return another;
}

/* Something answers there while the agent is loaded: is it the agent? Where
 * launchd could not bind, another program may. */
static bool is_agents(const struct agent *a, const struct addr *at)
{
	struct launchctl_domain domain;
	char text[ADDR_TEXT], who[1024];
	struct fault why;
	pid_t pid = 0;

	if (launchctl_domain(&domain, &why) == 0)
		pid = launchctl_await_pid(&domain, a->label, START_MS);
	/* Now that it runs, it is among them. */
	reach_who(at->port, who, sizeof(who));
	return pid > 0 && !is_of_another(who, addr_print(at, text), pid);
}

static void check_held(struct doctor *d, const struct agent *agent,
		       const struct addr *a, bool loaded)
{
	char text[ADDR_TEXT], who[1024];
	int err = reach_connect(a, REACH_MS);

	addr_print(a, text);
	if (err == 0 && loaded && is_agents(agent, a)) {
		report(d, FINDING_OK, "socket", NULL, "%s listens", text);
	} else if (err == 0) {
		reach_who(a->port, who, sizeof(who));
		report(d, FINDING_PROBLEM, "socket",
		       loaded ? "stop that program, then: lowport install "
				"--reload LABEL"
			      : "stop that program, or take another port",
		       "%s is held by another program%s%s", text,
		       who[0] ? ":\n" : "", who);
	} else if (loaded) {
		report(d, FINDING_PROBLEM, "socket",
		       "lowport install --reload LABEL, once nobody else holds "
		       "the port",
		       "launchd has not bound %s (%s): it made its sockets "
		       "when the address or the port was not free, and does "
		       "not try again",
		       text, strerror(-err));
	} else {
		report(d, FINDING_PROBLEM, "socket",
		       "lowport install --reload LABEL", "nobody listens on %s",
		       text);
	}
}

void doctor_sockets(struct doctor *d, const struct agent *a, bool loaded)
{
	for (size_t i = 0; i < a->socket_count; i++) {
		const struct addr *at = &a->sockets[i].addr;
		char text[ADDR_TEXT];

		if (netif_has(at)) {
			check_held(d, a, at, loaded);
			continue;
		}
		report(d, FINDING_PROBLEM, "address",
		       "bring the interface up; the watcher then loads the "
		       "agent anew",
		       "%s is not an address of this machine now",
		       addr_print(at, text));
	}
}

void doctor_listener(struct doctor *d, const struct addr *a)
{
	char text[ADDR_TEXT], who[512];

	addr_print(a, text);
	if (!netif_has(a)) {
		report(d, FINDING_PROBLEM, "address",
		       "bring the interface up, or choose one of this machine",
		       "%s is not an address of this machine now", text);
		return;
	}
	report(d, FINDING_OK, "address", NULL, "%s is here", text);
	if (reach_connect(a, REACH_MS) < 0) {
		report(d, FINDING_OK, "port", NULL, "%s is free", text);
		return;
	}
	reach_who(a->port, who, sizeof(who));
	report(d, FINDING_PROBLEM, "port",
	       "stop that program, or take another port",
	       "%s is held already%s%s", text, who[0] ? ":\n" : "", who);
}

/* The lines of who that name a wildcard; they are cut out in place. */
static bool keep_wildcards(char *who, unsigned port)
{
	char star[16], zero[24], colons[24];
	char *out = who, *line, *rest = who;

	snprintf(star, sizeof(star), "*:%u", port);
	snprintf(zero, sizeof(zero), "0.0.0.0:%u", port);
	snprintf(colons, sizeof(colons), "[::]:%u", port);
	while ((line = strsep(&rest, "\n"))) {
		size_t length = strlen(line);

		if (!strstr(line, star) && !strstr(line, zero) &&
		    !strstr(line, colons))
			continue;
		if (out != who)
			*out++ = '\n';
		memmove(out, line, length);
		out += length;
	}
	*out = '\0';
	return out != who;
}

void doctor_wildcards(struct doctor *d, const struct addr *a)
{
	char who[1024];

	reach_who(a->port, who, sizeof(who));
	if (addr_is_wildcard(a) || !keep_wildcards(who, a->port))
		return;
	report(d, FINDING_UNKNOWN, "collision",
	       "on macOS both can listen, the exact address wins; but while "
	       "launchd holds it, that program may fail to start the next time",
	       "port %u is also held on every address:\n%s", a->port, who);
}

/* Is it in a network that macOS asks the user about (TN3179)? */
static bool is_local_network(const struct addr *a)
{
	if (a->family == AF_INET)
		return a->ip[0] == 10 || (a->ip[0] == 192 && a->ip[1] == 168) ||
		       (a->ip[0] == 172 && (a->ip[1] & 0xf0) == 16) ||
		       (a->ip[0] == 169 && a->ip[1] == 254);
	return a->family == AF_INET6 && a->ip[0] == 0xfe &&
	       (a->ip[1] & 0xc0) == 0x80;
}

/* Returns whether it answers. */
static bool check_address(struct doctor *d, const struct addr *a, bool only_one)
{
	char text[ADDR_TEXT];
	int err = reach_connect(a, REACH_MS);

	addr_print(a, text);
	if (err == 0) {
		report(d, FINDING_OK, "backend", NULL, "%s answers", text);
		return true;
	}
	if (only_one)
		report(d, FINDING_PROBLEM, "backend",
		       err == -EHOSTUNREACH && is_local_network(a)
			       ? "allow lowport in System Settings > Privacy > "
				 "Local Network: agents need that, programs "
				 "started in Terminal do not"
			       : "start the app, or mend --to",
		       "%s does not answer: %s", text, strerror(-err));
	else
		report(d, FINDING_UNKNOWN, "backend", NULL,
		       "%s does not answer: %s", text, strerror(-err));
	return false;
}

void doctor_backend(struct doctor *d, const struct relay_backend *b)
{
	struct addr at[NETIF_ADDRESSES_MAX];
	struct fault why;
	bool any = false;
	int count;

	if (!b->host) {
		check_address(d, &b->addr, true);
		return;
	}
	count = names_of_host(b->host, at, NETIF_ADDRESSES_MAX, &why);
	if (count < 0) {
		report(d, FINDING_PROBLEM, "backend",
		       "mend the name, or give an address", "%s", why.text);
		return;
	}
	for (int i = 0; i < count; i++) {
		at[i].port = b->addr.port;
		if (check_address(d, &at[i], false))
			any = true;
	}
	if (!any)
		report(d, FINDING_PROBLEM, "backend",
		       "start the app, or mend --to",
		       "no address of %s answers on port %u", b->host,
		       b->addr.port);
}

void doctor_limits(struct doctor *d)
{
	size_t limit = proc_raise_descriptor_limit();

	if (limit >= FILES_ENOUGH)
		report(d, FINDING_OK, "limits", NULL,
		       "%zu descriptors can be had", limit);
	else
		report(d, FINDING_PROBLEM, "limits",
		       "raise it: ulimit -n, LimitNOFILE= in a unit, "
		       "SoftResourceLimits in a plist",
		       "only %zu descriptors: two for each connection", limit);
}

void doctor_firewall(struct doctor *d, const struct addr *a)
{
	struct spawn_result *out;
	const char *const argv[] = {platform_firewall, "--getglobalstate",
				    NULL};

	if (platform_firewall[0] == '\0' || netif_is_permanent(a))
		return;
	out = malloc(sizeof(*out));
	if (out && spawn_run(argv, out) == 0 && strstr(out->output, "disabled"))
		report(d, FINDING_OK, "firewall", NULL,
		       "the Application Firewall is off");
	else
		report(d, FINDING_UNKNOWN, "firewall",
		       "if clients cannot connect: sudo "
		       "/usr/libexec/ApplicationFirewall/socketfilterfw "
		       "--unblockapp PROGRAM",
		       "the Application Firewall may ask about, or block, "
		       "listeners that are not on loopback");
	free(out);
}
