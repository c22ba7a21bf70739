#include "process/app.h"
#include "process/program.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Reloads that fail halfway, and what they must leave behind: all as it was. */

static unsigned reloads, refusals; /* of the program of this test */

static const char *write_config(const char *text)
{
	const char *path = program_file("lowport.conf");
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0644), 0);
	return path;
}

static const char *relay(const char *name, const char *listen, const char *to)
{
	return scrap("[relay %s]\nlisten = %s\nto = %s\n", name, listen, to);
}

static struct proc *start(const struct proc_options *opt, const char *text)
{
	reloads = refusals = 0;
	return RUN_WITH(opt, "-c", write_config(text));
}

static void reload(struct proc *p, const char *text)
{
	write_config(text);
	proc_signal(p, SIGHUP);
	proc_line(p, "the new configuration is in force", reloads++);
}

static void refuse(struct proc *p, const char *text)
{
	write_config(text);
	proc_signal(p, SIGHUP);
	proc_line(p, "the configuration stays as it was", refusals++);
}

static const char *any(void)
{
	return scrap("127.0.0.1:%u", peer_free_port());
}

static void assert_refused(const char *where)
{
	assert_int_equal(peer_try_dial(where), -1);
	assert_int_equal(errno, ECONNREFUSED);
}

/* One that leads back to itself: it is found when all is listened on. */
static const char *round_about(void)
{
	const char *where = any();

	return relay("round", where, where);
}

/* Two sockets from systemd, of which only the first is wanted at first. */
struct handed {
	int fds[2];
	struct proc_options opt;
	struct backend *backend;
	const char *one, *both, *where;
	struct proc *p;
};

static void hand_over(struct handed *h)
{
	const char *to;

	h->fds[0] = peer_listen("127.0.0.1:0");
	h->fds[1] = peer_listen("127.0.0.1:0");
	h->where = peer_where(h->fds[1]);
	h->opt = (struct proc_options){
		.fds = h->fds, .fd_count = 2, .activated = "one:two"};
	h->backend = backend_start("127.0.0.1:0", "web");
	to = backend_where(h->backend);
	h->one = relay("a", "systemd:one", to);
	h->both = scrap("%s%s", h->one, relay("b", "systemd:two", to));
	h->p = start(&h->opt, h->one);
}

static void a_parked_socket_stays_so_when_a_reload_fails(void **state)
{
	struct handed h;
	int waits;

	(void)state;
	hand_over(&h);
	reload(h.p, h.both);
	reload(h.p, h.one);
	refuse(h.p, scrap("%s%s", h.both, round_about()));
	waits = peer_dial(h.where);
	peer_send(waits, "hello", 5);
	peer_end(waits);
	assert_true(peer_is_silent(waits, 50));
	assert_served(peer_where(h.fds[0]), h.backend);
	reload(h.p, h.both);
	assert_string_equal(peer_hear(waits),
			    backend_answer(h.backend, "hello", 5));
	program_stop(h.p);
}

static void a_reload_that_fails_loses_no_socket_of_systemd(void **state)
{
	int held = peer_listen("127.0.0.1:0");
	struct handed h;

	(void)state;
	hand_over(&h);
	/* It fails before anything is served, and after that. */
	refuse(h.p,
	       scrap("%s%s", h.both,
		     relay("c", peer_where(held), backend_where(h.backend))));
	refuse(h.p, scrap("%s%s", h.both, round_about()));
	assert_served(peer_where(h.fds[0]), h.backend);
	reload(h.p, h.both);
	assert_served(peer_where(h.fds[0]), h.backend);
	assert_served(h.where, h.backend);
	program_stop(h.p);
}

static void what_is_served_survives_a_worse_socket_beside_it(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	int fds[] = {peer_listen("127.0.0.1:0"), peer_bind("127.0.0.1:0")};
	struct proc_options opt = {
		.fds = fds, .fd_count = 2, .activated = "one:two"};
	const char *to = backend_where(b);
	struct proc *p;

	(void)state;
	p = start(&opt, relay("a", "systemd:one", to));
	refuse(p, relay("a", "systemd", to));
	proc_line(p, "does not listen", 0);
	assert_served(peer_where(fds[0]), b);
	reload(p, relay("a", "systemd:one", to));
	assert_served(peer_where(fds[0]), b);
	program_stop(p);
}

