#include "service/doctor_launchd.h"

#include "os/netif.h"
#include "service/agent_launchd.h"
#include "service/launchctl.h"
#include "service/reach.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	REACH_MS = 2000,
	START_MS = 2000, /* for launchd to start the agent */
};

/* Returns whether there is one. */
static bool check_plist(struct doctor *d, const struct agent *a)
{
	struct stat st;

	if (stat(a->file, &st) < 0) {
		doctor_report(
			d, FINDING_PROBLEM, "plist",
			"lowport install --label LABEL --listen ADDR:PORT --to "
			"BACKEND",
			"%s: %s", a->file, strerror(errno));
		return false;
	}
	if (st.st_uid != getuid())
		doctor_report(
			d, FINDING_PROBLEM, "plist",
			"remove it and install again, without sudo",
			"%s belongs to another user: launchd will refuse it",
			a->file);
	else if (st.st_mode & (S_IWGRP | S_IWOTH))
		doctor_report(
			d, FINDING_PROBLEM, "plist",
			"chmod 644 FILE, and load it anew",
			"%s may be written by others: launchd will refuse it",
			a->file);
	else
		doctor_report(d, FINDING_OK, "plist", NULL, "%s", a->file);
	return true;
}

static void check_program(struct doctor *d, const struct agent *a)
{
	if (access(a->program, X_OK) == 0)
		doctor_report(d, FINDING_OK, "program", NULL, "%s", a->program);
	else
		doctor_report(d, FINDING_PROBLEM, "program",
			      "lowport install --reload LABEL puts it back",
			      "%s: %s", a->program, strerror(errno));
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
		doctor_report(d, FINDING_OK, "log", NULL, "%s", a->log);
	else
		doctor_report(d, FINDING_PROBLEM, "log",
			      "make the folder, or remove the file; without it "
			      "launchd "
			      "does not start the agent (exit 78)",
			      "%s cannot be written: %s", a->log,
			      strerror(errno));
}

static void check_ended(struct doctor *d, const struct launchctl_job *job)
{
	if (job->pid > 0)
		doctor_report(d, FINDING_OK, "process", NULL,
			      "running, pid %ld", (long)job->pid);
	else if (job->last_signal > 0)
		doctor_report(
			d, FINDING_PROBLEM, "process",
			"the log may say why; after an upgrade: lowport "
			"install "
			"--reload LABEL (launchd kills a program that is not "
			"the one it has loaded)",
			"was ended by signal %d the last time",
			job->last_signal);
	else if (!job->has_ended || job->last_status == 0)
		doctor_report(d, FINDING_OK, "process", NULL,
			      "not running; it starts at the first connection");
	else
		doctor_report(
			d, FINDING_PROBLEM, "process",
			job->last_status == 78
				? "its log or its program could not be opened"
				: "the log says why",
			"ended with status %d the last time", job->last_status);
}

bool doctor_agent_launchd(struct doctor *d, const struct agent *a)
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
		doctor_report(d, FINDING_PROBLEM, "loaded", NULL, "%s",
			      job ? why.text : "out of memory");
		free(job);
		return false;
	}
	launchctl_print(&domain, a->label, job);
	loaded = job->loaded;
	if (loaded) {
		doctor_report(d, FINDING_OK, "loaded", NULL, "%s/%s",
			      domain.text, a->label);
		check_ended(d, job);
	} else {
		doctor_report(d, FINDING_PROBLEM, "loaded",
			      "lowport install --reload LABEL; if it has been "
			      "switched "
			      "off: System Settings > General > Login Items",
			      "launchd does not know %s/%s", domain.text,
			      a->label);
	}
	free(job);
	return loaded;
}

static void look_at_watcher(struct doctor *d, const struct agent *a)
{
	struct agent *watcher = malloc(sizeof(*watcher));
	struct launchctl_domain domain;
	struct fault why;

	if (agent_needs_watcher(a) && watcher &&
	    launchctl_domain(&domain, &why) == 0 &&
	    agent_watcher(watcher, a) == 0) {
		if (launchctl_await_pid(&domain, watcher->label, START_MS) > 0)
			doctor_report(d, FINDING_OK, "watcher", NULL, "%s/%s",
				      domain.text, watcher->label);
		else
			doctor_report(
				d, FINDING_PROBLEM, "watcher",
				"lowport install --reload LABEL",
				"%s/%s does not run: nobody loads the agent "
				"anew when its address comes",
				domain.text, watcher->label);
		agent_free(watcher);
	}
	free(watcher);
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
	return pid > 0 && !doctor_is_of_another(who, addr_print(at, text), pid);
}

static void check_held(struct doctor *d, const struct agent *agent,
		       const struct addr *a, bool loaded)
{
	char text[ADDR_TEXT], who[1024];
	int err = reach_connect(a, REACH_MS);

	addr_print(a, text);
	if (err == 0 && loaded && is_agents(agent, a)) {
		doctor_report(d, FINDING_OK, "socket", NULL, "%s listens",
			      text);
	} else if (err == 0) {
		reach_who(a->port, who, sizeof(who));
		doctor_report(
			d, FINDING_PROBLEM, "socket",
			loaded ? "stop that program, then: lowport install "
				 "--reload LABEL"
			       : "stop that program, or take another port",
			"%s is held by another program%s%s", text,
			who[0] ? ":\n" : "", who);
	} else if (loaded) {
		doctor_report(
			d, FINDING_PROBLEM, "socket",
			"lowport install --reload LABEL, once nobody else "
			"holds "
			"the port",
			"launchd has not bound %s (%s): it made its sockets "
			"when the address or the port was not free, and does "
			"not try again",
			text, strerror(-err));
	} else {
		doctor_report(d, FINDING_PROBLEM, "socket",
			      "lowport install --reload LABEL",
			      "nobody listens on %s", text);
	}
}

void doctor_sockets_launchd(struct doctor *d, const struct agent *a,
			    bool loaded)
{
	look_at_watcher(d, a);
	for (size_t i = 0; i < a->socket_count; i++) {
		const struct addr *at = &a->sockets[i].addr;
		char text[ADDR_TEXT];

		if (netif_has(at)) {
			check_held(d, a, at, loaded);
			continue;
		}
		doctor_report(
			d, FINDING_PROBLEM, "address",
			"bring the interface up; the watcher then loads the "
			"agent anew",
			"%s is not an address of this machine now",
			addr_print(at, text));
	}
}
