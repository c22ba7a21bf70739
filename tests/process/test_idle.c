#include "process/program.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	LIFE_LEAST_MS = 10000, /* lowport's own */
	STARTS = 3,
	LIVES_MS = (STARTS + 2) * LIFE_LEAST_MS,
	GAP_US = 4000,
};

/*
 * A service manager, on a thread of its own: whoever comes while nothing runs
 * has it started, with the listener as descriptor 3, again and again.
 */
struct activator {
	int listener;
	const char *program, *backend;
	unsigned user;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	bool over;
	unsigned starts, ends_well;
	pid_t pid;
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void become(const struct activator *a)
{
	int null = open("/dev/null", O_RDWR);

	dup2(null, 1);
	dup2(null, 2);
	if (a->listener == 3)
		fcntl(3, F_SETFD, 0);
	else
		dup2(a->listener, 3);
	for (int fd = 4; fd < 1024; fd++)
		close(fd);
	if (a->user > 0 && (setgroups(0, NULL) < 0 || setgid(a->user) < 0 ||
			    setuid(a->user) < 0))
		_exit(126);
	execl(a->program, "lowport", "run", "--listen", "fd:3", "--to",
	      a->backend, "--exit-on-idle", "1ms", (char *)NULL);
	_exit(127);
}

static bool is_over(struct activator *a)
{
	bool over;

	pthread_mutex_lock(&a->lock);
	over = a->over;
	pthread_mutex_unlock(&a->lock);
	return over;
}

/* Returns whether it ended by itself, and well. */
static bool await_end(struct activator *a, pid_t pid)
{
	bool asked = false;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (is_over(a) && !asked)
			asked = kill(pid, SIGTERM) == 0;
		poll(NULL, 0, 1);
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void *activate(void *data)
{
	struct activator *a = data;
	struct pollfd p = {.fd = a->listener, .events = POLLIN};

	while (!is_over(a)) {
		pid_t pid;
		bool well;

		if (poll(&p, 1, 50) <= 0)
			continue;
		pid = fork();
		if (pid == 0)
			become(a);
		pthread_mutex_lock(&a->lock);
		a->starts++;
		pthread_mutex_unlock(&a->lock);
		well = await_end(a, pid);
		pthread_mutex_lock(&a->lock);
		a->ends_well += well;
		pthread_mutex_unlock(&a->lock);
	}
	return NULL;
}

static unsigned starts(struct activator *a)
{
	unsigned n;

	pthread_mutex_lock(&a->lock);
	n = a->starts;
	pthread_mutex_unlock(&a->lock);
	return n;
}

static void nobody_is_lost_while_it_ends_and_is_started_again(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	struct activator a = {.listener = peer_listen("127.0.0.1:0"),
			      .program = program_path(),
			      .backend = backend_where(b),
			      .user = geteuid() == 0 ? proc_user() : 0};
	const char *where = peer_where(a.listener);
	const char *answer = backend_answer(b, "hello", 5);
	uint64_t end_ms = now_ms() + LIVES_MS;
	unsigned seed = 1;

	(void)state;
	pthread_mutex_init(&a.lock, NULL);
	pthread_create(&a.thread, NULL, activate, &a);
	/* Each start is by a client that came when nobody was there. */
	while (starts(&a) < STARTS && now_ms() < end_ms) {
		seed = seed * 1103515245 + 12345;
		usleep((seed >> 16) % GAP_US);
		assert_string_equal(peer_ask(where, "hello"), answer);
	}
	pthread_mutex_lock(&a.lock);
	a.over = true;
	pthread_mutex_unlock(&a.lock);
	pthread_join(a.thread, NULL);
	assert_int_equal(a.starts, STARTS);
	assert_int_equal(a.ends_well, STARTS);
}

static void it_stays_while_somebody_is_connected_and_not_sooner(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	int listener = peer_listen("127.0.0.1:0"), client;
	struct proc_options opt = {
		.fds = &listener, .fd_count = 1, .activated = ""};
	uint64_t began_ms = now_ms();
	struct proc *p, *other;

	(void)state;
	p = RUN_WITH(&opt, "--listen", "systemd", "--to", backend_where(b),
		     "--exit-on-idle", "200ms");
	other = RUN_WITH(&opt, "--listen", "systemd", "--to", backend_where(b),
			 "--exit-on-idle", "0");
	proc_signal(other, SIGTERM);
	proc_end(other, 0);
	assert_served(peer_where(listener), b);
	client = peer_dial(peer_where(listener));
	/* launchd and systemd take offence at a short life. */
	assert_true(peer_is_silent(client, LIFE_LEAST_MS + 500));
	assert_true(proc_runs(p));
	peer_close(client);
	proc_end(p, 0);
	assert_true(now_ms() - began_ms >= LIFE_LEAST_MS + 700);
	proc_line(p, "ending until the next client comes (--exit-on-idle)", 0);
}

static void nobody_at_all_is_idle_too(void **state)
{
	int listener = peer_listen("127.0.0.1:0");
	struct proc_options opt = {
		.fds = &listener, .fd_count = 1, .activated = ""};
	uint64_t began_ms = now_ms();
	struct proc *p = RUN_WITH(&opt, "--listen", "systemd", "--to", "8080",
				  "--exit-on-idle", "1ms");

	(void)state;
	proc_end(p, 0);
	assert_true(now_ms() - began_ms >= LIFE_LEAST_MS);
}

static const char *write_config(const char *name, const char *rest,
				const char *listen)
{
	const char *path = program_file(name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fprintf(f, "[lowport]\n%s[relay web]\nlisten = %s\nto = 8080\n", rest,
		listen);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0644), 0);
	return path;
}

static void reload(struct proc *p, const char *said)
{
	proc_signal(p, SIGHUP);
	proc_line(p, said, 0);
}

static void a_reload_takes_it_up_and_drops_it(void **state)
{
	static const char in_force[] = "the new configuration is in force";
	static const char at_once[] = "exit-on-idle = 1ms\n";
	int one = peer_listen("127.0.0.1:0"),
	    other = peer_listen("127.0.0.1:0");
	struct proc_options first = {
		.fds = &one, .fd_count = 1, .activated = ""};
	struct proc_options second = {
		.fds = &other, .fd_count = 1, .activated = ""};
	struct proc *stays, *ends;

	(void)state;
	stays = RUN_WITH(&first, "-c",
			 write_config("one.conf", at_once, "systemd"));
	write_config("one.conf", "", "systemd");
	reload(stays, in_force);
	ends = RUN_WITH(&second, "-c", write_config("two.conf", "", "systemd"));
	write_config("two.conf", at_once, "systemd");
	reload(ends, in_force);
	proc_end(ends, 0);
	assert_true(proc_runs(stays));
	assert_int_equal(proc_count_lines(stays, "stays as it is"), 0);
	program_stop(stays);
}

static void a_reload_refuses_it_where_nobody_would_start_it_again(void **state)
{
	const char *at = scrap("127.0.0.1:%u", peer_free_port());
	struct proc *p = RUN("-c", write_config("one.conf", "", at));

	(void)state;
	write_config("one.conf", "exit-on-idle = 1ms\n", at);
	reload(p, "the configuration stays as it was");
	assert_says(proc_err(p), "nobody would take the next connection there");
	program_stop(p);
}

#define TEST(name) cmocka_unit_test_teardown(name, program_end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nobody_is_lost_while_it_ends_and_is_started_again),
		TEST(it_stays_while_somebody_is_connected_and_not_sooner),
		TEST(nobody_at_all_is_idle_too),
		TEST(a_reload_takes_it_up_and_drops_it),
		TEST(a_reload_refuses_it_where_nobody_would_start_it_again),
	};

	return cmocka_run_group_tests(tests, program_set_up, program_tear_down);
}