/* Two ports at once go over to all addresses; the second one cannot. */
static void what_made_room_comes_back_when_another_fails(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *to = backend_where(b), *both;
	unsigned one = peer_free_port(), two;
	int first = peer_listen(scrap("0.0.0.0:%u", one)), held;
	struct proc *p;

	(void)state;
	two = peer_free_port();
	peer_close(first);
	both = scrap("%s%s", relay("a", scrap("127.0.0.1:%u", one), to),
		     relay("b", scrap("127.0.0.1:%u", two), to));
	p = start(NULL, both);
	held = peer_listen(scrap("127.0.0.2:%u", two));
	for (int i = 0; i < 3; i++) {
		refuse(p, scrap("%s%s", relay("a", scrap("*:%u", one), to),
				relay("b", scrap("*:%u", two), to)));
		assert_served(scrap("127.0.0.1:%u", one), b);
		assert_served(scrap("127.0.0.1:%u", two), b);
	}
	assert_refused(scrap("127.0.0.2:%u", one));
	peer_close(held);
	reload(p, scrap("%s%s", relay("a", scrap("*:%u", one), to),
			relay("b", scrap("*:%u", two), to)));
	assert_served(scrap("127.0.0.2:%u", one), b);
	assert_int_equal(proc_count_lines(p, "cannot be had back"), 0);
	program_stop(p);
}

static void a_socket_file_goes_with_its_listener_and_not_later(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *to = backend_where(b), *where = any();
	const char *path = program_file("web.sock");
	const char *place = scrap("unix:%s", path);
	const char *plain = relay("a", where, to), *both;
	struct proc *p;
	struct stat st;
	int open;

	(void)state;
	both = scrap("%s%sunix-mode = 0666\n", plain, relay("b", place, to));
	p = start(NULL, both);
	open = peer_dial(place);
	backend_await_clients(b, 1);
	reload(p, plain);
	assert_int_equal(stat(path, &st), -1);
	reload(p, both);
	/* Now the first configuration has lost its last client. */
	peer_send(open, "hello", 5);
	peer_end(open);
	assert_string_equal(peer_hear(open), backend_answer(b, "hello", 5));
	proc_line(p, "closed ", 0);
	reload(p, both);
	assert_served(place, b);
	program_stop(p);
	assert_int_equal(stat(path, &st), -1);
}

static void the_mode_of_a_socket_file_changes(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *path = program_file("web.sock");
	const char *place = scrap("unix:%s", path);
	const char *text = relay("a", place, backend_where(b));
	struct proc *p = start(NULL, text);
	struct stat st;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	reload(p, scrap("%sunix-mode = 0666\n", text));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0666);
	reload(p, text);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_served(place, b);
	/* A file that is another's by now is left alone. */
	assert_int_equal(unlink(path), 0);
	peer_listen(place);
	assert_int_equal(chmod(path, 0640), 0);
	reload(p, scrap("%sunix-mode = 0666\n", text));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	program_stop(p);
	assert_int_equal(stat(path, &st), 0);
}

static void what_stays_the_same_is_not_complained_of(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *text = scrap("[lowport]\nstatus = this\nthreads = 2\n"
				 "http = unix:%s\nhttp-host = here\n%s",
				 program_file("http"),
				 relay("a", any(), backend_where(b)));
	struct proc *p = start(NULL, text);

	(void)state;
	reload(p, text);
	assert_int_equal(proc_count_lines(p, "stays as it is"), 0);
	reload(p, scrap("[lowport]\nstatus = that\n%s",
			relay("a", any(), backend_where(b))));
	assert_int_equal(proc_count_lines(p, "stays as it is"), 2);
	proc_line(p, "status: stays as it is", 0);
	proc_line(p, "threads: stays as it is", 0);
	program_stop(p);
}

static void a_file_that_never_ends_holds_nobody_up(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *where = any(), *path = program_file("lowport.conf");
	struct proc *p = start(NULL, relay("a", where, backend_where(b)));

	(void)state;
	/* Nobody writes to it. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0666), 0);
	assert_int_equal(chmod(path, 0666), 0);
	proc_signal(p, SIGHUP);
	proc_line(p, "lowport.conf: is a pipe, and did not come to its end", 0);
	proc_line(p, "the configuration stays as it was", refusals++);
	assert_served(where, b);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/dev/zero", path), 0);
	proc_signal(p, SIGHUP);
	proc_line(p, "lowport.conf: is larger than 1 MiB", 0);
	proc_line(p, "the configuration stays as it was", refusals++);
	assert_served(where, b);
	assert_int_equal(unlink(path), 0);
	program_stop(p);
}

#define TEST(name) cmocka_unit_test_teardown(name, program_end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_parked_socket_stays_so_when_a_reload_fails),
		TEST(a_reload_that_fails_loses_no_socket_of_systemd),
		TEST(what_is_served_survives_a_worse_socket_beside_it),
		TEST(what_made_room_comes_back_when_another_fails),
		TEST(a_socket_file_goes_with_its_listener_and_not_later),
		TEST(the_mode_of_a_socket_file_changes),
		TEST(a_file_that_never_ends_holds_nobody_up),
		TEST(what_stays_the_same_is_not_complained_of),
	};

	return cmocka_run_group_tests(tests, program_set_up, program_tear_down);
}
