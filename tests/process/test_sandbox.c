#include "process/peers.h"
#include "process/program.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* A lowport with someone in it who tries what lowport never does. */

enum {
	KILLED = 128 + SIGSYS,
	CREATE_RULESET = 444,
	VERSION = 1,
	HAS_SCOPES = 6,
};

static int set_up(void **state)
{
	if (program_set_up(state) < 0)
		return -1;
	return proc_copy(TRESPASS, program_file("trespass.so")) < 0 ||
	       chmod(program_file("trespass.so"), 0755) < 0;
}

static void need_sandbox(void)
{
	if (!LOWPORT_HAS_SANDBOX)
		program_skip("a build without sanitizers, on Linux (the "
			     "release preset)");
}

static bool has_landlock(void)
{
	return syscall(CREATE_RULESET, NULL, 0, VERSION) > 0;
}

/* Someone who waits for a signal to try what is named. */
#define HOST(what, mode, ...)                                                 \
	RUN_WITH((&(const struct proc_options){                               \
			 .env =                                               \
				 (const char *const[]){                       \
					 scrap("LD_PRELOAD=%s",               \
					       program_file("trespass.so")),  \
					 scrap("TRESPASS=%s", what), NULL}}), \
		 "--listen", "127.0.0.1:0", "--log-level", "debug",           \
		 "--sandbox", mode, "--to", __VA_ARGS__)

/* And gets one. */
static struct proc *invade(const char *what, const char *mode, const char *to)
{
	struct proc *p = HOST(what, mode, to);

	proc_line(p,
		  strcmp(mode, "off") == 0 ? "sandbox: none" : "sandbox: sec",
		  0);
	proc_signal(p, SIGRTMIN);
	return p;
}

static const char *fate(struct proc *p)
{
	const char *line = proc_line(p, "trespass: ", 0);

	return strrchr(line, ':') + 2;
}

/* Those that seccomp keeps from it, and the call that is refused. */
static const struct {
	const char *what, *call;
} calls[] = {
	{"exec", "execve"},     {"fork", "fork"},
	{"ptrace", "ptrace"},   {"look", "process_vm_readv"},
	{"packet", "socket"},   {"vsock", "socket"},
	{"raw", "socket"},      {"sctp", "socket"},
	{"ping", "socket"},     {"code", "mmap"},
	{"become", "mprotect"}, {"kill", "kill"},
	{"own", "fcntl"},       {"async", "fcntl"},
	{"empty", "openat"},    {"chmod", "chmod"},
};

static void what_it_never_calls_kills_it(void **state)
{
	(void)state;
	need_sandbox();
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		struct proc *p = invade(calls[i].what, "strict", "127.0.0.1:9");

		proc_end(p, KILLED);
		assert_int_equal(proc_count_lines(p, "trespass"), 0);
	}
}

static void or_fails_and_is_told_while_all_goes_on(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "b");

	(void)state;
	need_sandbox();
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		struct proc *p = invade(calls[i].what, "on", backend_where(b));
		const char *told;

		assert_string_equal(fate(p), "Operation not permitted");
		told = proc_line(p, "the sandbox has refused 1 system call", 0);
		assert_says(told, scrap("one %s:", calls[i].call));
		assert_served(program_where(p, 0), b);
		program_stop(p);
	}
}

static void without_a_sandbox_it_could(void **state)
{
	static const char *const can[] = {"fork", "open", "write", "kill",
					  "code"};

	(void)state;
	need_sandbox();
	for (size_t i = 0; i < sizeof(can) / sizeof(can[0]); i++) {
		struct proc *p = invade(can[i], "off", "127.0.0.1:9");
		const char *how = fate(p);

		/* Whose child it is may be another user's. */
		if (strcmp(can[i], "kill") != 0)
			assert_string_equal(how, "done");
		program_stop(p);
	}
	unlink("/tmp/lowport-trespass");
}

