#include "os/platform.h"

#include <errno.h>
#include <grp.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

const int platform_keepidle = TCP_KEEPIDLE;

const size_t platform_descriptors_max = 1048576;

const char platform_low_port_hint[] =
	"Let systemd hold the port and hand it over (sudo lowport install, "
	"with the same words), or a .socket unit of yours, and use --listen "
	"systemd.";

void platform_low_port_of_interface(char *buf, size_t size,
				    const char *interface, unsigned port,
				    const char *to)
{
	snprintf(buf, size,
		 "Let systemd hold the port, on all addresses, and lowport "
		 "serve those of %s:\n"
		 "sudo lowport install --listen if:%s:%u --to %s",
		 interface, interface, port, to);
}

const char platform_loopback[] = "lo";

const char platform_who_listens[] = "ss -Hltnp 'sport = :%u'";

const char platform_show_addresses[] = "ip address";

const char platform_firewall[] = "";

const char platform_syslog[] = "/dev/log";

const int platform_info_signal = 0;
const char platform_run_folder[] = "/run";

void platform_temporary_folder(char *buf, size_t size)
{
	const char *folder = getenv("TMPDIR");

	snprintf(buf, size, "%s", folder && folder[0] == '/' ? folder : "/tmp");
}

size_t platform_cores(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0
		       ? (size_t)CPU_COUNT(&set)
		       : 0;
}

void platform_die_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	/* It may have died before that. */
	if (getppid() != parent)
		raise(SIGTERM);
}

/* glibc and musl do it in all threads, which the system call does not. */
int platform_become(uid_t user, gid_t group)
{
	if (setresgid(group, group, group) < 0 ||
	    setresuid(user, user, user) < 0)
		return -errno;
	return 0;
}

int platform_take_groups(const char *user, gid_t group)
{
	return initgroups(user, group) < 0 ? -errno : 0;
}

int platform_gain_no_rights(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

void platform_let_nobody_look(void)
{
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
