#include "service/systemctl.h"

#include "base/num.h"
#include "os/spawn.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORDS_MOST = 96, LOOK_AGAIN_MS = 50 };

/* What it says where no manager answers, and what that means. */
struct meaning {
	const char *says;
	const char *text;
};

static const struct meaning meanings[] = {
	{"has not been booted with systemd",
	 "systemd does not run here. Without it: lowport run, started as your "
	 "system starts things"},
	{"No medium found",
	 "Your own systemd is not reached from here: XDG_RUNTIME_DIR is not "
	 "set, as after su.\nLog in as that user (ssh, or: machinectl shell "
	 "USER@)"},
	{"Failed to connect to bus",
	 "Your own systemd is not reached from here: does it run (systemctl "
	 "status user@$(id -u))?\nLog in as that user (ssh, or: machinectl "
	 "shell USER@)"},
	{"Access denied", "Another user may not: try it with sudo"},
};

static const char *meaning_of(const char *said)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++)
		if (strstr(said, meanings[i].says))
			return meanings[i].text;
	return NULL;
}

static int call(bool of_system, const char *const words[],
		struct spawn_result *out, struct fault *why)
{
	const char *argv[WORDS_MOST] = {"systemctl", "--no-pager",
					"--no-ask-password"};
	size_t n = 3;
	int err;

	if (!of_system)
		argv[n++] = "--user";
	while (*words && n + 1 < WORDS_MOST)
		argv[n++] = *words++;
	err = spawn_run(argv, out);
	if (err == -ENOENT)
		return fault_set(why, -ENOTSUP,
				 "systemctl is not on PATH: this system has no "
				 "systemd");
	if (err < 0)
		return fault_set(why, err, "systemctl: %s", strerror(-err));
	while (out->length > 0 && out->output[out->length - 1] == '\n')
		out->output[--out->length] = '\0';
	return 0;
}

int systemctl_run(bool of_system, const char *const words[], struct fault *why)
{
	struct spawn_result *out = malloc(sizeof(*out));
	const char *meaning;
	int err = out ? call(of_system, words, out, why)
		      : fault_set(why, -ENOMEM, "out of memory");

	if (err == 0 && out->status != 0) {
		meaning = meaning_of(out->output);
		err = fault_set(why, -EIO,
				"systemctl %s%s ended with %d: %.400s%s%s",
				of_system ? "" : "--user ", words[0],
				out->status, out->output, meaning ? "\n" : "",
				meaning ? meaning : "");
	}
	free(out);
	return err;
}

int systemctl_check(bool of_system, struct fault *why)
{
	static const char *const words[] = {"show", "--property=Version", NULL};

	return systemctl_run(of_system, words, why);
}

/* Put what is behind KEY= into buf. */
static void value_of(const char *text, const char *key, char *buf, size_t size)
{
	size_t length = strlen(key);

	buf[0] = '\0';
	for (const char *p = text; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, key, length) == 0 && p[length] == '=') {
			p += length + 1;
			snprintf(buf, size, "%.*s", (int)strcspn(p, "\n"), p);
			return;
		}
	}
}

/* 0 if it is none. */
static int number_of(const char *text, const char *key)
{
	char value[24];
	uint64_t number;

	value_of(text, key, value, sizeof(value));
	return num_parse(value, 10, 0, INT_MAX, &number) < 0 ? 0 : (int)number;
}

static void parse(struct systemctl_unit *u, const char *text)
{
	char value[24];
	int code;

	memset(u, 0, sizeof(*u));
	value_of(text, "LoadState", value, sizeof(value));
	u->known = strcmp(value, "loaded") == 0;
	value_of(text, "NeedDaemonReload", value, sizeof(value));
	u->stale = strcmp(value, "yes") == 0;
	value_of(text, "ActiveState", u->state, sizeof(u->state));
	value_of(text, "UnitFileState", u->file, sizeof(u->file));
	value_of(text, "Result", u->result, sizeof(u->result));
	u->pid = number_of(text, "MainPID");
	u->last_status = number_of(text, "ExecMainStatus");
	/* The si_code of waitid(2). */
	code = number_of(text, "ExecMainCode");
	u->was_signal = code == CLD_KILLED || code == CLD_DUMPED;
}

int systemctl_show(bool of_system, const char *unit, struct systemctl_unit *out,
		   struct fault *why)
{
	struct spawn_result *said = malloc(sizeof(*said));
	const char *const words[] = {
		"show",
		"--property=LoadState,ActiveState,UnitFileState,Result,MainPID,"
		"ExecMainStatus,ExecMainCode,NeedDaemonReload",
		"--", unit, NULL};
	int err = said ? call(of_system, words, said, why)
		       : fault_set(why, -ENOMEM, "out of memory");

	if (err == 0)
		parse(out, said->output);
	free(said);
	return err;
}

/* activating, deactivating, reloading; but one that waits until it is tried
 * again has failed. */
static bool is_moving(const struct systemctl_unit *u)
{
	return strstr(u->state, "ing") != NULL &&
	       strcmp(u->result, "success") == 0;
}

int systemctl_settle(bool of_system, const char *unit,
		     struct systemctl_unit *out, int patience_ms,
		     struct fault *why)
{
	int err = systemctl_show(of_system, unit, out, why);

	for (int ms = 0; err == 0 && is_moving(out) && ms < patience_ms;
	     ms += LOOK_AGAIN_MS) {
		usleep(LOOK_AGAIN_MS * 1000);
		err = systemctl_show(of_system, unit, out, why);
	}
	return err;
}