static void other_files_are_out_of_reach(void **state)
{
	static const char *const files[] = {"open", "write"};

	(void)state;
	need_sandbox();
	if (!has_landlock())
		program_skip("Landlock in this kernel");
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct proc *p = invade(files[i], "strict", "127.0.0.1:9");

		assert_string_equal(fate(p), "Permission denied");
		program_stop(p);
	}
}

/* As an X server has, or the message bus of a session. */
static void sockets_without_a_file_are_out_of_reach(void **state)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int n = snprintf(at.sun_path + 1, sizeof(at.sun_path) - 1,
			 "lowport-trespass-%ld", (long)getpid());
	size_t size = offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n;
	struct proc *p;

	(void)state;
	need_sandbox();
	if (syscall(CREATE_RULESET, NULL, 0, VERSION) < HAS_SCOPES)
		program_skip("Landlock of Linux 6.12");
	assert_int_equal(bind(fd, (struct sockaddr *)&at, (socklen_t)size), 0);
	assert_int_equal(listen(fd, 1), 0);
	p = invade("abstract", "off", "127.0.0.1:9");
	assert_string_equal(fate(p), "done");
	program_stop(p);
	p = invade("abstract", "strict", "127.0.0.1:9");
	assert_string_equal(fate(p), "Operation not permitted");
	program_stop(p);
	close(fd);
}

/* Whose --unix-mode a reload may change: but no file runs as its owner. */
static void modes_are_changed_only_where_sockets_are_made(void **state)
{
	static const struct {
		const char *what, *fate;
	} rows[] = {
		{"chmod", "No such file or directory"},
		{"set-uid", "Operation not permitted"},
	};

	(void)state;
	need_sandbox();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct proc *p =
			HOST(rows[i].what, "on", "127.0.0.1:9", "--listen",
			     scrap("unix:%s", program_file("modes.sock")),
			     "--to", "127.0.0.1:9");

		proc_line(p, "sandbox: seccomp", 0);
		proc_signal(p, SIGRTMIN);
		assert_string_equal(fate(p), rows[i].fate);
		program_stop(p);
	}
}

/* So that the names of hosts can be looked up, and nothing is written. */
static void with_host_names_etc_is_read_and_nothing_else(void **state)
{
	struct proc *p;

	(void)state;
	need_sandbox();
	if (!has_landlock())
		program_skip("Landlock in this kernel");
	p = invade("open", "strict", "nobody.invalid:9");
	assert_string_equal(fate(p), "done");
	program_stop(p);
	p = invade("write", "strict", "nobody.invalid:9");
	assert_string_equal(fate(p), "Permission denied");
	program_stop(p);
}

static void what_serving_takes_is_allowed(void **state)
{
	struct proc *p;

	(void)state;
	need_sandbox();
	p = invade("nothing", "strict", "127.0.0.1:9");
	assert_string_equal(fate(p), "done");
	program_stop(p);
}

/* What is asked of the kernel by way of io_uring, no filter sees. Newer libuv has
 * a ring for each loop, from its beginning. */
static void no_loop_has_a_ring(void **state)
{
	struct proc *p;
	bool inside;

	(void)state;
	need_sandbox();
	p = invade("loop", "strict", "127.0.0.1:9");
	/* The first loop's, and what the signal has asked for. */
	inside = strstr(fate(p), "libuv is a part of it");
	proc_line(p, "trespass: loop: Function not implemented", !inside);
	assert_int_equal(proc_count_lines(p, "trespass: loop: done"), 0);
	assert_int_equal(program_descriptors(p, "anon_inode:[io_uring]"), 0);
	program_stop(p);
}

/* As on an older Linux, and then they do with an older one. */
static void libraries_find_that_what_is_new_is_missing(void **state)
{
	struct proc *p;

	(void)state;
	need_sandbox();
	p = invade("new", "on", "127.0.0.1:9");
	assert_string_equal(fate(p), "Function not implemented");
	proc_line(p, "the last one openat2", 0);
	program_stop(p);
}

