#include "process/app.h"
#include "process/nginx.h"
#include "process/program.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { ROUNDS_LEAST = 10 };

static unsigned reloads; /* of the program of this test */

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

/* A relay between two ports. */
static const char *relay(const char *name, const char *listen, const char *to)
{
	return scrap("[relay %s]\nlisten = %s\nto = %s\n", name, listen, to);
}

static struct proc *start(const char *text)
{
	reloads = 0;
	return RUN("-c", write_config(text));
}

/* Have it read this. */
static void reload(struct proc *p, const char *text)
{
	write_config(text);
	proc_signal(p, SIGHUP);
	proc_line(p, "the new configuration is in force", reloads++);
}

static void refuse(struct proc *p, const char *text, const char *why)
{
	write_config(text);
	proc_signal(p, SIGHUP);
	proc_line(p, why, 0);
	proc_line(p, "the configuration stays as it was", 0);
}

static const char *any(unsigned port)
{
	return scrap("127.0.0.1:%u", port);
}

/* Two that are free. */
static void any_two(const char *out[2])
{
	unsigned first = peer_free_port();
	int fd = peer_listen(scrap("0.0.0.0:%u", first));

	out[0] = any(first);
	out[1] = any(peer_free_port());
	peer_close(fd);
}

static void assert_refused(const char *where)
{
	assert_int_equal(peer_try_dial(where), -1);
	assert_int_equal(errno, ECONNREFUSED);
}

static void listeners_come_and_go_and_stay(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *to = backend_where(b);
	const char *at[2], *stays, *goes, *comes;
	struct proc *p;
	int open;

	(void)state;
	any_two(at);
	stays = at[0];
	goes = at[1];
	p = start(scrap("%s%s", relay("a", stays, to), relay("b", goes, to)));
	open = peer_dial(goes);
	backend_await_clients(b, 1);
	comes = any(peer_free_port());
	reload(p, scrap("%s%s", relay("c", comes, to), relay("a", stays, to)));
	proc_line(p, scrap("no longer listening on %s", goes), 0);
	proc_line(p, scrap("listening on %s -> %s", comes, to), 0);
	assert_served(stays, b);
	assert_served(comes, b);
	assert_refused(goes);
	/* Its listener is gone, and it lives on. */
	peer_send(open, "hello", 5);
	peer_end(open);
	assert_string_equal(peer_hear(open), backend_answer(b, "hello", 5));
	/* And back again, now that nobody is left of what was before. */
	reload(p, scrap("%s%s", relay("a", stays, to), relay("b", goes, to)));
	assert_served(goes, b);
	assert_refused(comes);
	/* What stayed was never opened anew. */
	assert_int_equal(
		proc_count_lines(p, scrap("info listening on %s", stays)), 1);
	program_stop(p);
}

static void connections_live_on_with_what_they_started_with(void **state)
{
	struct backend *one = backend_start("127.0.0.1:0", "one"),
		       *two = backend_start("127.0.0.1:0", "two");
	const char *where = any(peer_free_port());
	struct proc *p = start(relay("a", where, backend_where(one)));
	int open = peer_dial(where), more;

	(void)state;
	backend_await_clients(one, 1);
	reload(p, scrap("%sidle-timeout = 50ms\n",
			relay("a", where, backend_where(two))));
	more = peer_dial(where);
	backend_await_clients(two, 1);
	assert_string_equal(peer_hear(more), "reset");
	proc_line(p, "why=idle", 0);
	peer_send(open, "hello", 5);
	peer_end(open);
	assert_string_equal(peer_hear(open), backend_answer(one, "hello", 5));
	assert_int_equal(proc_count_lines(p, "why=idle"), 1);
	program_stop(p);
}

