#include "service/readable.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool is_in(const struct passwd *user, gid_t group)
{
	const struct group *g = getgrgid(group);

	if (user->pw_gid == group)
		return true;
	for (char **member = g ? g->gr_mem : NULL; member && *member; member++)
		if (strcmp(*member, user->pw_name) == 0)
			return true;
	return false;
}

/* bits: as others need them. */
static bool may(const struct passwd *user, const struct stat *st, mode_t bits)
{
	if (user && user->pw_uid == st->st_uid)
		return (st->st_mode >> 6 & bits) == bits;
	if (user && is_in(user, st->st_gid))
		return (st->st_mode >> 3 & bits) == bits;
	return (st->st_mode & bits) == bits;
}

static const char *who(const struct passwd *user)
{
	return user ? user->pw_name : "a user of its own";
}

static int check_end(const struct passwd *user, const char *path,
		     struct fault *why)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return fault_set(why, -errno, "%s: %s", path, strerror(errno));
	if (may(user, &st, S_ISDIR(st.st_mode) ? S_IROTH | S_IXOTH : S_IROTH))
		return 0;
	return fault_set(why, -EACCES,
			 "%s: the service runs as %s, who may not read it "
			 "(mode %04o).\nLet it: chmod %s %s",
			 path, who(user), (unsigned)st.st_mode & 07777,
			 S_ISDIR(st.st_mode) ? "o+rx" : "o+r", path);
}

/* The folders above it. path is changed meanwhile. */
static int check_way(const struct passwd *user, char *path, struct fault *why)
{
	struct stat st;
	int err = 0;

	for (char *slash = strchr(path + 1, '/'); slash && err == 0;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (stat(path, &st) == 0 && !may(user, &st, S_IXOTH))
			err = fault_set(
				why, -EACCES,
				"%s: the service runs as %s, who may not enter "
				"this folder (mode %04o).\nPut the file "
				"elsewhere (try /etc/lowport), or let it: "
				"chmod o+x %s",
				path, who(user), (unsigned)st.st_mode & 07777,
				path);
		*slash = '/';
	}
	return err;
}

int readable_by(const char *name, const char *path, struct fault *why)
{
	const struct passwd *user = name ? getpwnam(name) : NULL;
	char *way = strdup(path), *real = realpath(path, NULL);
	int err = way ? 0 : fault_set(why, -ENOMEM, "out of memory");

	if (err == 0)
		err = check_way(user, way, why);
	/* Where a link leads. */
	if (err == 0 && real)
		err = check_way(user, real, why);
	if (err == 0)
		err = check_end(user, path, why);
	free(way);
	free(real);
	return err;
}
