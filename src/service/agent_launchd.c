#include "service/agent_launchd.h"

#include "os/netif.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int agent_init_launchd(struct agent *a, const char *name, struct fault *why)
{
	const char *home = getenv("HOME");
	int n, err = agent_init(a, name, why);

	if (err < 0)
		return err;
	if (!home || home[0] != '/')
		return fault_set(why, -EINVAL,
				 "HOME is not set to your home folder");
	snprintf(a->label, sizeof(a->label), "lowport.%s", name);
	snprintf(a->file, sizeof(a->file), "%s/Library/LaunchAgents/%s.plist",
		 home, a->label);
	snprintf(a->log, sizeof(a->log), "%s/Library/Logs/%s.log", home,
		 a->label);
	/* launchd pins what it has loaded to that very binary: a copy of its
	 * own is replaced only together with a reload. */
	n = snprintf(a->program, sizeof(a->program),
		     "%s/Library/Application Support/lowport/%s/lowport", home,
		     a->label);
	if (n >= (int)sizeof(a->program))
		return fault_set(why, -EINVAL, "HOME is too long");
	return 0;
}

bool agent_needs_watcher(const struct agent *a)
{
	for (size_t i = 0; i < a->socket_count; i++)
		if (!netif_is_permanent(&a->sockets[i].addr))
			return true;
	return false;
}

int agent_watcher(struct agent *w, const struct agent *a)
{
	struct fault why;
	int err;

	*w = *a;
	memset(w->arguments, 0, sizeof(w->arguments));
	w->argument_count = 0;
	w->socket_count = 0;
	w->exit_timeout_s = 2;
	w->keep_alive = true;
	snprintf(w->label, sizeof(w->label), "lowport.%s.watch", a->name);
	snprintf(w->file + strlen(w->file) - strlen(".plist"),
		 sizeof(w->file) - strlen(w->file), ".watch.plist");
	err = agent_add_argument(w, "watch", &why);
	if (err == 0)
		err = agent_add_argument(w, a->name, &why);
	if (err < 0)
		agent_free(w);
	return err;
}
