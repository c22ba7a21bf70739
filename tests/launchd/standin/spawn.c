#include "job.h"

#include "errors.h"
#include "property.h"
#include "standin.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

/* The soft limit that launchd gives an agent that asks for nothing. */
enum { DESCRIPTORS = 256 };

/* What xpcproxy cannot set up: the job dies before its program runs. */
static _Noreturn void give_up(const struct job *j, const char *what)
{
	standin_log("%s: %s: %s", j->name.label, what, strerror(errno));
	_exit(LAUNCHD_EX_CONFIG);
}

static void set_limits(const struct job *j)
{
	plist_t soft = property_dict(j->root, "SoftResourceLimits");
	plist_t hard = property_dict(j->root, "HardResourceLimits");
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = DESCRIPTORS;
	if (soft)
		limit.rlim_cur =
			property_number(soft, "NumberOfFiles", DESCRIPTORS);
	if (hard)
		limit.rlim_max =
			property_number(hard, "NumberOfFiles", limit.rlim_max);
	if (limit.rlim_cur > limit.rlim_max)
		limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		give_up(j, "setrlimit");
}

static void drop_rights(const struct job *j)
{
	uid_t uid = j->uid;
	gid_t gid = j->gid;
	const char *name = property_string(j->root, "UserName");
	const struct passwd *user = name ? getpwnam(name) : getpwuid(uid);

	if (geteuid() != 0)
		return;
	if (j->name.kind == DOMAIN_SYSTEM && user)
		uid = user->pw_uid;
	if (user && user->pw_uid == uid)
		gid = user->pw_gid;
	if (setgroups(0, NULL) < 0 || setgid(gid) < 0 || setuid(uid) < 0)
		give_up(j, "setuid");
}

static void open_as(const struct job *j, int fd, const char *path)
{
	int opened = open(path ? path : "/dev/null",
			  path ? O_WRONLY | O_APPEND | O_CREAT : O_RDWR, 0666);

	if (opened < 0)
		give_up(j, path);
	dup2(opened, fd);
	close(opened);
}

static void open_standard(const struct job *j)
{
	open_as(j, STDIN_FILENO, property_string(j->root, "StandardInPath"));
	open_as(j, STDOUT_FILENO, property_string(j->root, "StandardOutPath"));
	open_as(j, STDERR_FILENO,
		property_string(j->root, "StandardErrorPath"));
}

static void set_variable(void *data, const char *key, plist_t value)
{
	(void)data;
	if (plist_get_node_type(value) == PLIST_STRING)
		setenv(key, plist_get_string_ptr(value, NULL), 1);
}

static void keep_variable(const char *name, char **was)
{
	size_t n = strlen(name);

	for (; *was; was++)
		if (strncmp(*was, name, n) == 0 && (*was)[n] == '=')
			putenv(*was);
}

static void set_environment(const struct job *j)
{
	const struct passwd *user = getpwuid(getuid());
	char **was = environ, path[1200], pid[16];
	char *entries = sockets_describe(&j->sockets);

	clearenv();
	/* Where a Mac has launchctl, in a path that every job gets. */
	snprintf(path, sizeof(path), "%s:/usr/bin:/bin:/usr/sbin:/sbin",
		 standin.bin);
	setenv("PATH", path, 1);
	setenv("HOME",
	       standin.home ? standin.home
	       : user       ? user->pw_dir
			    : "/",
	       1);
	setenv("USER", user ? user->pw_name : "nobody", 1);
	setenv("XPC_SERVICE_NAME", j->name.label, 1);
	keep_variable("ASAN_OPTIONS", was);
	keep_variable("UBSAN_OPTIONS", was);
	keep_variable("LLVM_PROFILE_FILE", was);
	property_each(property_dict(j->root, "EnvironmentVariables"),
		      set_variable, NULL);
	/* For launch_activate_socket(), which is liblaunch's alone. */
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LOWPORT_STANDIN_DIR", standin.dir, 1);
	setenv("LOWPORT_STANDIN_PID", pid, 1);
	setenv("LOWPORT_STANDIN_SOCKETS", entries, 1);
	free(entries);
}

static void pass_sockets(const struct sockets *s)
{
	for (size_t i = 0; i < s->count; i++)
		for (size_t j = 0; j < s->at[i].count; j++)
			fcntl(s->at[i].fds[j], F_SETFD, 0);
}

static void reset_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
}

_Noreturn void job_become(const struct job *j)
{
	const char *program = job_program(j->root);
	const char *directory = property_string(j->root, "WorkingDirectory");
	const char **arguments = property_strings(j->root, "ProgramArguments");
	const char *only[] = {program, NULL};

	setpgid(0, 0);
	reset_signals();
	set_limits(j);
	drop_rights(j);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	umask(022);
	if (chdir(directory ? directory : "/") < 0)
		give_up(j, directory);
	if (access(program, X_OK) < 0)
		give_up(j, program);
	open_standard(j);
	pass_sockets(&j->sockets);
	set_environment(j);
	execv(program,
	      (char *const *)(uintptr_t)(arguments ? arguments : only));
	give_up(j, program);
}
