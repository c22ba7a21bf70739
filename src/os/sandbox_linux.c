#include "os/sandbox.h"

#include "os/landlock.h"
#include "os/rights.h"
#include "os/syscalls.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

const bool sandbox_is_built = true;

/* What it takes to serve, beside what the plan names: the ports that outgoing
 * connections may have. */
static const char port_range[] = "/proc/sys/net/ipv4/ip_local_port_range";

/* Files of names are put in place of others as networks come and go, and a rule
 * is for the file that was there: so it is for their folder. */
static const char *const of_names[] = {
	"/etc/resolv.conf", "/etc/hosts",    "/etc/nsswitch.conf",
	"/etc/gai.conf",    "/etc/services", "/etc/ld.so.cache"};

static const char *const libraries[] = {"/lib", "/lib64", "/usr/lib",
					"/usr/lib64", "/usr/local/lib"};

static const uint64_t rights[] = {
	[SANDBOX_READ] = LANDLOCK_READ_FILE | LANDLOCK_READ_DIR,
	/* The folder is opened, to be locked. */
	[SANDBOX_SOCKETS] =
		LANDLOCK_MAKE_SOCK | LANDLOCK_REMOVE_FILE | LANDLOCK_READ_DIR,
	[SANDBOX_WRITE] = LANDLOCK_WRITE_FILE | LANDLOCK_MAKE_REG,
};

/* What is in force. */
static struct {
	struct {
		char path[PATH_MAX];
		enum sandbox_use use;
	} * granted;
	size_t count;
	bool files;
} box;

static int remember(const char *path, enum sandbox_use use)
{
	void *more =
		realloc(box.granted, (box.count + 1) * sizeof(*box.granted));

	if (!more)
		return -ENOMEM;
	box.granted = more;
	if (realpath(path, box.granted[box.count].path))
		box.granted[box.count++].use = use;
	return 0;
}

/* What is not there cannot be reached, which is no mistake here. */
static int allow(int rules, const char *path, uint64_t what)
{
	int err = landlock_allow(rules, path, what);

	return err == -ENOENT || err == -EACCES || err == -ENOTDIR ? 0 : err;
}

/* The folder that it is really in. */
static int allow_beside(int rules, const char *path)
{
	char real[PATH_MAX], *slash;

	if (!realpath(path, real))
		return 0;
	slash = strrchr(real, '/');
	if (!slash || slash == real)
		return 0;
	*slash = '\0';
	return allow(rules, real, LANDLOCK_READ_FILE | LANDLOCK_READ_DIR);
}

static int allow_names(int rules)
{
	int err = allow(rules, "/etc", LANDLOCK_READ_FILE | LANDLOCK_READ_DIR);

	for (size_t i = 0; i < sizeof(of_names) / sizeof(of_names[0]); i++)
		err = err < 0 ? err : allow_beside(rules, of_names[i]);
	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++)
		err = err < 0 ? err
			      : allow(rules, libraries[i],
				      LANDLOCK_READ_FILE | LANDLOCK_READ_DIR);
	return err;
}

static int allow_all(int rules, const struct sandbox_plan *plan)
{
	int err = allow(rules, port_range, LANDLOCK_READ_FILE);

	if (err == 0 && plan->names)
		err = allow_names(rules);
	for (size_t i = 0; i < plan->count && err == 0; i++) {
		const struct sandbox_place *p = &plan->places[i];

		err = allow(rules, p->path, rights[p->use]);
		if (err == 0)
			err = remember(p->path, p->use);
	}
	return err;
}

/* The only one without a file that is ever connected to. */
static bool is_told_without_file(void)
{
	const char *notify = getenv("NOTIFY_SOCKET");

	return notify && notify[0] == '@';
}

bool sandbox_files(const struct sandbox_plan *plan, struct fault *why)
{
	int err = rights_gain_none();
	int rules = landlock_new(is_told_without_file());

	if (rules < 0) {
		fault_set(why, rules, "this kernel has no Landlock (%s)",
			  strerror(-rules));
		return false;
	}
	if (err == 0)
		err = allow_all(rules, plan);
	/* It closes the rules, come what may. */
	err = err == 0 ? landlock_enforce(rules) : err;
	if (err < 0)
		fault_set(why, err, "Landlock: %s", strerror(-err));
	box.files = err == 0;
	return err == 0;
}

static bool is_below(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	return strncmp(path, folder, length) == 0 &&
	       (path[length] == '\0' || path[length] == '/' ||
		strcmp(folder, "/") == 0);
}

bool sandbox_reaches(const struct sandbox_place *place)
{
	char real[PATH_MAX];

	/* Something else is wrong with what is not there. */
	if (!box.files || !realpath(place->path, real))
		return true;
	for (size_t i = 0; i < box.count; i++)
		if (box.granted[i].use == place->use &&
		    is_below(real, box.granted[i].path))
			return true;
	return false;
}

static bool has_seccomp(int err, struct fault *why)
{
	if (err == -ENOMEM)
		fault_set(why, err, "out of memory");
	else if (err < 0)
		fault_set(why, err, "this kernel has no seccomp filters (%s)",
			  strerror(-err));
	return err == 0;
}

bool sandbox_begin(const struct sandbox_plan *plan, enum sandbox_mode mode,
		   void (*refused)(void), struct fault *why)
{
	const struct syscalls_plan p = {
		.kill = mode == SANDBOX_STRICT,
		.load_code = plan->names,
		.change_modes = plan->modes,
		.refused = refused,
	};
	int err = rights_gain_none();

	return has_seccomp(err == 0 ? syscalls_begin(&p) : err, why);
}

bool sandbox_calls(struct fault *why)
{
	return has_seccomp(syscalls_serve(), why);
}

void sandbox_end(void)
{
	syscalls_end();
}

unsigned sandbox_refused(char *buf, size_t size)
{
	return syscalls_refused(buf, size);
}
