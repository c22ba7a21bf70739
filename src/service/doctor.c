#include "service/doctor.h"

#include "os/netif.h"
#include "os/platform.h"
#include "os/proc.h"
#include "os/spawn.h"
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
	FILES_ENOUGH = 1024, /* 500 connections */
};

void doctor_report(struct doctor *d, enum finding finding, const char *subject,
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

bool doctor_is_of_another(const char *who, const char *address, pid_t pid)
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

void doctor_listener(struct doctor *d, const struct addr *a)
{
	char text[ADDR_TEXT], who[512];

	addr_print(a, text);
	if (!netif_has(a)) {
		doctor_report(
			d, FINDING_PROBLEM, "address",
			"bring the interface up, or choose one of this machine",
			"%s is not an address of this machine now", text);
		return;
	}
	doctor_report(d, FINDING_OK, "address", NULL, "%s is here", text);
	if (reach_connect(a, REACH_MS) < 0) {
		doctor_report(d, FINDING_OK, "port", NULL, "%s is free", text);
		return;
	}
	reach_who(a->port, who, sizeof(who));
	doctor_report(d, FINDING_PROBLEM, "port",
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
	doctor_report(
		d, FINDING_UNKNOWN, "collision",
		"on macOS both can listen, the exact address wins; but while "
		"launchd holds it, that program may fail to start the next "
		"time",
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
		doctor_report(d, FINDING_OK, "backend", NULL, "%s answers",
			      text);
		return true;
	}
	if (only_one)
		doctor_report(
			d, FINDING_PROBLEM, "backend",
			err == -EHOSTUNREACH && is_local_network(a)
				? "allow lowport in System Settings > Privacy "
				  "> "
				  "Local Network: agents need that, programs "
				  "started in Terminal do not"
				: "start the app, or mend --to",
			"%s does not answer: %s", text, strerror(-err));
	else
		doctor_report(d, FINDING_UNKNOWN, "backend", NULL,
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
		doctor_report(d, FINDING_PROBLEM, "backend",
			      "mend the name, or give an address", "%s",
			      why.text);
		return;
	}
	for (int i = 0; i < count; i++) {
		at[i].port = b->addr.port;
		if (check_address(d, &at[i], false))
			any = true;
	}
	if (!any)
		doctor_report(d, FINDING_PROBLEM, "backend",
			      "start the app, or mend --to",
			      "no address of %s answers on port %u", b->host,
			      b->addr.port);
}

void doctor_limits(struct doctor *d)
{
	size_t limit = proc_raise_descriptor_limit();

	if (limit >= FILES_ENOUGH)
		doctor_report(d, FINDING_OK, "limits", NULL,
			      "%zu descriptors can be had", limit);
	else
		doctor_report(d, FINDING_PROBLEM, "limits",
			      "raise it: ulimit -n, LimitNOFILE= in a unit, "
			      "SoftResourceLimits in a plist",
			      "only %zu descriptors: two for each connection",
			      limit);
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
		doctor_report(d, FINDING_OK, "firewall", NULL,
			      "the Application Firewall is off");
	else
		doctor_report(
			d, FINDING_UNKNOWN, "firewall",
			"if clients cannot connect: sudo "
			"/usr/libexec/ApplicationFirewall/socketfilterfw "
			"--unblockapp PROGRAM",
			"the Application Firewall may ask about, or block, "
			"listeners that are not on loopback");
	free(out);
}
