#include "service/unit.h"

#include "base/num.h"
#include "base/text.h"
#include "base/words.h"
#include "os/file.h"
#include "os/netif.h"
#include "service/agent_systemd.h"
#include "service/unit_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What needs no rights to be taken away: a user's systemd can do it too. */
static const char by_seccomp[] =
	"NoNewPrivileges=yes\n"
	"LockPersonality=yes\n"
	"MemoryDenyWriteExecute=yes\n"
	"RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK\n"
	"RestrictNamespaces=yes\n"
	"RestrictRealtime=yes\n"
	"RestrictSUIDSGID=yes\n"
	"SystemCallArchitectures=native\n"
	"SystemCallFilter=@system-service\n"
	/* What lowport's own sandbox takes. */
	"SystemCallFilter=seccomp landlock_create_ruleset landlock_add_rule "
	"landlock_restrict_self\n"
	"SystemCallFilter=~@privileged @resources\n"
	"SystemCallErrorNumber=EPERM\n";

/* The interface that lowport serves on a socket for all addresses. */
static const char interface_key[] = "X-Lowport-Interface";

static const char of_the_system[] = "DynamicUser=yes\n"
				    "CapabilityBoundingSet=\n"
				    "AmbientCapabilities=\n"
				    "PrivateDevices=yes\n"
				    "PrivateTmp=yes\n"
				    "PrivateUsers=yes\n"
				    "ProtectClock=yes\n"
				    "ProtectControlGroups=yes\n"
				    "ProtectHostname=yes\n"
				    "ProtectKernelLogs=yes\n"
				    "ProtectKernelModules=yes\n"
				    "ProtectKernelTunables=yes\n"
				    "ProtectProc=invisible\n"
				    "ProtectSystem=strict\n"
				    "RemoveIPC=yes\n"
				    "UMask=0077\n";

/* An app may compile what it runs, want devices, namespaces or its home; but it
 * gets no rights, and leaves the system alone. */
static const char around_an_app[] = "CapabilityBoundingSet=\n"
				    "AmbientCapabilities=\n"
				    "NoNewPrivileges=yes\n"
				    "LockPersonality=yes\n"
				    "ProtectClock=yes\n"
				    "ProtectControlGroups=yes\n"
				    "ProtectHostname=yes\n"
				    "ProtectKernelLogs=yes\n"
				    "ProtectKernelModules=yes\n"
				    "ProtectKernelTunables=yes\n"
				    "ProtectSystem=full\n"
				    "RestrictRealtime=yes\n"
				    "RestrictSUIDSGID=yes\n";

static void put_hardening(FILE *to, const struct agent *a, const char *user)
{
	if (a->starts_app && !a->of_system) {
		fputs("\n# The app runs within this service (--exec), as you: "
		      "nothing is taken from it.\n",
		      to);
		return;
	}
	if (a->starts_app) {
		fputs("\n# The app runs within this service (--exec): it may "
		      "not do what only root may,\n# and is else left alone.\n",
		      to);
		if (user)
			fprintf(to, "User=%s\n", user);
		else
			fputs("DynamicUser=yes\n", to);
		fputs(around_an_app, to);
		return;
	}
	if (a->of_system) {
		fputs("\n# A user of its own, for as long as it runs, that may "
		      "do nothing else.\n",
		      to);
		fputs(of_the_system, to);
		fprintf(to, "ProtectHome=%s\n",
			a->to_home ? "read-only" : "yes");
	} else {
		fputs("\n# It may do nothing else.\n", to);
	}
	fputs(by_seccomp, to);
}

static void put_where(FILE *to, const struct agent *a, size_t first,
		      size_t next)
{
	for (size_t i = first; i < next; i++) {
		const struct agent_socket *s = &a->sockets[i];
		char text[ADDR_TEXT];

		if (i > first)
			fputs(", ", to);
		if (s->interface[0] != '\0')
			fprintf(to, "%s:%u", s->interface, s->addr.port);
		else
			unit_put_text(to, addr_print(&s->addr, text));
	}
}

