#include "launchd/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { LOOK_MS = 10 };

static char place[256];
static bool unprivileged;

/* Files */

int rig_set_up(void **state)
{
	const char *base = getenv("TMPDIR");
	int err;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	snprintf(place, sizeof(place), "%s/lowport-XXXXXX",
		 base && base[0] != '\0' ? base : "/tmp");
	if (!mkdtemp(place) || chmod(place, 0755) < 0)
		return -1;
	err = proc_copy(STANDIN_PROGRAM, rig_program()) < 0 ||
	      mkdir(scrap("%s/bin", place), 0755) < 0 ||
	      proc_copy(STANDIN_BIN "/launchctl",
			scrap("%s/bin/launchctl", place)) < 0 ||
	      proc_copy(STANDIN_BIN "/standin-launchd",
			scrap("%s/bin/standin-launchd", place)) < 0 ||
	      mkdir(rig_file(""), 0755) < 0 ||
	      chown(rig_file(""), rig_user(), (gid_t)-1) < 0 ||
	      setenv("PATH", scrap("%s/bin:%s", place, getenv("PATH")), 1) < 0;
	scrap_free();
	return err ? -1 : 0;
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *where)
{
	(void)st;
	(void)type;
	return where->level > 0 ? remove(path) : 0;
}

int rig_tear_down(void **state)
{
	(void)state;
	nftw(place, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return rmdir(place);
}

int rig_end_test(void **state)
{
	(void)state;
	proc_stop_all();
	backends_stop();
	peers_close();
	unprivileged = false;
	nftw(rig_file(""), remove_one, 16, FTW_DEPTH | FTW_PHYS);
	scrap_free();
	return 0;
}

const char *rig_program(void)
{
	return scrap("%s/lowport", place);
}

const char *rig_file(const char *name)
{
	return scrap("%s/home/%s", place, name);
}

const char *rig_read(const char *path)
{
	static char buf[65536];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, buf, sizeof(buf) - 1);

	if (fd >= 0)
		close(fd);
	return scrap("%.*s", (int)(n < 0 ? 0 : n), buf);
}

