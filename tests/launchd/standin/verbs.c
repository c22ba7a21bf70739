#include "verbs.h"

#include "errors.h"
#include "job.h"
#include "print.h"
#include "property.h"
#include "standin.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* One question: who asks, from where, and where the answer's text goes. */
struct question {
	const char *directory;
	uid_t uid;
	pid_t pid;
	FILE *out;
};

static int usage(const struct question *q, const char *text)
{
	fprintf(q->out, "Usage: launchctl %s\n", text);
	return LAUNCHD_USAGE;
}

static int fail(const struct question *q, const char *what, int error)
{
	fprintf(q->out, "%s failed: %d: %s\n", what, error,
		launchd_strerror(error));
	if (q->uid == 0)
		return error;
	fputs(strcmp(what, "Bootstrap") == 0
		      ? "Try re-running the command as root for richer "
			"errors.\n"
		      : "Try running `launchctl bootout` as root for richer "
			"errors.\n",
	      q->out);
	return error;
}

static bool may_change(const struct question *q, const struct target *t)
{
	return q->uid == 0 || (t->kind != DOMAIN_SYSTEM && q->uid == t->uid);
}

static const char *absolute(const struct question *q, const char *path,
			    char buf[PATH_MAX])
{
	if (path[0] == '/')
		return path;
	snprintf(buf, PATH_MAX, "%s/%s", q->directory, path);
	return buf;
}

