#include "service/watcher.h"

#include "os/netif.h"
#include "service/agent_launchd.h"
#include "service/install_launchd.h"
#include "service/plist.h"
#include "service/reach.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	REACH_MS = 1000,
	SETTLE_MOST = 10,     /* but some machines are never quiet */
	SETTLE_MS = 300,      /* an interface gets its addresses in a row */
	AGAIN_MS = 10 * 1000, /* after a reload that did not help, at first */
	AGAIN_MOST_MS = 600 * 1000,
};

struct watched {
	struct addr addr;
	bool here;
};

static void say_change(const struct watched *w, install_say say)
{
	char text[ADDR_TEXT + 64], addr[ADDR_TEXT];

	snprintf(text, sizeof(text), "%s has %s", addr_print(&w->addr, addr),
		 w->here ? "come" : "gone");
	say(text);
}

/* Has an address come (or been there from the start) at which nobody listens?
 * Only then: each look is a connection that the agent has to answer. */
static bool look(struct watched *at, size_t count, bool first, install_say say)
{
	bool missing = false;

	for (size_t i = 0; i < count; i++) {
		bool was = at[i].here;

		at[i].here = netif_has(&at[i].addr);
		if (at[i].here != was && !first)
			say_change(&at[i], say);
		if (at[i].here && (first || !was) &&
		    reach_connect(&at[i].addr, REACH_MS) < 0)
			missing = true;
	}
	return missing;
}

static bool any_missing(const struct watched *at, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (at[i].here && reach_connect(&at[i].addr, REACH_MS) < 0)
			return true;
	return false;
}

/* Wait for a change, at most so long (-1: for ever), and for its end. */
static int wait_for_change(int fd, int timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int n = poll(&p, 1, timeout_ms);

	if (n < 0 && errno != EINTR)
		return -errno;
	for (int i = 0; n > 0 && i < SETTLE_MOST; i++) {
		netif_watch_drain(fd);
		n = poll(&p, 1, SETTLE_MS);
	}
	return 0;
}

static int reload(const char *name, const char *program, install_say say)
{
	struct fault why;
	int err;

	say("loading the agent anew");
	err = install_reload_launchd(name, program, say, &why);
	if (err < 0)
		say(why.text);
	return err;
}

static int watch(const char *name, const char *program, struct watched *at,
		 size_t count, int fd, install_say say)
{
	int again_ms = AGAIN_MS, timeout_ms = -1, err = 0;
	bool missing = look(at, count, true, say);

	while (err == 0) {
		timeout_ms = -1;
		if (missing && reload(name, program, say) < 0) {
			timeout_ms = again_ms;
			again_ms = again_ms * 2 < AGAIN_MOST_MS ? again_ms * 2
								: AGAIN_MOST_MS;
		} else {
			again_ms = AGAIN_MS;
		}
		err = wait_for_change(fd, timeout_ms);
		missing = look(at, count, false, say) ||
			  (timeout_ms > 0 && any_missing(at, count));
	}
	return err;
}

static size_t collect(const struct agent *a, struct watched *at)
{
	size_t count = 0;

	for (size_t i = 0; i < a->socket_count; i++)
		if (!netif_is_permanent(&a->sockets[i].addr))
			at[count++].addr = a->sockets[i].addr;
	return count;
}

int watcher_run(const char *name, const char *program, install_say say,
		struct fault *why)
{
	struct watched at[AGENT_SOCKETS_MAX] = {0};
	struct agent *a = calloc(1, sizeof(*a));
	size_t count = 0;
	int fd, err;

	if (!a)
		return fault_set(why, -ENOMEM, "out of memory");
	err = agent_init_launchd(a, name, why);
	if (err == 0)
		err = plist_read(a, why);
	if (err == 0)
		count = collect(a, at);
	agent_free(a);
	free(a);
	if (err < 0)
		return err;
	fd = netif_watch();
	if (fd < 0)
		return fault_set(why, fd, "watching addresses: %s",
				 strerror(-fd));
	err = watch(name, program, at, count, fd, say);
	close(fd);
	return fault_set(why, err, "watching addresses: %s", strerror(-err));
}
