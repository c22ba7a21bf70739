#include "launchd/user.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct proc *start(const char *const argv[], const char *variable,
			  bool drop)
{
	const char *env[2] = {variable, NULL};
	const struct proc_options opt = {.env = env,
					 .drop = drop && geteuid() == 0};
	const char *home = rig_file("");

	unsetenv("SUDO_USER");
	setenv("HOME", scrap("%.*s", (int)strlen(home) - 1, home), 1);
	return proc_start(argv, &opt);
}

static const char *all_of(struct proc *p, int status)
{
	const char *said;

	proc_end(p, status);
	said = scrap("%s%s", proc_out(p), proc_err(p));
	/* They end with 1 as well. */
	assert_silent_on(said, "Sanitizer");
	return said;
}

const char *user_hears(int status, const char *const argv[])
{
	return all_of(start(argv, NULL, true), status);
}

const char *user_hears_undropped(int status, const char *variable,
				 const char *const argv[])
{
	return all_of(start(argv, variable, false), status);
}

const char *user_reads(const char *const argv[])
{
	struct proc *p = start(argv, NULL, true);

	proc_end(p, 0);
	return proc_out(p);
}

struct proc *user_starts(const char *const argv[], const char *ready)
{
	struct proc *p = start(argv, NULL, true);

	proc_line(p, ready, 0);
	return p;
}

const char *user_plist(const char *name)
{
	return rig_file(scrap("Library/LaunchAgents/lowport.%s.plist", name));
}

const char *user_copy(const char *name)
{
	return rig_file(
		scrap("Library/Application Support/lowport/lowport.%s/lowport",
		      name));
}

const char *user_log(const char *name)
{
	return rig_file(scrap("Library/Logs/lowport.%s.log", name));
}

bool user_has(const char *path)
{
	return access(path, F_OK) == 0;
}

bool user_loaded(const char *label)
{
	return LAUNCHCTL(NULL, "print", rig_target(label)) == 0;
}

void user_assert_silent(const char *text, const char *unwanted,
			const char *file, int line)
{
	if (!strstr(text, unwanted))
		return;
	print_error("\"%s\" is said by:\n%s\n", unwanted, text);
	_fail(file, line);
}
