#include "process/app.h"
#include "process/logs.h"
#include "process/program.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* lowport started as root, which the other tests never do. */

/* The folder of files is proc_user()'s there, so it is a stranger's here. */
enum { SOMEBODY = 61185 };

static void need_root(void)
{
	if (geteuid() != 0)
		program_skip("root");
}

static struct proc *start_as_root(const char *const argv[])
{
	const char *words[32] = {program_path(), "run"};
	size_t n = 2;

	while (*argv)
		words[n++] = *argv++;
	return proc_start(words, NULL);
}

#define RUN_AS_ROOT(...) start_as_root((const char *const[]){__VA_ARGS__, NULL})

static const char *somebody(void)
{
	return scrap("%d:%d", SOMEBODY, SOMEBODY);
}

/* What stands behind a word in /proc/PID/status. */
static const char *state(const struct proc *p, const char *word)
{
	FILE *f = fopen(scrap("/proc/%ld/status", (long)proc_pid(p)), "re");
	size_t length = strlen(word);
	const char *found = NULL;
	char line[256];

	if (!f)
		program_skip("/proc");
	while (f && !found && fgets(line, sizeof(line), f))
		if (strncmp(line, word, length) == 0 && line[length] == ':')
			found = scrap("%s", line + length + 1);
	if (f)
		fclose(f);
	assert_non_null(found);
	return found;
}

static void assert_has_no_rights(const struct proc *p)
{
	const char *four = scrap("\t%d\t%d\t%d\t%d\n", SOMEBODY, SOMEBODY,
				 SOMEBODY, SOMEBODY);

	assert_string_equal(state(p, "Uid"), four);
	assert_string_equal(state(p, "Gid"), four);
	assert_string_equal(state(p, "Groups"), scrap("\t%d \n", SOMEBODY));
	assert_string_equal(state(p, "CapPrm"), "\t0000000000000000\n");
	assert_string_equal(state(p, "CapEff"), "\t0000000000000000\n");
	assert_string_equal(state(p, "CapAmb"), "\t0000000000000000\n");
	assert_string_equal(state(p, "NoNewPrivs"), "\t1\n");
}

static void root_is_told_what_to_do_instead(void **state)
{
	struct proc *p;

	(void)state;
	need_root();
	p = RUN_AS_ROOT("--listen", "127.0.0.1:0", "--to", "8080");
	proc_end(p, 2);
	assert_says(proc_err(p), "this is root");
	assert_says(proc_err(p), "lowport install");
	assert_says(proc_err(p), "--user nobody");
	assert_says(proc_err(p), "--allow-root");
	assert_int_equal(proc_count_lines(p, "listening on"), 0);
}

static void root_stays_root_when_told_so(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "b");
	struct proc *p;

	(void)state;
	need_root();
	p = program_listening(RUN_AS_ROOT("--listen", "127.0.0.1:0", "--to",
					  backend_where(b), "--allow-root",
					  "--status", "none"));
	assert_served(program_where(p, 0), b);
	program_stop(p);
}

static void a_low_port_is_opened_and_then_root_is_gone(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "b");
	unsigned port = peer_free_low_port();
	struct proc *p;

	(void)state;
	need_root();
	p = RUN_AS_ROOT("--listen", scrap("127.0.0.1:%u", port), "--to",
			backend_where(b), "--user", somebody(), "--threads",
			"2", "--status", program_file("status.sock"),
			"--sandbox", "off"); /* which would do its part */
	proc_line(p, "root no more", 0);
	assert_served(program_where(program_listening(p), 0), b);
	assert_has_no_rights(p);
	program_stop(p);
}

/* Each thread has ids of its own, as the kernel sees it. */
static void no_thread_is_left_behind(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "b");
	const char *ids = scrap("%d:%d", SOMEBODY, SOMEBODY), *out;
	struct proc *p, *look;

	(void)state;
	need_root();
	p = RUN_AS_ROOT("--listen", "127.0.0.1:0", "--to", backend_where(b),
			"--user", ids, "--threads", "3", "--http",
			"127.0.0.1:0");
	proc_line(p, "status over HTTP", 0);
	look = proc_start(
		(const char *const[]){
			"sh", "-c", "cat /proc/$1/task/*/status | grep ^Uid",
			"sh", scrap("%ld", (long)proc_pid(p)), NULL},
		NULL);
	proc_end(look, 0);
	out = proc_out(look);
	assert_null(strstr(out, "\t0"));
	assert_non_null(strstr(out, scrap("\t%d", SOMEBODY)));
	program_stop(p);
}

static uid_t owner_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_uid;
}