static void a_mistake_leaves_all_as_it_was(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *at[2], *where, *other, *to = backend_where(b);
	int held = peer_listen("127.0.0.1:0");
	struct proc *p;

	(void)state;
	any_two(at);
	where = at[0];
	other = at[1];
	p = start(relay("a", where, to));
	refuse(p, scrap("%sidle-timeout = never\n", relay("b", other, to)),
	       "lowport.conf:4: idle-timeout: \"never\" is not a duration");
	assert_served(where, b);
	assert_refused(other);
	/* What could be opened is closed again. */
	write_config(scrap("%s%s", relay("b", other, to),
			   relay("c", peer_where(held), to)));
	proc_signal(p, SIGHUP);
	proc_line(p, "the configuration stays as it was", 1);
	proc_line(p, scrap("%s: another program holds", peer_where(held)), 0);
	assert_served(where, b);
	assert_refused(other);
	/* And what leads back to itself is found before anyone comes. */
	write_config(
		scrap("%s%s", relay("a", where, to), relay("b", other, other)));
	proc_signal(p, SIGHUP);
	proc_line(p, "the configuration stays as it was", 2);
	proc_line(p, "that is the listener", 0);
	assert_served(where, b);
	assert_refused(other);
	reload(p, relay("a", other, to));
	assert_served(other, b);
	program_stop(p);
}

static void one_port_may_move_to_another_address(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *to = backend_where(b);
	unsigned port = peer_free_port();
	const char *one = any(port), *all = scrap("*:%u", port);
	const char *held = scrap("127.0.0.2:%u", port);
	struct proc *p = start(relay("a", one, to));
	int other;

	(void)state;
	reload(p, relay("a", all, to));
	assert_served(one, b);
	assert_served(held, b);
	reload(p, relay("a", one, to));
	assert_served(one, b);
	assert_refused(held);
	/* Where it cannot, the one before is opened again. */
	other = peer_listen(held);
	refuse(p, relay("a", all, to), "another program holds this port");
	assert_served(one, b);
	peer_close(other);
	reload(p, relay("a", all, to));
	assert_served(held, b);
	program_stop(p);
}

static void a_socket_that_was_handed_over_can_be_wanted_again(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	int fds[] = {peer_listen("127.0.0.1:0"), peer_listen("127.0.0.1:0")};
	struct proc_options opt = {
		.fds = fds, .fd_count = 2, .activated = "one:two"};
	const char *to = backend_where(b), *both;
	struct proc *p;
	int waits;

	(void)state;
	reloads = 0;
	both = scrap("%s%s", relay("a", "systemd:one", to),
		     relay("b", "systemd:two", to));
	p = RUN_WITH(&opt, "-c", write_config(both));
	assert_served(peer_where(fds[1]), b);
	reload(p, relay("a", "systemd:one", to));
	proc_line(p, scrap("no longer accepting on %s", peer_where(fds[1])), 0);
	waits = peer_dial(peer_where(fds[1]));
	peer_send(waits, "hello", 5);
	peer_end(waits);
	assert_served(peer_where(fds[0]), b);
	/* A reload that changes nothing changes nothing for those who wait. */
	reload(p, relay("a", "systemd:one", to));
	assert_served(peer_where(fds[0]), b);
	assert_true(peer_is_silent(waits, 50));
	reload(p, both);
	assert_string_equal(peer_hear(waits), backend_answer(b, "hello", 5));
	/* By another name, too. */
	reload(p, relay("a", "systemd", to));
	assert_served(peer_where(fds[0]), b);
	assert_served(peer_where(fds[1]), b);
	program_stop(p);
}

static void a_command_that_stays_the_same_runs_on(void **state)
{
	const char *where, *text;
	struct proc *p;
	pid_t pid;

	(void)state;
	app_need();
	where = any(peer_free_port());
	text = scrap("[relay app]\nlisten = %s\nexec = %s\n", where,
		     app_command(""));
	p = start(text);
	pid = app_ask(where);
	reload(p, scrap("%sidle-timeout = 1h\n", text));
	assert_int_equal(app_ask(where), pid);
	/* Another command is another backend; the one before is ended. */
	reload(p, scrap("[relay app]\nlisten = %s\nexec = %s\n", where,
			app_command("--loud")));
	app_await_gone(pid);
	assert_int_not_equal(app_ask(where), pid);
	program_stop(p);
}

