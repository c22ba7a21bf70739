#include "os/platform.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/sysctl.h>
#include <sys/syslimits.h>
#include <sys/types.h>
#include <unistd.h>

const int platform_keepidle = TCP_KEEPALIVE;

/* setrlimit(2): more than OPEN_MAX is refused although the hard limit says
 * "unlimited". */
const size_t platform_descriptors_max = OPEN_MAX;

const char platform_low_port_hint[] =
	"Let launchd hold the port and hand it over (a LaunchAgent with a "
	"Sockets entry, see launchd/README.md), and use --listen launchd:NAME.";

void platform_low_port_of_interface(char *buf, size_t size,
				    const char *interface, unsigned port,
				    const char *to)
{
	snprintf(buf, size,
		 "Let launchd hold the port on the addresses that %s has "
		 "now:\nlowport install --listen if:%s:%u --to %s",
		 interface, interface, port, to);
}

const char platform_loopback[] = "lo0";

const char platform_who_listens[] = "lsof -nP -iTCP:%u -sTCP:LISTEN";

const char platform_show_addresses[] = "ifconfig";

const char platform_firewall[] =
	"/usr/libexec/ApplicationFirewall/socketfilterfw";

const char platform_syslog[] = "/var/run/syslog";

const int platform_info_signal = SIGINFO;
const char platform_run_folder[] = "/var/run";

/* confstr(3): the same for all programs of the user, whatever $TMPDIR says. */
void platform_temporary_folder(char *buf, size_t size)
{
	size_t length = confstr(_CS_DARWIN_USER_TEMP_DIR, buf, size);

	if (length == 0 || length > size)
		snprintf(buf, size, "/tmp");
	else if (length > 2 && buf[length - 2] == '/')
		buf[length - 2] = '\0';
}

/* perflevel0 is the fastest kind; an Intel Mac has no such level. */
size_t platform_cores(void)
{
	int cores = 0;
	size_t length = sizeof(cores);

	if (sysctlbyname("hw.perflevel0.logicalcpu", &cores, &length, NULL, 0) <
		    0 &&
	    sysctlbyname("hw.activecpu", &cores, &length, NULL, 0) < 0)
		return 0;
	return cores > 0 ? (size_t)cores : 0;
}

void platform_die_with(pid_t parent)
{
	(void)parent;
}

/* setuid(2): of root, it sets the saved id as well. */
int platform_become(uid_t user, gid_t group)
{
	if (setgid(group) < 0 || setuid(user) < 0)
		return -errno;
	return 0;
}

int platform_take_groups(const char *user, gid_t group)
{
	return initgroups(user, (int)group) < 0 ? -errno : 0;
}

int platform_gain_no_rights(void)
{
	return -ENOSYS;
}

/* ptrace(2): who has changed its user is not attached to by others than root. */
void platform_let_nobody_look(void)
{
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
}