static void what_it_made_as_root_is_the_users(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "b");
	const char *at = program_file("theirs");
	const char *socket = scrap("%s/app.sock", at);
	const char *log = scrap("%s/lowport.log", at);
	struct proc *p;

	(void)state;
	need_root();
	assert_int_equal(mkdir(at, 0755), 0);
	assert_int_equal(chown(at, SOMEBODY, SOMEBODY), 0);
	p = RUN_AS_ROOT("--listen", scrap("unix:%s", socket), "--listen",
			"127.0.0.1:0", "--to", backend_where(b), "--log-to",
			log, "--user", somebody(), "--status",
			scrap("%s/status.sock", at), "--http",
			scrap("unix:%s/http.sock", at));
	log_await(log, "status over HTTP");
	assert_int_equal(owner_of(socket), SOMEBODY);
	assert_int_equal(owner_of(log), SOMEBODY);
	assert_int_equal(owner_of(scrap("%s/status.sock", at)), SOMEBODY);
	assert_int_equal(owner_of(scrap("%s/http.sock", at)), SOMEBODY);
	assert_int_equal(rename(log, scrap("%s.1", log)), 0);
	proc_signal(p, SIGUSR2);
	log_await(log, "the log file was opened anew");
	program_stop(p);
	assert_int_equal(access(socket, F_OK), -1);
	assert_int_equal(access(scrap("%s/http.sock", at), F_OK), -1);
}

/* A folder of the user's, and a file of root's that lowport must not touch. */
static const char *prepare_trap(const char *name, const char *secret)
{
	const char *folder = program_file(name);

	assert_int_equal(mkdir(folder, 0755), 0);
	assert_int_equal(chown(folder, SOMEBODY, SOMEBODY), 0);
	close(creat(secret, 0600));
	assert_int_equal(access(secret, F_OK), 0);
	return folder;
}

static void assert_refuses_log(const char *log, const char *secret)
{
	struct stat st;
	struct proc *p = RUN_AS_ROOT("--listen", "127.0.0.1:0", "--to",
				     "127.0.0.1:9", "--log-to", log, "--user",
				     somebody(), "--status", "none");

	proc_end(p, 1);
	assert_says(proc_err(p), scrap("user %d, who runs", SOMEBODY));
	assert_int_equal(stat(secret, &st), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(st.st_size, 0);
}

/* The user, who may replace the log by a link, is not root by way of it. */
static void a_link_in_place_of_the_log_gives_nothing_away(void **state)
{
	const char *root = program_file("roots");
	const char *secret = scrap("%s/lowport.log", root);
	const char *folder, *log;

	(void)state;
	need_root();
	assert_int_equal(mkdir(root, 0755), 0);
	assert_int_equal(chown(root, 0, 0), 0);
	folder = prepare_trap("trap", secret);
	log = scrap("%s/lowport.log", folder);
	assert_int_equal(symlink(secret, log), 0);
	assert_refuses_log(log, secret);
	/* Nor by a folder of theirs. */
	assert_int_equal(symlink(root, scrap("%s/logs", folder)), 0);
	assert_refuses_log(scrap("%s/logs/lowport.log", folder), secret);
	/* A link of root's may lead to one of theirs. */
	assert_int_equal(symlink(log, scrap("%s/log", root)), 0);
	assert_refuses_log(scrap("%s/log", root), secret);
}

static void where_only_root_may_write_the_log_is_given_to_the_user(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "b");
	char folder[] = "/run/rights-of-lowport-XXXXXX";
	const char *log;
	struct proc *p;

	(void)state;
	need_root();
	/* Others may write to the folder of files. */
	if (!mkdtemp(folder))
		program_skip("a /run that root may write to");
	assert_int_equal(chmod(folder, 0755), 0);
	log = scrap("%s/lowport.log", folder);
	p = RUN_AS_ROOT("--listen", "127.0.0.1:0", "--to", backend_where(b),
			"--log-to", log, "--user", somebody(), "--status",
			"none");
	log_await(log, "root no more");
	assert_int_equal(owner_of(log), SOMEBODY);
	program_stop(p);
	unlink(log);
	rmdir(folder);
}

/* The folder of its socket was made by root. */
static void what_it_starts_can_listen_where_it_is_told_to(void **state)
{
	const char *path, *folder;
	struct proc *p;

	(void)state;
	need_root();
	app_need();
	p = RUN_AS_ROOT("--listen", "127.0.0.1:0", "--exec",
			app_unix_command(""), "--to", "unix:auto", "--user",
			somebody(), "--status", "none");
	proc_line(p, "root no more", 0);
	app_ask(program_where(program_listening(p), 0));
	path = strstr(proc_line(p, "to listen on unix:", 0), "unix:") + 5;
	folder = scrap("%.*s", (int)(strrchr(path, '/') - path), path);
	assert_int_equal(owner_of(folder), SOMEBODY);
	program_stop(p);
	assert_int_equal(access(folder, F_OK), -1);
}

static void a_new_low_port_is_refused_with_the_reason(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "b");
	const char *file = program_file("low.conf");
	unsigned port = peer_free_low_port();
	struct proc *p;
	FILE *f;

	(void)state;
	need_root();
	f = fopen(file, "we");
	assert_non_null(f);
	fprintf(f, "[relay a]\nlisten = 127.0.0.1:0\nto = %s\n",
		backend_where(b));
	fclose(f);
	p = program_listening(RUN_AS_ROOT("-c", file, "--user", somebody(),
					  "--status", "none"));
	proc_line(p, "root no more", 0);
	f = fopen(file, "ae");
	assert_non_null(f);
	fprintf(f, "[relay b]\nlisten = 127.0.0.1:%u\nto = %s\n", port,
		backend_where(b));
	fclose(f);
	proc_signal(p, SIGHUP);
	proc_line(p, "takes another start", 0);
	proc_line(p, "the configuration stays as it was", 0);
	assert_served(program_where(p, 0), b);
	program_stop(p);
}