static void put_sockets(FILE *to, const char *key, const struct agent *a)
{
	char unit[UNIT_NAME];

	fprintf(to, "%s=", key);
	for (size_t i = 0; i < a->socket_count; i = agent_next_name(a, i))
		fprintf(to, "%s%s", i > 0 ? " " : "",
			agent_socket_unit(a, i, unit));
	fputc('\n', to);
}

static void put_command(FILE *to, const struct agent *a)
{
	fputs("ExecStart=", to);
	unit_put_word(to, a->program, true);
	for (size_t i = 0; i < a->argument_count; i++) {
		fputc(' ', to);
		unit_put_word(to, a->arguments[i], false);
	}
	fputc('\n', to);
}

static void put_service(FILE *to, const struct agent *a)
{
	fputs("[Unit]\nDescription=lowport at ", to);
	put_where(to, a, 0, a->socket_count);
	fputs("\nDocumentation=man:lowport(1)\n", to);
	put_sockets(to, "Requires", a);
	put_sockets(to, "After", a);
	/* So that it is stopped before the network is. */
	if (a->of_system)
		fputs("After=network.target\n", to);
	fputs("\n[Service]\nType=notify\nNotifyAccess=main\n", to);
	put_command(to, a);
	fputs("ExecReload=/bin/kill -HUP $MAINPID\n", to);
	put_sockets(to, "Sockets", a);
	fputs("NonBlocking=true\n", to);
	fputs("WatchdogSec=30\n"
	      "Restart=on-failure\n"
	      "# Slowly enough that systemd does not give up (five times in "
	      "ten "
	      "seconds).\n"
	      "RestartSec=3\n"
	      "# The command line is wrong: it stays so.\n"
	      "RestartPreventExitStatus=2\n",
	      to);
	/* The app is stopped by lowport, once nobody is connected. */
	if (a->starts_app)
		fputs("KillMode=mixed\n", to);
	fprintf(to,
		"# It lets its connections finish first (--drain-timeout).\n"
		"TimeoutStopSec=%llu\n"
		"# Two descriptors for each connection.\n"
		"LimitNOFILE=65536\n",
		(unsigned long long)a->exit_timeout_s);
	fprintf(to, "RuntimeDirectory=%s\n", a->label);
}

char *unit_service(const struct agent *a, const char *user)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	put_service(to, a);
	put_hardening(to, a, user);
	return text_of_stream(to, &text);
}

/* :: alone takes IPv4 clients as well or not, as the system likes: what is
 * meant is said. */
static void put_addresses(FILE *to, const struct agent *a, size_t first,
			  size_t next)
{
	bool late = false, v6 = false;

	for (size_t i = first; i < next; i++) {
		const struct agent_socket *s = &a->sockets[i];
		char text[ADDR_TEXT];

		fputs("ListenStream=", to);
		unit_put_text(to, addr_print(&s->addr, text));
		fputc('\n', to);
		late = late || !netif_is_permanent(&s->addr);
		v6 = v6 ||
		     (s->addr.family == AF_INET6 && addr_is_wildcard(&s->addr));
	}
	if (v6)
		fprintf(to, "BindIPv6Only=%s\n",
			a->sockets[first].interface[0] != '\0' ? "both"
							       : "ipv6-only");
	if (late)
		fputs("# The address may come later.\nFreeBind=yes\n", to);
}

char *unit_socket(const struct agent *a, size_t first)
{
	size_t size, next = agent_next_name(a, first);
	char *text = NULL, service[UNIT_NAME];
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	fprintf(to, "# Held by systemd. %s starts with the first client.\n",
		agent_service_unit(a, service));
	fputs("[Unit]\nDescription=", to);
	put_where(to, a, first, next);
	fputs(" for lowport\nDocumentation=man:lowport(1)\n\n[Socket]\n", to);
	put_addresses(to, a, first, next);
	/* systemd passes over what begins so. */
	if (a->sockets[first].interface[0] != '\0')
		fprintf(to, "%s=%s\n", interface_key,
			a->sockets[first].interface);
	fprintf(to,
		"FileDescriptorName=%s\n"
		"Service=%s\n"
		"Accept=no\n"
		"Backlog=%llu\n"
		"NoDelay=yes\n\n"
		"[Install]\nWantedBy=sockets.target\n",
		a->sockets[first].name, service,
		(unsigned long long)a->backlog);
	return text_of_stream(to, &text);
}

