#include "service/launchctl.h"

#include "os/spawn.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	POLL_FIRST_MS = 10, /* most of what is waited for is there at once */
	POLL_MOST_MS = 200,
	EXIT_TIMEOUT_S = 5,                 /* launchd's own */
	EXIT_TIMEOUT_MOST_S = 24 * 60 * 60, /* none is believed above it */
	SIGNAL_MOST = 127,
	GONE_MS = 30000, /* beside ExitTimeOut, which an old job may take */
	BOOTSTRAP_MS = 30000, /* while launchd still tears it down */
};

/* launchctl's exit status, as Apple's own tools and users' reports have it. */
struct meaning {
	int status;
	bool passes; /* by itself: try again */
	const char *text;
};

static const struct meaning meanings[] = {
	{3, false, "there is no such job loaded"},
	{5, true,
	 "launchd refused without saying why. Usual causes: the plist is not "
	 "yours or others may write it (ls -l), the program or the folder of "
	 "the log is missing, or an older job of that label still ends.\n"
	 "The reason is in: log show --last 5m --predicate 'process == "
	 "\"launchd\"'"},
	{37, true, "an older job of that label is still ending"},
	{113, false, "there is no such job loaded"},
	{119, false,
	 "the job has been switched off.\nSwitch it on in System Settings > "
	 "General > Login Items, or: launchctl enable DOMAIN/LABEL"},
	{125, false,
	 "nobody is logged in at the screen as this user, so the domain does "
	 "not exist.\nLog in there, or use ssh and the user/UID domain"},
	{134, false,
	 "the plist does not allow this kind of session "
	 "(LimitLoadToSessionType)"},
};

static const struct meaning *meaning_of(int status)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++)
		if (meanings[i].status == status)
			return &meanings[i];
	return NULL;
}

static int call(const char *const argv[], struct spawn_result *out,
		struct fault *why)
{
	int err = spawn_run(argv, out);

	if (err == -ENOENT)
		return fault_set(why, -ENOTSUP,
				 "launchctl is not on PATH: this is no macOS");
	if (err < 0)
		return fault_set(why, err, "launchctl: %s", strerror(-err));
	while (out->length > 0 && out->output[out->length - 1] == '\n')
		out->output[--out->length] = '\0';
	return 0;
}

static int explain(const char *verb, const struct spawn_result *out,
		   struct fault *why)
{
	const struct meaning *m = meaning_of(out->status);

	return fault_set(why, -EIO, "launchctl %s ended with %d: %.300s%s%s",
			 verb, out->status, out->output, m ? "\n" : "",
			 m ? m->text : "");
}

/* Returns how long it waited. */
static int pause_after(int waited_ms)
{
	int ms = POLL_FIRST_MS + waited_ms / 2;

	if (ms > POLL_MOST_MS)
		ms = POLL_MOST_MS;
	usleep((useconds_t)ms * 1000);
	return ms;
}

int launchctl_domain(struct launchctl_domain *domain, struct fault *why)
{
	struct spawn_result *out = malloc(sizeof(*out));
	const char *const argv[] = {"launchctl", "print", domain->text, NULL};
	int err;

	if (!out)
		return fault_set(why, -ENOMEM, "out of memory");
	snprintf(domain->text, sizeof(domain->text), "gui/%u",
		 (unsigned)getuid());
	err = call(argv, out, why);
	if (err == 0 && out->status != 0)
		snprintf(domain->text, sizeof(domain->text), "user/%u",
			 (unsigned)getuid());
	free(out);
	return err;
}

/* What is behind the job's own "key = ", or NULL. What belongs to something
 * inside the job stands further in. */
static const char *value_of(const char *text, const char *key)
{
	size_t length = strlen(key);

	for (const char *p = text; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		p += *p == '\t';
		if (strncmp(p, key, length) == 0 &&
		    strncmp(p + length, " = ", 3) == 0)
			return p + length + 3;
	}
	return NULL;
}

/* The number at text, if it is one from 0 to most. */
static int number_at(const char *text, int most, int fallback)
{
	long number;

	if (!isdigit((unsigned char)text[0]))
		return fallback;
	number = strtol(text, NULL, 10);
	return number <= most ? (int)number : fallback;
}

static int number_of(const char *text, const char *key, int most, int fallback)
{
	const char *value = value_of(text, key);

	return value ? number_at(value, most, fallback) : fallback;
}

/* "Killed: 9" is 9; other lines have colons, too. */
static int signal_of(const char *text)
{
	const char *value = value_of(text, "last terminating signal");
	const char *colon =
		value ? memchr(value, ':', strcspn(value, "\n")) : NULL;

	if (!colon)
		return 0;
	colon++;
	return number_at(colon + (*colon == ' '), SIGNAL_MOST, 0);
}