static void each_relay_keeps_its_own_command(void **state)
{
	const char *at[2], *text;
	struct proc *p;
	pid_t first, second;

	(void)state;
	app_need();
	any_two(at);
	text = scrap("[relay two]\nlisten = %s\nexec = %s\nto = auto\n", at[1],
		     app_command(""));
	p = start(scrap("[relay one]\nlisten = %s\nexec = %s\nto = auto\n%s",
			at[0], app_command(""), text));
	first = app_ask(at[0]);
	second = app_ask(at[1]);
	proc_line(p, "relay two: started \"python3", 0);
	/* The one that stays stands elsewhere in the file now. */
	reload(p, text);
	app_await_gone(first);
	assert_int_equal(app_ask(at[1]), second);
	program_stop(p);
}

static void what_cannot_change_is_said(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *where = any(peer_free_port()), *to = backend_where(b);
	struct proc *p = start(relay("a", where, to));

	(void)state;
	reload(p, scrap("[lowport]\nthreads = 2\nlog-level = debug\n%s",
			relay("a", where, to)));
	proc_line(p, "threads: stays as it is until lowport starts anew", 0);
	assert_int_equal(proc_count_lines(p, "log-level: stays"), 0);
	assert_served(where, b);
	program_stop(p);
}

static void a_log_level_changes(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *where = any(peer_free_port()), *to = backend_where(b);
	struct proc *p = start(relay("a", where, to));

	(void)state;
	reload(p, scrap("%saccess-log = off\n", relay("a", where, to)));
	assert_served(where, b);
	reload(p, relay("a", where, to));
	assert_served(where, b);
	proc_line(p, " client=", 0);
	program_stop(p);
	assert_int_equal(proc_count_lines(p, " client="), 1);
}

/* Reload for as long as the load lasts. Returns how often. */
static unsigned reload_under(struct proc *load, struct proc *p,
			     const char *const texts[2])
{
	unsigned rounds = 0;

	while (proc_runs(load) || rounds < ROUNDS_LEAST)
		reload(p, texts[rounds++ % 2]);
	return rounds;
}

static void load_it(bool keep)
{
	int listener = peer_listen("127.0.0.1:0");
	const char *to = peer_where(listener);
	const char *at[2], *where, *other;
	const char *header = keep ? "X-Nothing: 1" : "Connection: close";
	const char *texts[2];
	struct proc *p, *load;
	FILE *small = nginx_file("small");

	fputs("hello\n", small);
	fclose(small);
	nginx_start(listener);
	any_two(at);
	where = at[0];
	other = at[1];
	texts[0] = scrap("%sidle-timeout = 1h\n%s", relay("b", where, to),
			 relay("c", other, to));
	texts[1] = relay("a", where, to);
	p = start(texts[1]);
	load = proc_start((const char *const[]){"wrk", "-t1", "-c32", "-d2s",
						"-H", header,
						scrap("http://%s/small", where),
						NULL},
			  NULL);
	print_message("%u reloads\n", reload_under(load, p, texts));
	proc_end(load, 0);
	assert_says(proc_out(load), "requests in ");
	assert_null(strstr(proc_out(load), "Socket errors"));
	assert_null(strstr(proc_out(load), "Non-2xx"));
	program_stop(p);
}

static void nobody_notices_under_load(void **state)
{
	(void)state;
	nginx_need();
	program_need("wrk", "wrk");
	load_it(true);
}

static void nobody_notices_who_comes_anew_each_time(void **state)
{
	(void)state;
	nginx_need();
	program_need("wrk", "wrk");
	load_it(false);
}

#define TEST(name) cmocka_unit_test_teardown(name, program_end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(listeners_come_and_go_and_stay),
		TEST(connections_live_on_with_what_they_started_with),
		TEST(a_mistake_leaves_all_as_it_was),
		TEST(one_port_may_move_to_another_address),
		TEST(a_socket_that_was_handed_over_can_be_wanted_again),
		TEST(a_command_that_stays_the_same_runs_on),
		TEST(each_relay_keeps_its_own_command),
		TEST(what_cannot_change_is_said),
		TEST(a_log_level_changes),
		TEST(nobody_notices_under_load),
		TEST(nobody_notices_who_comes_anew_each_time),
	};

	return cmocka_run_group_tests(tests, program_set_up, program_tear_down);
}
