#include "service/user_systemd.h"

#include "base/num.h"
#include "os/file.h"

#include <errno.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOW_PORTS_END = 1024 }; /* where the system does not tell */

unsigned user_low_ports_end(void)
{
	uint64_t start = LOW_PORTS_END;
	size_t length;
	char *text;

	if (file_read("/proc/sys/net/ipv4/ip_unprivileged_port_start", &text,
		      &length) < 0)
		return LOW_PORTS_END;
	text[strcspn(text, "\n")] = '\0';
	num_parse(text, 10, 0, UINT16_MAX + 1, &start);
	free(text);
	return (unsigned)start;
}

const char *user_behind_sudo(void)
{
	const char *sudo = getenv("SUDO_USER");

	return sudo && sudo[0] != '\0' && strcmp(sudo, "root") != 0 ? sudo
								    : NULL;
}

bool user_lingers(void)
{
	const struct passwd *pw = getpwuid(getuid());
	char path[300];

	if (!pw)
		return false;
	snprintf(path, sizeof(path), "/var/lib/systemd/linger/%s", pw->pw_name);
	return access(path, F_OK) == 0;
}

static int check_low_ports(const struct agent *a, struct fault *why)
{
	unsigned end = user_low_ports_end();

	for (size_t i = 0; i < a->socket_count; i++) {
		const struct addr *at = &a->sockets[i].addr;
		char text[ADDR_TEXT];

		if (at->port >= end)
			continue;
		return fault_set(
			why, -EPERM,
			"%s: your own systemd may not open ports below %u "
			"(net.ipv4.ip_unprivileged_port_start).\nThe system's "
			"may, and runs lowport as a user without rights:\n"
			"sudo %s",
			addr_print(at, text), end,
			a->asked ? a->asked : "lowport install ...");
	}
	return 0;
}

int user_check_systemd(const struct agent *a, struct fault *why)
{
	if (!a)
		return 0;
	if (!a->of_system)
		return check_low_ports(a, why);
	if (a->to_tmp && !a->starts_app)
		return fault_set(why, -EINVAL,
				 "a service of the system has a /tmp of its "
				 "own: it would not find the socket there.\n"
				 "Have your program make it elsewhere (try "
				 "/run/app/app.sock)");
	return 0;
}