static void parse_job(struct launchctl_job *job)
{
	const char *ended = value_of(job->text, "last exit code");

	job->pid = number_of(job->text, "pid", INT_MAX, 0);
	/* "last exit code = (never exited)" is no number. */
	job->has_ended = ended && ended[0] != '(';
	job->last_status = job->has_ended ? number_at(ended, INT_MAX, 0) : 0;
	job->last_signal = signal_of(job->text);
	job->exit_timeout_s = number_of(job->text, "exit timeout",
					EXIT_TIMEOUT_MOST_S, EXIT_TIMEOUT_S);
}

void launchctl_print(const struct launchctl_domain *domain, const char *label,
		     struct launchctl_job *job)
{
	struct spawn_result *out = malloc(sizeof(*out));
	char target[192];
	const char *const argv[] = {"launchctl", "print", target, NULL};
	struct fault why;

	memset(job, 0, sizeof(*job));
	snprintf(target, sizeof(target), "%s/%s", domain->text, label);
	if (out && call(argv, out, &why) == 0 && out->status == 0) {
		job->loaded = true;
		snprintf(job->text, sizeof(job->text), "%s", out->output);
		parse_job(job);
	}
	free(out);
}

pid_t launchctl_await_pid(const struct launchctl_domain *domain,
			  const char *label, int patience_ms)
{
	struct launchctl_job *job = malloc(sizeof(*job));
	int waited = 0;
	pid_t pid = 0;

	if (!job)
		return 0;
	launchctl_print(domain, label, job);
	while (job->loaded && job->pid == 0 && waited < patience_ms) {
		waited += pause_after(waited);
		launchctl_print(domain, label, job);
	}
	pid = job->pid;
	free(job);
	return pid;
}

/* Returns 0, or -ETIMEDOUT or -ENOMEM with *why. */
static int wait_gone(const struct launchctl_domain *domain, const char *label,
		     struct fault *why)
{
	struct launchctl_job *job = malloc(sizeof(*job));
	int waited = 0, patience, err = 0;

	if (!job)
		return fault_set(why, -ENOMEM, "out of memory");
	launchctl_print(domain, label, job);
	/* It may finish what it does before launchd kills it. */
	patience = job->exit_timeout_s * 1000 + GONE_MS;
	while (job->loaded && waited < patience) {
		waited += pause_after(waited);
		launchctl_print(domain, label, job);
	}
	if (job->loaded)
		err = fault_set(why, -ETIMEDOUT,
				"%s is still there %d seconds after launchctl "
				"bootout",
				label, waited / 1000);
	free(job);
	return err;
}

int launchctl_bootout(const struct launchctl_domain *domain, const char *label,
		      struct fault *why)
{
	struct spawn_result *out = malloc(sizeof(*out));
	char target[192];
	const char *const argv[] = {"launchctl", "bootout", target, NULL};
	int err;

	if (!out)
		return fault_set(why, -ENOMEM, "out of memory");
	snprintf(target, sizeof(target), "%s/%s", domain->text, label);
	err = call(argv, out, why);
	/* 3 and 113: not loaded. 36 and 37: on its way out. */
	if (err == 0 && out->status != 0 && out->status != 3 &&
	    out->status != 113 && out->status != 36 && out->status != 37)
		err = explain("bootout", out, why);
	free(out);
	return err < 0 ? err : wait_gone(domain, label, why);
}

/* A label that was once disabled stays so until it is enabled. */
static void enable(const struct launchctl_domain *domain, const char *label,
		   struct spawn_result *out)
{
	char target[192];
	const char *const argv[] = {"launchctl", "enable", target, NULL};
	struct fault ignored;

	snprintf(target, sizeof(target), "%s/%s", domain->text, label);
	call(argv, out, &ignored);
}

int launchctl_bootstrap(const struct launchctl_domain *domain,
			const char *label, const char *plist, struct fault *why)
{
	struct spawn_result *out = malloc(sizeof(*out));
	const char *const argv[] = {"launchctl", "bootstrap", domain->text,
				    plist, NULL};
	const struct meaning *m = NULL;
	int err = 0, waited = 0;

	if (!out)
		return fault_set(why, -ENOMEM, "out of memory");
	enable(domain, label, out);
	for (;;) {
		err = call(argv, out, why);
		m = err == 0 ? meaning_of(out->status) : NULL;
		if (!m || !m->passes || waited >= BOOTSTRAP_MS)
			break;
		waited += pause_after(waited);
	}
	if (err == 0 && out->status != 0)
		err = explain("bootstrap", out, why);
	free(out);
	return err;
}
