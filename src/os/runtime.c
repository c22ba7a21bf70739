#include "os/runtime.h"

#include "os/platform.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDER = 512, FOLDERS_MOST = 64 };

static const char suffix[] = ".sock";

/* The folders of a search, each once. */
struct search {
	struct {
		dev_t dev;
		ino_t ino;
	} seen[FOLDERS_MOST];
	size_t count;
	void (*each)(void *data, const char *path);
	void *data;
};

static struct {
	bool is_another;
	uid_t user;
} owner;

void runtime_owner(uid_t user)
{
	owner.is_another = true;
	owner.user = user;
}

bool runtime_has_owner(void)
{
	return owner.is_another;
}

int runtime_give(const char *folder)
{
	bool give = owner.is_another && geteuid() == 0;

	return give && lchown(folder, owner.user, (gid_t)-1) < 0 ? -errno : 0;
}

static uid_t whose(void)
{
	return owner.is_another ? owner.user : geteuid();
}

/* A folder, not a link to one, that belongs to this user and that nobody else
 * may write to. */
static bool is_ours(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
	       st.st_uid == whose() && (st.st_mode & 022) == 0;
}

/* Make the folder, unless it is there, and look whether it is what it has to
 * be. Returns 0 or a negative errno. */
static int have(const char *path)
{
	if (mkdir(path, 0700) < 0) {
		if (errno != EEXIST)
			return -errno;
	} else {
		int err = runtime_give(path);

		if (err < 0)
			return err;
	}
	return is_ours(path) ? 0 : -EPERM;
}

/* The first of the folders that systemd has made. */
static bool from_systemd(char path[FOLDER])
{
	const char *all = getenv("RUNTIME_DIRECTORY");

	if (!all || all[0] != '/')
		return false;
	snprintf(path, FOLDER, "%.*s", (int)strcspn(all, ":"), all);
	return true;
}

/* Under sudo the variable may be another user's. */
static bool from_session(char path[FOLDER])
{
	const char *base = getenv("XDG_RUNTIME_DIR");

	if (!base || base[0] != '/' || !is_ours(base))
		return false;
	snprintf(path, FOLDER, "%s/lowport", base);
	return true;
}

static void in_system(char path[FOLDER])
{
	if (owner.is_another)
		snprintf(path, FOLDER, "%s/lowport-%u", platform_run_folder,
			 (unsigned)owner.user);
	else
		snprintf(path, FOLDER, "%s/lowport", platform_run_folder);
}

static void in_temporary(char path[FOLDER])
{
	char base[FOLDER - 32];

	platform_temporary_folder(base, sizeof(base));
	snprintf(path, FOLDER, "%s/lowport-%u", base, (unsigned)geteuid());
}

/* Fill in the first that can be had; otherwise the last that was tried, and
 * return what is wrong with it. */
static int choose(char path[FOLDER])
{
	struct stat st;

	/* It may be a link to where systemd really keeps it. */
	if (from_systemd(path) && stat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
	    st.st_uid == whose())
		return 0;
	if (from_session(path) && have(path) == 0)
		return 0;
	if (geteuid() == 0 || owner.is_another) {
		in_system(path);
		if (have(path) == 0)
			return 0;
	}
	in_temporary(path);
	return have(path);
}

int runtime_path(char **path, const char *name, struct fault *why)
{
	char folder[FOLDER];

	int err = choose(folder);

	if (err == -EPERM)
		return fault_set(why, err,
				 "%s is no folder of this user alone (remove "
				 "it, or set XDG_RUNTIME_DIR)",
				 folder);
	if (err < 0)
		return fault_set(why, err, "%s: %s", folder, strerror(-err));
	if (asprintf(path, "%s/%s%s", folder, name, suffix) < 0)
		return fault_set(why, -ENOMEM, "out of memory");
	return 0;
}

static int is_socket_name(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name), end = sizeof(suffix) - 1;

	return entry->d_name[0] != '.' && length > end &&
	       strcmp(entry->d_name + length - end, suffix) == 0;
}

static bool is_new(struct search *s, const struct stat *st)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->seen[i].dev == st->st_dev &&
		    s->seen[i].ino == st->st_ino)
			return false;
	if (s->count == FOLDERS_MOST)
		return false;
	s->seen[s->count].dev = st->st_dev;
	s->seen[s->count++].ino = st->st_ino;
	return true;
}

static int look_in(struct search *s, const char *folder)
{
	struct dirent **found;
	struct stat st;
	int n, err = 0;

	if (stat(folder, &st) < 0 || !S_ISDIR(st.st_mode) || !is_new(s, &st))
		return 0;
	n = scandir(folder, &found, is_socket_name, alphasort);
	if (n < 0)
		return errno == ENOMEM ? -ENOMEM : 0;
	for (int i = 0; i < n; i++) {
		char *path = NULL;

		if (err == 0 &&
		    asprintf(&path, "%s/%s", folder, found[i]->d_name) < 0)
			err = -ENOMEM;
		else if (err == 0 && lstat(path, &st) == 0 &&
			 S_ISSOCK(st.st_mode))
			s->each(s->data, path);
		if (err == 0)
			free(path);
		free(found[i]);
	}
	free(found);
	return err;
}

static int is_ours_by_name(const struct dirent *entry)
{
	return strncmp(entry->d_name, "lowport", 7) == 0;
}

/* What systemd made for units of other users: only root makes things there. */
static int look_in_system(struct search *s)
{
	struct dirent **found;
	int n, err = 0;

	n = scandir(platform_run_folder, &found, is_ours_by_name, alphasort);
	if (n < 0)
		return errno == ENOMEM ? -ENOMEM : 0;
	for (int i = 0; i < n; i++) {
		char folder[FOLDER];

		snprintf(folder, sizeof(folder), "%s/%s", platform_run_folder,
			 found[i]->d_name);
		if (err == 0)
			err = look_in(s, folder);
		free(found[i]);
	}
	free(found);
	return err;
}

int runtime_find(void (*each)(void *data, const char *path), void *data)
{
	struct search s = {.each = each, .data = data};
	char folder[FOLDER];
	int err = 0;

	if (from_systemd(folder))
		err = look_in(&s, folder);
	if (err == 0 && from_session(folder) && is_ours(folder))
		err = look_in(&s, folder);
	if (err == 0)
		err = look_in_system(&s);
	in_temporary(folder);
	if (err == 0 && is_ours(folder))
		err = look_in(&s, folder);
	/* Who was started without a $TMPDIR of its own. */
	snprintf(folder, sizeof(folder), "/tmp/lowport-%u",
		 (unsigned)geteuid());
	if (err == 0 && is_ours(folder))
		err = look_in(&s, folder);
	return err;
}
