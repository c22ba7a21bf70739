#include "job.h"

#include "property.h"
#include "standin.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct job *jobs;

const char *job_program(plist_t root)
{
	const char *program = property_string(root, "Program");
	const char **arguments;

	if (program)
		return program;
	arguments = property_strings(root, "ProgramArguments");
	if (arguments)
		program = arguments[0];
	free(arguments);
	return program;
}

uint64_t job_throttle_s(const struct job *j)
{
	return property_number(j->root, "ThrottleInterval", 10);
}

uint64_t job_exit_timeout_s(const struct job *j)
{
	return property_number(j->root, "ExitTimeOut", 5);
}

/* Asked at load time with exited false, and after each exit. */
static bool keeps_alive(const struct job *j)
{
	plist_t when = property_dict(j->root, "KeepAlive");
	plist_t success, crashed;

	if (!when)
		return property_bool(j->root, "KeepAlive", false);
	success = plist_dict_get_item(when, "SuccessfulExit");
	crashed = plist_dict_get_item(when, "Crashed");
	if (!j->has_exited)
		return success || crashed;
	if (success &&
	    property_bool(when, "SuccessfulExit", true) ==
		    (WIFEXITED(j->status) && WEXITSTATUS(j->status) == 0))
		return true;
	return crashed && property_bool(when, "Crashed", true) ==
				  (bool)WIFSIGNALED(j->status);
}

static void choose_user(struct job *j)
{
	j->uid = j->name.uid != 0 ? j->name.uid : standin.job_user;
	j->gid = (gid_t)j->uid;
	if (geteuid() != 0) {
		j->uid = geteuid();
		j->gid = getegid();
	}
}

struct job *job_load(const struct target *name, const char *path, plist_t root)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		abort();
	j->name = *name;
	j->path = strdup(path);
	j->root = root;
	choose_user(j);
	sockets_open(&j->sockets, property_dict(root, "Sockets"), j->uid);
	j->next = jobs;
	jobs = j;
	if (property_bool(root, "RunAtLoad", false) || keeps_alive(j)) {
		j->wanted = true;
		j->reason = "speculative";
	}
	return j;
}

struct job *job_find(const struct target *name)
{
	struct job *j = jobs;

	while (j && (strcmp(j->name.domain, name->domain) != 0 ||
		     strcmp(j->name.label, name->label) != 0))
		j = j->next;
	return j;
}

struct job *job_find_pid(pid_t pid)
{
	struct job *j = jobs;

	while (j && j->pid != pid)
		j = j->next;
	return j;
}

void job_start(struct job *j, const char *reason)
{
	uint64_t now = standin_now_ms();
	pid_t pid;

	if (j->pid > 0 || j->leaving)
		return;
	pid = fork();
	if (pid == 0)
		job_become(j);
	if (pid < 0)
		abort();
	setpgid(pid, pid);
	standin_log("%s: started, pid %d: %s", j->name.label, (int)pid, reason);
	j->pid = pid;
	j->wanted = false;
	j->reason = reason;
	j->runs++;
	j->started_ms = now;
	j->not_before_ms = now + job_throttle_s(j) * standin.second_ms;
}

void job_stop(struct job *j)
{
	uint64_t patience = job_exit_timeout_s(j) * standin.second_ms;

	if (j->pid == 0 || j->kill_ms > 0)
		return;
	standin_log("%s: SIGTERM to pid %d", j->name.label, (int)j->pid);
	j->kill_ms = patience > 0 ? standin_now_ms() + patience : UINT64_MAX;
	kill(j->pid, SIGTERM);
}

static void free_job(struct job *j)
{
	struct job **at = &jobs;

	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	sockets_close(&j->sockets);
	plist_free(j->root);
	free(j->path);
	free(j);
}

bool job_remove(struct job *j)
{
	if (j->pid > 0) {
		j->leaving = true;
		job_stop(j);
		return false;
	}
	free_job(j);
	return true;
}

void job_reap(struct job *j, int status)
{
	uint64_t now = standin_now_ms();

	standin_log("%s: pid %d exited, %s %d", j->name.label, (int)j->pid,
		    WIFSIGNALED(status) ? "signal" : "status",
		    WIFSIGNALED(status) ? WTERMSIG(status)
					: WEXITSTATUS(status));
	if (!property_bool(j->root, "AbandonProcessGroup", false))
		kill(-j->pid, SIGKILL);
	j->pid = 0;
	j->kill_ms = 0;
	j->status = status;
	j->has_exited = true;
	sockets_set_active(&j->sockets, NULL);
	if (j->leaving) {
		free_job(j);
		return;
	}
	if (keeps_alive(j) && !j->wanted) {
		j->wanted = true;
		j->reason = "semaphore";
	}
	if (now < j->not_before_ms)
		standin_log("%s: Service only ran for %llu seconds. Pushing "
			    "respawn out by %llu seconds.",
			    j->name.label,
			    (unsigned long long)((now - j->started_ms) /
						 standin.second_ms),
			    (unsigned long long)((j->not_before_ms - now) /
						 standin.second_ms));
}

uint64_t job_tick(struct job *j, uint64_t now_ms)
{
	if (j->pid > 0 && j->kill_ms > 0 && now_ms >= j->kill_ms) {
		standin_log("%s: Service did not exit %llu seconds after "
			    "SIGTERM. Sending SIGKILL.",
			    j->name.label,
			    (unsigned long long)job_exit_timeout_s(j));
		kill(j->pid, SIGKILL);
		j->kill_ms = UINT64_MAX;
	}
	if (j->pid > 0)
		return j->kill_ms > 0 ? j->kill_ms : UINT64_MAX;
	if (now_ms < j->not_before_ms)
		return j->not_before_ms;
	if (j->wanted)
		job_start(j, j->reason);
	return UINT64_MAX;
}

bool job_listens(const struct job *j, uint64_t now_ms)
{
	return j->pid == 0 && now_ms >= j->not_before_ms;
}

void job_end_all(void)
{
	while (jobs) {
		if (jobs->pid > 0) {
			kill(-jobs->pid, SIGKILL);
			waitpid(jobs->pid, NULL, 0);
		}
		free_job(jobs);
	}
}
