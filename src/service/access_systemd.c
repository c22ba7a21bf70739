#include "service/access_systemd.h"

#include "service/readable.h"
#include "service/user_systemd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_below(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	return strncmp(path, folder, length) == 0 && path[length] == '/';
}

/* What is started for an app sees what its user does. */
int access_file_systemd(struct agent *a, const char *path, struct fault *why)
{
	if (!a->starts_app &&
	    (is_below(path, "/tmp") || is_below(path, "/var/tmp")))
		return fault_set(
			why, -EACCES,
			"%s: a service of the system has a /tmp of its "
			"own: it would not find the file there.\n"
			"Put it elsewhere (try /etc/lowport)",
			path);
	if (is_below(path, "/home") || is_below(path, "/root") ||
	    is_below(path, "/run/user"))
		a->to_home = true;
	return readable_by(a->starts_app ? user_behind_sudo() : NULL, path,
			   why);
}

/* RuntimeDirectory=; all else is read-only. */
int access_socket_systemd(const struct agent *a, const char *path,
			  struct fault *why)
{
	const char *name = strrchr(path, '/');
	char folder[AGENT_PATH];

	snprintf(folder, sizeof(folder), "/run/%s", a->label);
	if (a->starts_app || is_below(path, folder))
		return 0;
	return fault_set(why, -EROFS,
			 "unix:%s: a service of the system may make files in "
			 "%s alone (try unix:%s%s)",
			 path, folder, folder, name ? name : "/web.sock");
}
