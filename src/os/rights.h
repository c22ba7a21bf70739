#ifndef LOWPORT_OS_RIGHTS_H
#define LOWPORT_OS_RIGHTS_H

#include "base/fault.h"

#include <stdbool.h>
#include <sys/types.h>

/* Whose rights this process has, and how it gives up root's. */

/* Someone to become. */
struct rights {
	uid_t user;
	gid_t group;
	char name[64]; /* for people; of a user without one, the number */
	bool is_known; /* the system has a name for the user, who may be in
			* further groups */
};

bool rights_are_roots(void);

/* Find the user and the group of "NAME", "NAME:GROUP" or numbers in their
 * place; without a group it is the user's own. Root is nobody to become. Returns
 * 0, or -EINVAL or -ENOENT with *why, or a negative errno. */
int rights_find(struct rights *r, const char *text, struct fault *why);

/* Root has the groups that go with that user from here on, and no others. Comes
 * before rights_drop(), for they are in files. Returns 0, or a negative errno
 * with *why. */
int rights_take_groups(const struct rights *r, struct fault *why);

/* For a while, root does what it does as that user would, with the groups of
 * rights_take_groups(), which stay. Returns 0 or a negative errno; either way
 * rights_act_as_root() comes next, and with an error of that one it had better
 * end. */
int rights_act_as(const struct rights *r);
int rights_act_as_root(void);

/* Root becomes that user, for good: all threads, all ids, and what is started
 * later can gain nothing either. No other process of that user may look into
 * ours. Returns 0, or a negative errno with *why, and then the process had
 * better end. */
int rights_drop(const struct rights *r, struct fault *why);

/* Has rights_drop() been done? */
bool rights_were_dropped(void);

/* Nothing that is started from here on gains rights by a set-user-ID bit; of
 * this thread and those that it starts. Returns 0 or a negative errno; -ENOSYS
 * where the system has no such thing. */
int rights_gain_none(void);

#endif
