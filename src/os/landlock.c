#include "os/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The numbers are the same on all architectures. */
enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446 };

enum { CREATE_RULESET_VERSION = 1, RULE_PATH_BENEATH = 1 };

enum {
	ABI_REFER = 2,
	ABI_TRUNCATE = 3,
	ABI_IOCTL_DEV = 5,
	ABI_SCOPE = 6,
	FIRST_RIGHTS = 13, /* those of the first ABI */
};

#define RIGHT_REFER     (UINT64_C(1) << 13)
#define RIGHT_TRUNCATE  (UINT64_C(1) << 14)
#define RIGHT_IOCTL_DEV (UINT64_C(1) << 15)
#define SCOPE_ABSTRACT  (UINT64_C(1) << 0)
#define SCOPE_SIGNAL    (UINT64_C(1) << 1)

#define RIGHTS_OF_A_FILE \
	(LANDLOCK_EXECUTE | LANDLOCK_WRITE_FILE | LANDLOCK_READ_FILE)

struct ruleset {
	uint64_t files, net, scoped;
};

struct beneath {
	uint64_t rights;
	int32_t parent;
} __attribute__((packed));

/* A kernel takes no longer a struct than it knows, unless the rest is zero. */
static struct ruleset all_of(long abi, bool abstract)
{
	struct ruleset all = {.files = (UINT64_C(1) << FIRST_RIGHTS) - 1};

	if (abi >= ABI_REFER)
		all.files |= RIGHT_REFER;
	if (abi >= ABI_TRUNCATE)
		all.files |= RIGHT_TRUNCATE;
	if (abi >= ABI_IOCTL_DEV)
		all.files |= RIGHT_IOCTL_DEV;
	/* Addresses and ports are what a reload may change: they stay. */
	if (abi >= ABI_SCOPE)
		all.scoped = SCOPE_SIGNAL | (abstract ? 0 : SCOPE_ABSTRACT);
	return all;
}

int landlock_new(bool abstract)
{
	long abi = syscall(CREATE_RULESET, NULL, 0, CREATE_RULESET_VERSION);
	struct ruleset all;
	long rules;

	if (abi < 0)
		return -errno;
	all = all_of(abi, abstract);
	rules = syscall(CREATE_RULESET, &all, sizeof(all), 0);
	return rules < 0 ? -errno : (int)rules;
}

int landlock_allow(int rules, const char *path, uint64_t rights)
{
	struct beneath b = {.rights = rights,
			    .parent = open(path, O_PATH | O_CLOEXEC)};
	struct stat st;
	int err = 0;

	if (b.parent < 0)
		return -errno;
	if (fstat(b.parent, &st) < 0)
		err = -errno;
	else if (!S_ISDIR(st.st_mode))
		b.rights &= RIGHTS_OF_A_FILE;
	if (err == 0 && b.rights != 0 &&
	    syscall(ADD_RULE, rules, RULE_PATH_BENEATH, &b, 0) < 0)
		err = -errno;
	close(b.parent);
	return err;
}

int landlock_enforce(int rules)
{
	int err = syscall(RESTRICT_SELF, rules, 0) < 0 ? -errno : 0;

	close(rules);
	return err;
}