/* Reading */

static int read_file(const char *path, char **text, struct fault *why)
{
	size_t length;
	int err = file_read(path, text, &length);

	return err < 0 ? fault_set(why, err, "%s: %s", path, strerror(-err))
		       : 0;
}

/* The interface that sockets of that name are served on, out of the arguments:
 * systemd:NAME@if:INTERFACE. */
static void read_interface(const struct agent *a, struct agent_socket *s)
{
	char wanted[sizeof(s->name) + 16];

	snprintf(wanted, sizeof(wanted), "systemd:%s@if:", s->name);
	for (size_t i = 0; i < a->argument_count; i++)
		if (strncmp(a->arguments[i], wanted, strlen(wanted)) == 0)
			snprintf(s->interface, sizeof(s->interface), "%.*s",
				 (int)strcspn(a->arguments[i] + strlen(wanted),
					      "+"),
				 a->arguments[i] + strlen(wanted));
}

static int read_socket(struct agent *a, const char *name, char *value,
		       struct fault *why)
{
	char *percent = strstr(value, "%%");
	struct agent_socket *s;
	struct addr at;
	int err;

	if (percent)
		memmove(percent, percent + 1, strlen(percent));
	if (addr_parse(&at, value) < 0)
		return fault_set(why, -EINVAL,
				 "%s: \"%s\" is not an address (try "
				 "127.0.0.1:80)",
				 name, value);
	err = agent_add_socket(a, &at, why);
	if (err < 0)
		return err;
	s = &a->sockets[a->socket_count - 1];
	snprintf(s->name, sizeof(s->name), "%s", name);
	read_interface(a, s);
	return 0;
}

static int read_sockets(struct agent *a, const char *unit, struct fault *why)
{
	char path[AGENT_PATH], *text, *name, *value, *interface;
	int err;

	agent_unit_file(a, unit, path);
	err = read_file(path, &text, why);
	/* There is a service all the same. */
	if (err == -ENOENT)
		return fault_set(why, -EINVAL,
				 "%s does not exist, though the service wants "
				 "it (lowport install, with the same words, "
				 "writes it anew)",
				 path);
	if (err < 0)
		return err;
	name = unit_value(text, "FileDescriptorName", 0);
	for (unsigned i = 0;
	     err == 0 && (value = unit_value(text, "ListenStream", i)); i++) {
		err = read_socket(a, name ? name : unit, value, why);
		free(value);
	}
	interface = unit_value(text, interface_key, 0);
	if (err == 0 && interface && a->socket_count > 0) {
		struct agent_socket *s = &a->sockets[a->socket_count - 1];

		snprintf(s->interface, sizeof(s->interface), "%s", interface);
	}
	free(interface);
	free(name);
	free(text);
	return err;
}

static int read_command(struct agent *a, const char *text, struct fault *why)
{
	char *line = unit_value(text, "ExecStart", 0), **words = NULL;
	int err = line ? unit_split(line, &words) : -EINVAL;

	free(line);
	if (err < 0)
		return fault_set(why, err, "%s: %s", a->file,
				 line ? strerror(-err) : "no ExecStart=");
	for (size_t i = 0; words[i] && err == 0; i++)
		if (i == 0)
			snprintf(a->program, sizeof(a->program), "%s",
				 words[i]);
		else
			err = agent_add_argument(a, words[i], why);
	words_free(words);
	return err;
}

static void read_patience(struct agent *a, const char *text)
{
	char *value = unit_value(text, "TimeoutStopSec", 0);

	if (value)
		num_parse(value, 10, 1, UINT32_MAX, &a->exit_timeout_s);
	free(value);
}

int unit_read(struct agent *a, struct fault *why)
{
	char *text = NULL, *list, **units = NULL;
	int err = read_file(a->file, &text, why);

	if (err == 0)
		err = read_command(a, text, why);
	if (err == 0)
		read_patience(a, text);
	list = err == 0 ? unit_value(text, "Sockets", 0) : NULL;
	if (list)
		err = unit_split(list, &units);
	for (size_t i = 0; units && units[i] && err == 0; i++)
		err = read_sockets(a, units[i], why);
	words_free(units);
	free(list);
	free(text);
	return err;
}
