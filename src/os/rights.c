#include "os/rights.h"

#include "base/num.h"
#include "os/platform.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool were_dropped;

bool rights_are_roots(void)
{
	return geteuid() == 0;
}

bool rights_were_dropped(void)
{
	return were_dropped;
}

int rights_gain_none(void)
{
	return platform_gain_no_rights();
}

static bool as_number(const char *text, uint64_t *number)
{
	return num_parse(text, 10, 0, UINT32_MAX - 1, number) == 0;
}

static int find_user(struct rights *r, const char *name, bool *has_group,
		     struct fault *why)
{
	struct passwd *user = getpwnam(name);
	uint64_t number;

	if (!user && as_number(name, &number)) {
		r->user = (uid_t)number;
		user = getpwuid(r->user);
		if (!user) {
			snprintf(r->name, sizeof(r->name), "%s", name);
			return 0;
		}
	}
	if (!user)
		return fault_set(
			why, -ENOENT,
			"\"%s\" is no user of this system (try nobody, "
			"or numbers: 65534:65534)",
			name);
	r->user = user->pw_uid;
	r->group = user->pw_gid;
	snprintf(r->name, sizeof(r->name), "%s", user->pw_name);
	r->is_known = true;
	*has_group = true;
	return 0;
}

static int find_group(struct rights *r, const char *name, struct fault *why)
{
	struct group *group = getgrnam(name);
	uint64_t number;

	if (group)
		r->group = group->gr_gid;
	else if (as_number(name, &number))
		r->group = (gid_t)number;
	else
		return fault_set(why, -ENOENT,
				 "\"%s\" is no group of this system", name);
	return 0;
}

int rights_find(struct rights *r, const char *text, struct fault *why)
{
	const char *colon = strchr(text, ':');
	char name[sizeof(r->name)];
	bool has_group = false;
	int err;

	*r = (struct rights){0};
	if ((size_t)snprintf(name, sizeof(name), "%.*s",
			     colon ? (int)(colon - text) : (int)strlen(text),
			     text) >= sizeof(name))
		return fault_set(why, -EINVAL, "\"%s\" is too long", text);
	err = find_user(r, name, &has_group, why);
	if (err == 0 && colon)
		err = find_group(r, colon + 1, why);
	if (err < 0)
		return err;
	if (!colon && !has_group)
		return fault_set(why, -EINVAL,
				 "user %s is not known to this system, so its "
				 "group has to be said (try %s:%s)",
				 name, name, name);
	if (r->user == 0 || r->group == 0)
		return fault_set(why, -EINVAL,
				 "\"%s\" is root still (try nobody)", text);
	return 0;
}

int rights_take_groups(const struct rights *r, struct fault *why)
{
	int err = 0;

	if (r->is_known)
		err = platform_take_groups(r->name, r->group);
	else if (setgroups(1, &r->group) < 0)
		err = -errno;
	return err < 0 ? fault_set(why, err, "the groups of user %s: %s",
				   r->name, strerror(-err))
		       : 0;
}

int rights_act_as(const struct rights *r)
{
	struct fault why;
	int err = rights_take_groups(r, &why);

	if (err == 0 && (setegid(r->group) < 0 || seteuid(r->user) < 0))
		err = -errno;
	return err;
}

int rights_act_as_root(void)
{
	return seteuid(0) < 0 || setegid(getgid()) < 0 ? -errno : 0;
}

/* What a mistake of ours, or a capability that was kept, would allow. */
static bool can_go_back(void)
{
	return setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0 ||
	       setegid(0) == 0;
}

int rights_drop(const struct rights *r, struct fault *why)
{
	int err = platform_become(r->user, r->group);

	if (err < 0)
		return fault_set(why, err, "user %s: %s", r->name,
				 strerror(-err));
	if (getuid() != r->user || geteuid() != r->user ||
	    getgid() != r->group || getegid() != r->group || can_go_back())
		return fault_set(why, -EPERM,
				 "user %s: root's rights do not go away",
				 r->name);
	err = rights_gain_none();
	if (err < 0 && err != -ENOSYS)
		return fault_set(why, err, "no_new_privs: %s", strerror(-err));
	platform_let_nobody_look();
	were_dropped = true;
	return 0;
}