const char *rig_write_file(const char *name, const char *text)
{
	const char *path = rig_file(name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(chown(path, rig_user(), (gid_t)-1), 0);
	return path;
}

/* Waiting */

/* Wait, first a little and then longer: a look may be a process. */
static void look_again(unsigned *waited_ms, const char *what)
{
	unsigned ms = *waited_ms < 2000 ? *waited_ms / 4 + LOOK_MS : 500;
	const struct timespec pause = {.tv_nsec = ms * 1000000L};

	if (*waited_ms > PROC_PATIENCE_MS)
		fail_msg("waited in vain for %s", what);
	nanosleep(&pause, NULL);
	*waited_ms += ms;
}

const char *rig_await_text(const char *path, const char *text)
{
	unsigned waited_ms = 0;
	const char *all;

	while (!strstr(all = rig_read(path), text))
		look_again(&waited_ms, scrap("\"%s\" in %s, which has:\n%s",
					     text, path, all));
	return all;
}

unsigned rig_count(const char *path, const char *text)
{
	const char *at = rig_read(path);
	unsigned n = 0;

	for (; (at = strstr(at, text)); at += strlen(text))
		n++;
	return n;
}

void rig_await_count(const char *path, const char *text, unsigned count)
{
	unsigned waited_ms = 0;

	while (rig_count(path, text) < count)
		look_again(&waited_ms,
			   scrap("\"%s\" %u times in %s, which has:\n%s", text,
				 count, path, rig_read(path)));
}

/* launchd and launchctl */

uid_t rig_user(void)
{
	return geteuid() == 0 ? proc_user() : geteuid();
}

const char *rig_domain(void)
{
	return scrap("gui/%u", (unsigned)rig_user());
}

const char *rig_target(const char *label)
{
	return scrap("%s/%s", rig_domain(), label);
}

void rig_skip(const char *missing)
{
	print_message("needs %s\n", missing);
	skip();
}

struct proc *rig_start(const struct rig_options *opt)
{
	static const struct rig_options plain;
	struct proc_options how = {0};
	const char *env[6] = {NULL};
	struct proc *p;

	opt = opt ? opt : &plain;
	env[0] = scrap("LOWPORT_STANDIN_SECOND_MS=%u",
		       opt->second_ms ? opt->second_ms : 100);
	env[1] = scrap("LOWPORT_STANDIN_DOMAINS=%s",
		       opt->domains ? opt->domains : "");
	env[2] = scrap("LOWPORT_STANDIN_QUIRKS=%s",
		       opt->quirks ? opt->quirks : "");
	env[3] = scrap("LOWPORT_STANDIN_HOME=%s", rig_file(""));
	how.env = env;
	how.drop = opt->unprivileged && geteuid() == 0;
	unprivileged = opt->unprivileged;
	setenv("LOWPORT_STANDIN_DIR", rig_file(""), 1);
	p = proc_start(ARGV("standin-launchd"), &how);
	proc_line(p, "standin-launchd: ready", 0);
	return p;
}

int rig_launchctl(const char **said, const char *const argv[])
{
	/* proc_end() knows beforehand what a program ends with; we do not. */
	static const char *const shell[] = {"sh", "-c",
					    "\"$@\"; echo \"status $?\"", "sh"};
	const struct proc_options opt = {.drop = geteuid() == 0};
	const char *words[COUNT(shell) + 8] = {NULL}, *out, *end;
	struct proc *p;

	memcpy(words, shell, sizeof(shell));
	for (size_t i = 0; argv[i]; i++)
		words[COUNT(shell) + i] = argv[i];
	p = proc_start(words, &opt);
	proc_end(p, 0);
	out = proc_out(p);
	end = strstr(out, "status ");
	while (strstr(end + 1, "status "))
		end = strstr(end + 1, "status ");
	if (said)
		*said = scrap("%.*s%s", (int)(end - out), out, proc_err(p));
	return atoi(end + strlen("status "));
}

const char *rig_print(const char *label, const char *key)
{
	const char *said, *at;

	if (LAUNCHCTL(&said, "print", rig_target(label)) != 0)
		return "";
	at = strstr(said, scrap("\t%s = ", key));
	if (!at)
		return "";
	at += strlen(key) + 4;
	return scrap("%.*s", (int)strcspn(at, "\n"), at);
}

void rig_await(const char *label, const char *key, const char *value)
{
	unsigned waited_ms = 0;
	const char *said = "";

	for (;;) {
		if (!value &&
		    LAUNCHCTL(&said, "print", rig_target(label)) == 113)
			return;
		if (value && strcmp(said = rig_print(label, key), value) == 0)
			return;
		look_again(&waited_ms,
			   scrap("%s: %s = %s; it is: %s", label, key,
				 value ? value : "(gone)", said));
	}
}

pid_t rig_pid(const char *label)
{
	pid_t pid = (pid_t)strtol(rig_print(label, "pid"), NULL, 10);

	assert_in_range(pid, 2, INT32_MAX);
	return pid;
}

const char *rig_log(const char *label)
{
	return rig_file(scrap("%s.log", label));
}

const char *rig_await_log(const char *label, const char *text)
{
	return rig_await_text(rig_log(label), text);
}

/* Property lists */

struct place rig_place4(void)
{
	static unsigned count;
	unsigned pid = (unsigned)getpid();
	bool low = geteuid() == 0 && !unprivileged;
	struct place p = {.v6 = false};

	p.node = scrap("127.%u.%u.%u", 64 + count++ % 128, pid / 250 % 250 + 1,
		       pid % 250 + 1);
	p.service = low ? "80" : scrap("%u", peer_free_port());
	p.where = scrap("%s:%s", p.node, p.service);
	return p;
}

struct place rig_place6(void)
{
	bool low = geteuid() == 0 && !unprivileged;
	struct place p = {.node = "::1", .v6 = true};

	if (peer_try_listen("[::1]:0") < 0)
		rig_skip("IPv6");
	p.service = scrap("%u", low ? peer_free_low_port() : peer_free_port());
	p.where = scrap("[::1]:%s", p.service);
	return p;
}

const char *rig_key(const char *key, const char *value)
{
	return scrap("<key>%s</key>%s\n", key, value);
}

static const char *string(const char *text)
{
	return scrap("<string>%s</string>", text);
}

const char *rig_dict(const struct place *p)
{
	return scrap("<dict>%s%s%s%s</dict>",
		     rig_key("SockType", string("stream")),
		     rig_key("SockFamily", string(p->v6 ? "IPv6" : "IPv4")),
		     rig_key("SockNodeName", string(p->node)),
		     rig_key("SockServiceName", string(p->service)));
}

/* A key that a's own do not replace. */
static const char *fallback(const struct agent *a, const char *key,
			    const char *value)
{
	if (a->more && strstr(a->more, scrap(">%s<", key)))
		return "";
	return rig_key(key, value);
}

/* As `lowport install` writes it. */
const char *rig_write(const struct agent *a)
{
	const char *arguments = "", *body;

	for (const char *const *at = a->arguments; *at; at++)
		arguments = scrap("%s%s\n", arguments, string(*at));
	body = scrap(
		"%s%s%s%s%s%s%s%s", rig_key("Label", string(a->label)),
		rig_key("ProgramArguments",
			scrap("<array>\n%s</array>", arguments)),
		a->sockets ? rig_key("Sockets",
				     scrap("<dict>\n%s</dict>", a->sockets))
			   : "",
		fallback(a, "ProcessType", string("Interactive")),
		fallback(a, "ExitTimeOut", "<integer>15</integer>"),
		fallback(a, "StandardErrorPath", string(rig_log(a->label))),
		fallback(a, "LimitLoadToSessionType",
			 "<array><string>Aqua</string>"
			 "<string>Background</string></array>"),
		a->more ? a->more : "");
	return rig_write_file(
		scrap("%s.plist", a->label),
		scrap("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		      "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
		      "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
		      "<plist version=\"1.0\">\n<dict>\n%s</dict>\n</plist>\n",
		      body));
}

void rig_load(const struct agent *a)
{
	const char *said;

	if (LAUNCHCTL(&said, "bootstrap", rig_domain(), rig_write(a)) != 0)
		fail_msg("%s does not load: %s", a->label, said);
}

void rig_assert_says(const char *text, const char *wanted, const char *file,
		     int line)
{
	if (strstr(text, wanted))
		return;
	print_error("\"%s\" is not said by:\n%s\n", wanted, text);
	_fail(file, line);
}
