#include "process/network.h"

#include "support/proc.h"
#include "support/scrap.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmocka.h>

enum { NETWORKS_MOST = 8 };

static int networks[NETWORKS_MOST];
static unsigned count;

const char *network_set_up(void)
{
	if (geteuid() != 0)
		return "root, for a network of its own";
	if (!proc_has("ip"))
		return "ip (iproute2)";
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return "leave to make a network of its own";
	return NULL;
}

int network_new(void)
{
	int fd;

	assert_in_range(count, 0, NETWORKS_MOST - 1);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	networks[count++] = fd;
	IP("link", "set", "lo", "up");
	return fd;
}

void network_go(int network)
{
	assert_int_equal(setns(network, CLONE_NEWNET), 0);
}

void network_run(const char *const argv[])
{
	proc_end(proc_start(argv, NULL), 0);
}

void network_cable(const char *name, int to, const char *name_there)
{
	IP("link", "add", name, "type", "veth", "peer", "name", name_there,
	   "netns", scrap("/proc/%ld/fd/%d", (long)getpid(), to));
}

void networks_close(void)
{
	while (count > 0)
		close(networks[--count]);
}