static void libraries_are_loaded_but_nothing_written_becomes_code(void **state)
{
	struct proc *p;

	(void)state;
	need_sandbox();
	p = invade("library", "strict", "nobody.invalid:9");
	assert_string_equal(fate(p), "done");
	program_stop(p);
	p = invade("become", "strict", "nobody.invalid:9");
	proc_end(p, KILLED);
}

/* Each thread of p is refused. Returns how many there are. */
static unsigned try_all_threads(struct proc *p, const char *what)
{
	DIR *tasks = opendir(scrap("/proc/%ld/task", (long)proc_pid(p)));
	struct dirent *entry;
	unsigned threads = 0;

	assert_non_null(tasks);
	while ((entry = readdir(tasks))) {
		long id = strtol(entry->d_name, NULL, 10);

		if (id == 0)
			continue;
		assert_int_equal(syscall(SYS_tgkill, (long)proc_pid(p), id,
					 SIGRTMIN),
				 0);
		proc_line(p,
			  scrap("trespass: %s: Operation not permitted", what),
			  threads++);
	}
	closedir(tasks);
	return threads;
}

static void no_thread_is_outside(void **state)
{
	struct proc *p;

	(void)state;
	need_sandbox();
	p = HOST("ptrace", "on", "nobody.invalid:9", "--threads", "3", "--http",
		 "127.0.0.1:0");
	proc_line(p, "sandbox: seccomp", 0);
	/* Now libuv's are there as well. */
	peer_dial(program_where(p, 0));
	proc_line(p, "closed ", 0);
	assert_true(try_all_threads(p, "ptrace") > 4);
	program_stop(p);
}

static void status_says_what_holds(void **state)
{
	static const struct {
		const char *mode, *holds;
	} rows[] = {{"on", "seccomp"}, {"off", "none"}};

	(void)state;
	need_sandbox();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const ask[] = {"status", NULL};
		struct proc *p = RUN("--listen", "127.0.0.1:0", "--to", "9",
				     "--sandbox", rows[i].mode);
		struct proc *status;

		program_where(p, 0);
		status = program_start(ask, NULL);
		proc_end(status, 0);
		assert_says(proc_out(status),
			    scrap("  sandbox      %s", rows[i].holds));
		program_stop(p);
	}
}

static void what_ends_listens_nowhere(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "b");
	struct proc *p;

	(void)state;
	need_sandbox();
	p = HOST("listen", "strict", backend_where(b), "--threads", "3");
	proc_line(p, "sandbox: seccomp", 0);
	proc_signal(p, SIGRTMIN);
	assert_string_equal(fate(p), "done");
	peer_dial(program_where(p, 0));
	backend_await_clients(b, 1);
	proc_signal(p, SIGTERM);
	proc_line(p, "1 connections may finish", 0);
	assert_true(try_all_threads(p, "listen") > 2);
	program_stop(p);
}

static void names_are_looked_up_in_it(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "b");
	const char *port = strrchr(backend_where(b), ':') + 1;
	struct proc *p;

	(void)state;
	need_sandbox();
	/* Not "localhost", which nobody has to look up. */
	p = RUN("--listen", "127.0.0.1:0", "--to",
		scrap("ip6-localhost.invalid:%s", port), "--to",
		backend_where(b));
	assert_served(program_where(p, 0), b);
	program_stop(p);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* What a reload may want more of than there was at the start. */
static void a_reload_cannot_break_out(void **state)
{
	static const struct {
		const char *line, *says;
	} rows[] = {
		{"to = web.example:80", "--to: host names"},
		{"exec = true", "--exec: programs are"},
		{"listen = unix:/var/tmp/lowport-trespass.sock",
		 "/var/tmp is out of reach of the sandbox"},
	};
	const char *file = program_file("sandbox.conf");
	const char *plain = "[relay a]\nlisten = 127.0.0.1:0\n"
			    "to = 127.0.0.1:9\n";
	struct proc *p;

	(void)state;
	need_sandbox();
	if (!has_landlock())
		program_skip("Landlock in this kernel");
	write_file(file, plain);
	p = program_listening(program_start(
		(const char *const[]){"run", "-c", file, NULL}, NULL));
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		write_file(file,
			   scrap("%s[relay b]\nlisten = 127.0.0.1:0\n%s%s\n",
				 plain, i == 2 ? "to = 127.0.0.1:9\n" : "",
				 rows[i].line));
		proc_signal(p, SIGHUP);
		proc_line(p, "the configuration stays as it was", i);
		assert_says(proc_err(p), rows[i].says);
	}
	write_file(file, scrap("%sidle-timeout = 1h\n", plain));
	proc_signal(p, SIGHUP);
	proc_line(p, "the new configuration is in force", 0);
	program_stop(p);
}

