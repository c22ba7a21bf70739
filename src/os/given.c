#include "os/given.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINKS_MOST = 40 };

/* A way that is gone step by step. */
struct way {
	const struct rights *user;
	char at[PATH_MAX];   /* a folder, without links; "" is the root */
	char rest[PATH_MAX]; /* to be gone from there */
	unsigned links;
};

static int open_as(const struct rights *user, const char *path, int flags,
		   mode_t mode)
{
	int err = rights_act_as(user), fd = -1;

	if (err == 0) {
		fd = open(path, flags, mode);
		err = fd < 0 ? -errno : 0;
	}
	if (rights_act_as_root() == 0)
		return err < 0 ? err : fd;
	if (fd >= 0)
		close(fd);
	return -EPERM;
}

static bool may_write(const struct rights *user, const char *folder)
{
	bool may = true;

	if (rights_act_as(user) == 0)
		may = faccessat(AT_FDCWD, folder, W_OK, AT_EACCESS) == 0;
	return rights_act_as_root() < 0 || may;
}

/* Could the user have put there what is, or is not, at next in the folder where
 * we are? In a sticky one only a folder of another's is surely that one's: files
 * and links might be hard links. */
static bool is_theirs(const struct way *w, const struct stat *next)
{
	const char *folder = w->at[0] != '\0' ? w->at : "/";
	struct stat st;

	if (stat(folder, &st) < 0 || st.st_uid == w->user->user)
		return true;
	if (st.st_mode & S_ISVTX && next && S_ISDIR(next->st_mode) &&
	    next->st_uid != w->user->user)
		return false;
	/* With an ACL, its mask is the group's. */
	return st.st_mode & (S_IWGRP | S_IWOTH) && may_write(w->user, folder);
}

/* Put text before what is left of the way. */
static bool prepend(struct way *w, const char *text)
{
	char rest[PATH_MAX];
	int n = snprintf(rest, sizeof(rest), "%s/%s", text, w->rest);

	if (n < 0 || (size_t)n >= sizeof(rest))
		return false;
	memcpy(w->rest, rest, (size_t)n + 1);
	return true;
}

static bool follow(struct way *w, const char *link)
{
	char target[PATH_MAX];
	ssize_t n = readlink(link, target, sizeof(target) - 1);

	if (n <= 0 || w->links++ == LINKS_MOST)
		return false;
	target[n] = '\0';
	if (target[0] == '/')
		w->at[0] = '\0';
	return prepend(w, target);
}

/* Take the first word off what is left. Returns false at the end. */
static bool next_word(struct way *w, char word[NAME_MAX + 1])
{
	size_t skip = strspn(w->rest, "/");
	size_t length = strcspn(w->rest + skip, "/");

	if (length == 0)
		return false;
	/* One that is too long names nothing. */
	snprintf(word, NAME_MAX + 1, "%.*s", (int)length, w->rest + skip);
	memmove(w->rest, w->rest + skip + length,
		strlen(w->rest + skip + length) + 1);
	return true;
}

static void go_up(struct way *w)
{
	char *slash = strrchr(w->at, '/');

	if (slash)
		*slash = '\0';
}

/* Returns false if word may lead to where the user likes; *end: nothing is
 * there. */
static bool step(struct way *w, const char *word, bool *end)
{
	size_t length = strlen(w->at);
	struct stat st;

	if (strcmp(word, ".") == 0)
		return true;
	if (strcmp(word, "..") == 0) {
		go_up(w);
		return true;
	}
	if (length + strlen(word) + 2 > sizeof(w->at))
		return false;
	snprintf(w->at + length, sizeof(w->at) - length, "/%s", word);
	*end = lstat(w->at, &st) < 0;
	if (!*end && S_ISLNK(st.st_mode)) {
		char link[PATH_MAX];

		memcpy(link, w->at, sizeof(link));
		w->at[length] = '\0';
		return !is_theirs(w, &st) && follow(w, link);
	}
	w->at[length] = '\0';
	if (is_theirs(w, *end ? NULL : &st))
		return false;
	w->at[length] = '/';
	return true;
}

static bool leads_where_root_says(const char *path, const struct rights *user)
{
	struct way w = {.user = user};
	char word[NAME_MAX + 1];
	bool end = false;

	if (path[0] != '/' && !getcwd(w.rest, sizeof(w.rest)))
		return false;
	if (strlen(w.rest) + strlen(path) + 2 > sizeof(w.rest))
		return false;
	strcat(w.rest, "/");
	strcat(w.rest, path);
	while (!end && next_word(&w, word))
		if (!step(&w, word, &end))
			return false;
	return true;
}

static int give(int fd, const struct rights *user)
{
	struct stat st;
	int err = fstat(fd, &st) < 0 ? -errno : 0;

	if (err == 0 && S_ISREG(st.st_mode) &&
	    fchown(fd, user->user, user->group) < 0)
		err = -errno;
	if (err == 0)
		return fd;
	close(fd);
	return err;
}

int given_open(const char *path, int flags, mode_t mode,
	       const struct rights *user)
{
	int fd;

	if (!user) {
		fd = open(path, flags, mode);
		return fd < 0 ? -errno : fd;
	}
	fd = open_as(user, path, flags, mode);
	if ((fd != -EACCES && fd != -EPERM) ||
	    !leads_where_root_says(path, user))
		return fd;
	fd = open(path, flags, mode);
	return fd < 0 ? -errno : give(fd, user);
}