static void a_file_that_the_user_may_not_read_is_said_at_once(void **state)
{
	const char *file = program_file("secret.conf");
	struct proc *p;
	FILE *f;

	(void)state;
	need_root();
	f = fopen(file, "we");
	assert_non_null(f);
	fprintf(f, "[relay a]\nlisten = 127.0.0.1:0\nto = 127.0.0.1:9\n");
	fclose(f);
	assert_int_equal(chmod(file, 0600), 0);
	p = RUN_AS_ROOT("-c", file, "--user", somebody(), "--status", "none");
	proc_line(p, "it cannot be reloaded", 0);
	program_stop(p);
}

static const struct {
	const char *user, *says;
} wrong[] = {
	{"no-such-user", "is no user of this system"},
	{"root", "is root still"},
	{"0:0", "is root still"},
	{"61185", "its group has to be said"},
	{"61185:no-such-group", "is no group of this system"},
	{":x", "is no user"},
	{"a:b:c", "is no user"},
};

static void a_bad_user_is_refused_with_what_would_be_right(void **state)
{
	(void)state;
	need_root();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct proc *p = RUN_AS_ROOT("--listen", "127.0.0.1:0", "--to",
					     "8080", "--user", wrong[i].user);

		proc_end(p, 2);
		assert_says(proc_err(p), wrong[i].says);
	}
}

static void whoever_is_not_root_cannot_become_another(void **state)
{
	struct proc *p = program_start(
		(const char *const[]){"run", "--listen", "127.0.0.1:0", "--to",
				      "8080", "--user", somebody(), NULL},
		NULL);

	(void)state;
	proc_end(p, 2);
	assert_says(proc_err(p), "only root can become");
}

/* As lowport status has it, for root and for the user alike. */
static void root_finds_it_by_its_socket(void **state)
{
	struct proc *p, *asked;

	(void)state;
	need_root();
	p = RUN_AS_ROOT("--listen", "127.0.0.1:0", "--to", "127.0.0.1:9",
			"--user", somebody());
	proc_line(p, "root no more", 0);
	program_listening(p);
	asked = proc_start(
		(const char *const[]){program_path(), "status", NULL}, NULL);
	proc_end(asked, 0);
	assert_says(proc_out(asked), scrap("pid %ld", (long)proc_pid(p)));
	program_stop(p);
	rmdir(scrap("/run/lowport-%d", SOMEBODY));
}

static struct proc *replace_as(const char *user, const char *status,
			       const char *to)
{
	return RUN_AS_ROOT("--listen", "127.0.0.1:0", "--to", to,
			   scrap("--replace=%s", status), "--status", "none",
			   strcmp(user, "root") == 0
				   ? "--allow-root"
				   : scrap("--user=%s", user));
}

/* Anybody can make a socket where a lowport is looked for, and hand over what is
 * bound in another network. */
static void listeners_are_not_taken_over_from_a_stranger(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "b");
	const char *status = program_file("status.sock");
	struct proc *old, *next;
	uid_t user;

	(void)state;
	need_root();
	old = RUN("--listen", "127.0.0.1:0", "--to", backend_where(b),
		  "--status", status);
	program_listening(old);
	user = owner_of(status);
	for (size_t i = 0; i < 2; i++) {
		next = replace_as(i == 0 ? "root" : somebody(), status,
				  backend_where(b));
		proc_end(next, 1);
		assert_says(proc_err(next),
			    scrap("it is user %u who listens there",
				  (unsigned)user));
	}
	assert_served(program_where(old, 0), b);
	next = replace_as(scrap("%u:%u", (unsigned)user, (unsigned)user),
			  status, backend_where(b));
	proc_line(next, "taken over from the lowport", 0);
	program_stop(next);
	proc_end(old, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_teardown(name, program_end_test)
		CASE(root_is_told_what_to_do_instead),
		CASE(root_stays_root_when_told_so),
		CASE(a_low_port_is_opened_and_then_root_is_gone),
		CASE(no_thread_is_left_behind),
		CASE(what_it_made_as_root_is_the_users),
		CASE(a_link_in_place_of_the_log_gives_nothing_away),
		CASE(where_only_root_may_write_the_log_is_given_to_the_user),
		CASE(what_it_starts_can_listen_where_it_is_told_to),
		CASE(a_new_low_port_is_refused_with_the_reason),
		CASE(a_file_that_the_user_may_not_read_is_said_at_once),
		CASE(a_bad_user_is_refused_with_what_would_be_right),
		CASE(whoever_is_not_root_cannot_become_another),
		CASE(root_finds_it_by_its_socket),
		CASE(listeners_are_not_taken_over_from_a_stranger),
	};

	return cmocka_run_group_tests(tests, program_set_up, program_tear_down);
}