/* Editors and package managers replace a file by another. */
static void a_file_that_was_replaced_is_read(void **state)
{
	const char *file = program_file("sandbox.conf");
	const char *text = "[relay a]\nlisten = 127.0.0.1:0\n"
			   "to = 127.0.0.1:9\n";
	struct proc *p;

	(void)state;
	write_file(file, text);
	p = program_listening(program_start(
		(const char *const[]){"run", "-c", file, NULL}, NULL));
	write_file(scrap("%s.new", file), text);
	assert_int_equal(rename(scrap("%s.new", file), file), 0);
	proc_signal(p, SIGHUP);
	proc_line(p, "the new configuration is in force", 0);
	program_stop(p);
}

/* As those who enable a site by a link to it. */
static void links_in_a_folder_are_followed(void **state)
{
	const char *folder = program_file("enabled");
	const char *there = program_file("available");
	const char *file = scrap("%s/a.conf", there);
	const char *text = "[relay a]\nlisten = 127.0.0.1:0\n"
			   "to = 127.0.0.1:9\n";
	struct proc *p;

	(void)state;
	need_sandbox();
	if (!has_landlock())
		program_skip("Landlock in this kernel");
	assert_int_equal(mkdir(folder, 0755), 0);
	assert_int_equal(mkdir(there, 0755), 0);
	write_file(file, text);
	assert_int_equal(symlink(file, scrap("%s/a.conf", folder)), 0);
	p = program_listening(program_start(
		(const char *const[]){"run", "-c", folder, NULL}, NULL));
	proc_signal(p, SIGHUP);
	proc_line(p, "the new configuration is in force", 0);
	assert_int_equal(symlink("/etc/passwd", scrap("%s/b.conf", folder)), 0);
	proc_signal(p, SIGHUP);
	proc_line(p, "b.conf: is out of reach of the sandbox", 0);
	program_stop(p);
}

static void strict_is_refused_where_it_cannot_be(void **state)
{
	struct proc *p = program_start(
		(const char *const[]){"run", "--listen", "127.0.0.1:0",
				      "--exec", "true", "--sandbox", "strict",
				      NULL},
		NULL);

	(void)state;
	proc_end(p, 2);
	assert_says(proc_err(p), "--sandbox strict: ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_teardown(name, program_end_test)
		CASE(what_it_never_calls_kills_it),
		CASE(or_fails_and_is_told_while_all_goes_on),
		CASE(without_a_sandbox_it_could),
		CASE(other_files_are_out_of_reach),
		CASE(sockets_without_a_file_are_out_of_reach),
		CASE(modes_are_changed_only_where_sockets_are_made),
		CASE(with_host_names_etc_is_read_and_nothing_else),
		CASE(what_serving_takes_is_allowed),
		CASE(no_loop_has_a_ring),
		CASE(libraries_find_that_what_is_new_is_missing),
		CASE(libraries_are_loaded_but_nothing_written_becomes_code),
		CASE(no_thread_is_outside),
		CASE(status_says_what_holds),
		CASE(what_ends_listens_nowhere),
		CASE(names_are_looked_up_in_it),
		CASE(a_reload_cannot_break_out),
		CASE(a_file_that_was_replaced_is_read),
		CASE(links_in_a_folder_are_followed),
		CASE(strict_is_refused_where_it_cannot_be),
	};

	return cmocka_run_group_tests(tests, set_up, program_tear_down);
}