/* Whose file a domain takes, and from whom nobody else could write it. */
static bool is_trusted(const struct target *t, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		standin_log("%s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		standin_log("%s: not a file", path);
	else if ((st.st_uid != 0 && st.st_uid != t->uid) ||
		 (st.st_mode & 022) != 0)
		standin_log("%s: Path had bad ownership/permissions", path);
	else
		return true;
	return false;
}

/* Read the list and the label in it into t. Returns NULL if it is not one that
 * launchd would load. */
static plist_t read_list(struct target *t, const char *path)
{
	const char *label;
	plist_t root;

	if (!is_trusted(t, path))
		return NULL;
	if (property_read(path, &root) < 0) {
		standin_log("%s: not a property list", path);
		return NULL;
	}
	label = property_string(root, "Label");
	if (label && label[0] != '\0' && job_program(root)) {
		snprintf(t->label, sizeof(t->label), "%s", label);
		return root;
	}
	standin_log("%s: no Label, or no Program", path);
	plist_free(root);
	return NULL;
}

static bool takes_session(const struct target *t, plist_t root)
{
	const char **types = property_strings(root, "LimitLoadToSessionType");
	bool found = !types && t->kind != DOMAIN_USER;

	for (const char **type = types; type && *type; type++)
		if (strcmp(*type, domain_session(t)) == 0)
			found = true;
	free(types);
	return found;
}

static int load(const struct target *t, const char *path, plist_t root)
{
	const struct job *there = job_find(t);

	if (there && there->leaving) {
		standin_log("%s: 37: Operation already in progress", t->label);
		return standin_has_quirk("draining-5") ? LAUNCHD_EIO
						       : LAUNCHD_EALREADY;
	}
	if (there) {
		standin_log("%s: already loaded", t->label);
		return LAUNCHD_EIO;
	}
	if (domain_is_disabled(t))
		return LAUNCHD_DISABLED;
	if (!takes_session(t, root))
		return LAUNCHD_BAD_SESSION;
	job_load(t, path, root);
	return 0;
}

/* While it tears down what only it knows of, it refuses for a while. */
static int refusal(void)
{
	static unsigned refused;
	int error = standin_has_quirk("first-5")    ? LAUNCHD_EIO
		    : standin_has_quirk("first-37") ? LAUNCHD_EALREADY
						    : 0;

	if (error == 0 || ++refused > 3)
		return 0;
	standin_log("refused with %d", error);
	return error;
}

static int bootstrap(const struct question *q, const char *const words[],
		     size_t count)
{
	char buf[PATH_MAX];
	const char *path;
	struct target t;
	plist_t root;
	int error;

	if (count != 2 || !target_parse(&t, words[0]) || t.label[0] != '\0')
		return usage(q, "bootstrap <domain-target> <path>");
	if (!domain_exists(&t))
		return fail(q, "Bootstrap", LAUNCHD_BAD_DOMAIN);
	if (!may_change(q, &t))
		return fail(q, "Bootstrap", LAUNCHD_EPERM);
	path = absolute(q, words[1], buf);
	root = read_list(&t, path);
	if (!root)
		return fail(q, "Bootstrap", LAUNCHD_EIO);
	error = refusal();
	if (error == 0)
		error = load(&t, path, root);
	if (error == 0)
		return 0;
	plist_free(root);
	return fail(q, "Bootstrap", error);
}

static int bootout(const struct question *q, const char *const words[],
		   size_t count)
{
	char buf[PATH_MAX];
	struct target t;
	struct job *j;

	if (count < 1 || count > 2 || !target_parse(&t, words[0]) ||
	    (t.label[0] == '\0') != (count == 2))
		return usage(q, "bootout <service-target> | <domain> <path>");
	if (!domain_exists(&t))
		return fail(q, "Boot-out", LAUNCHD_BAD_DOMAIN);
	if (!may_change(q, &t))
		return fail(q, "Boot-out", LAUNCHD_EPERM);
	if (count == 2) {
		plist_t root = read_list(&t, absolute(q, words[1], buf));

		if (!root)
			return fail(q, "Boot-out", LAUNCHD_EIO);
		plist_free(root);
	}
	j = job_find(&t);
	if (!j)
		return fail(q, "Boot-out", LAUNCHD_ESRCH);
	if (j->leaving)
		return fail(q, "Boot-out", LAUNCHD_EINPROGRESS);
	if (!job_remove(j) && standin_has_quirk("bootout-36"))
		return fail(q, "Boot-out", LAUNCHD_EINPROGRESS);
	return 0;
}

/* The job that a service target means, or NULL after saying why not. */
static struct job *find_or_say(const struct question *q, const struct target *t,
			       int *error)
{
	struct job *j = job_find(t);
	char words[64];

	*error = 0;
	if (j)
		return j;
	*error = LAUNCHD_NO_SERVICE;
	if (domain_exists(t)) {
		fprintf(q->out,
			"Could not find service \"%s\" in domain for %s\n",
			t->label, domain_words(t, words));
		return NULL;
	}
	*error = LAUNCHD_NO_DOMAIN;
	fprintf(q->out, "Could not find domain for %s\n",
		domain_words(t, words));
	return NULL;
}

static int print(const struct question *q, const char *const words[],
		 size_t count)
{
	const struct job *j;
	struct target t;
	int error = 0;

	if (count != 1 || !target_parse(&t, words[0]))
		return usage(q, "print <domain-target> | <service-target>");
	if (t.label[0] == '\0' && domain_exists(&t)) {
		print_domain(&t, q->out);
		return 0;
	}
	if (!job_find(&t))
		fputs("Bad request.\n", q->out);
	j = find_or_say(q, &t, &error);
	if (j)
		print_job(j, q->out);
	return error;
}

static int kickstart(const struct question *q, const char *const words[],
		     size_t count)
{
	bool again = false, say = false;
	struct target t;
	struct job *j;
	int error;

	for (; count > 1 && words[0][0] == '-'; words++, count--) {
		again = again || strchr(words[0], 'k');
		say = say || strchr(words[0], 'p');
	}
	if (count != 1 || !target_parse(&t, words[0]) || t.label[0] == '\0')
		return usage(q, "kickstart [-k] [-p] <service-target>");
	j = find_or_say(q, &t, &error);
	if (!j)
		return error;
	if (!may_change(q, &t) || j->leaving) {
		error = j->leaving ? LAUNCHD_EALREADY : LAUNCHD_EPERM;
		fprintf(q->out, "Could not kickstart service \"%s\": %d: %s\n",
			t.label, error, launchd_strerror(error));
		return error;
	}
	if (again && j->pid > 0) {
		j->wanted = true;
		j->reason = "non-ipc demand";
		j->not_before_ms = 0;
		job_stop(j);
	}
	job_start(j, "non-ipc demand");
	if (say)
		fprintf(q->out, "service spawned with pid: %d\n", (int)j->pid);
	return 0;
}

static int choose(const struct question *q, const char *const words[],
		  size_t count, bool disabled)
{
	struct target t;

	if (count != 1 || !target_parse(&t, words[0]) || t.label[0] == '\0')
		return usage(q, "enable | disable <service-target>");
	if (!may_change(q, &t)) {
		fprintf(q->out, "Could not %s service: %d: %s\n",
			disabled ? "disable" : "enable", LAUNCHD_EPERM,
			launchd_strerror(LAUNCHD_EPERM));
		return LAUNCHD_EPERM;
	}
	domain_set_disabled(&t, disabled);
	return 0;
}

static int enable(const struct question *q, const char *const words[],
		  size_t count)
{
	return choose(q, words, count, false);
}

static int disable(const struct question *q, const char *const words[],
		   size_t count)
{
	return choose(q, words, count, true);
}

static int list_disabled(const struct question *q, const char *const words[],
			 size_t count)
{
	struct target t;

	if (count != 1 || !target_parse(&t, words[0]))
		return usage(q, "print-disabled <domain-target>");
	print_disabled(&t, q->out);
	return 0;
}

/* launch_activate_socket() lets us know, as it does on a Mac by asking. */
static int activated(const struct question *q, const char *const words[],
		     size_t count)
{
	struct job *j = job_find_pid(q->pid);

	if (j && count == 1)
		sockets_set_active(&j->sockets, words[0]);
	return 0;
}

/* No verb of launchctl's: the listeners of a job die under it, as some Macs
 * have seen. They are the job's too. */
static int shut_down(const struct question *q, const char *const words[],
		     size_t count)
{
	struct target t;
	struct job *j;
	int error;

	if (count != 1 || !target_parse(&t, words[0]))
		return usage(q, "standin-shutdown <service-target>");
	j = find_or_say(q, &t, &error);
	for (size_t i = 0; j && i < j->sockets.count; i++)
		for (size_t k = 0; k < j->sockets.at[i].count; k++)
			shutdown(j->sockets.at[i].fds[k], SHUT_RDWR);
	return error;
}

int verbs_answer(const char *const words[], size_t count, uid_t uid, pid_t pid,
		 FILE *out)
{
	static const struct {
		const char *name;
		int (*answer)(const struct question *q,
			      const char *const words[], size_t count);
	} verbs[] = {
		{"bootstrap", bootstrap},
		{"bootout", bootout},
		{"print", print},
		{"kickstart", kickstart},
		{"enable", enable},
		{"disable", disable},
		{"print-disabled", list_disabled},
		{"standin-activated", activated},
		{"standin-shutdown", shut_down},
	};
	struct question q = {words[0], uid, pid, out};

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (count > 1 && strcmp(words[1], verbs[i].name) == 0)
			return verbs[i].answer(&q, words + 2, count - 2);
	fprintf(out, "Unrecognized subcommand: %s\n",
		count > 1 ? words[1] : "");
	return LAUNCHD_USAGE;
}
