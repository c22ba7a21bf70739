#include "process/activator.h"

#include <errno.h>
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

/* One file, whoever binds the sockets: --take. */

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

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

static const char *relay(const char *name, const char *listen, const char *to)
{
	return scrap("[relay %s]\nlisten = %s\nto = %s\n", name, listen, to);
}

static const char *two(const char *first, const char *second, const char *to)
{
	return scrap("%s%s", relay("a", first, to), relay("b", second, to));
}

/* A program that has been handed these, which its file may name. */
static struct proc *start(const int fds[], unsigned count, const char *names,
			  const char *text)
{
	struct proc_options opt = {
		.fds = fds, .fd_count = count, .activated = names};

	reloads = 0;
	return RUN_WITH(&opt, "-c", write_config(text), "--take", "systemd");
}

static void reload(struct proc *p, const char *text)
{
	write_config(text);
	proc_signal(p, SIGHUP);
	proc_line(p, "the new configuration is in force", reloads++);
}

static const char *refusal(const struct proc_options *opt, const char *text)
{
	struct proc *p = program_start(ARGV("run", "-c", write_config(text),
					    "--take", "systemd"),
				       opt);

	proc_end(p, 1);
	return proc_err(p);
}

static void
sockets_of_systemd_go_to_the_listeners_of_their_addresses(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	struct backend *api = backend_start("127.0.0.1:0", "api");
	const char *at[3];
	int held[3];
	struct proc *p;

	(void)state;
	for (int i = 0; i < 3; i++) {
		at[i] = activated_where();
		held[i] = peer_listen(at[i]);
	}
	for (int i = 0; i < 3; i++)
		peer_close(held[i]);
	write_config(scrap("%s%s", relay("api", at[1], backend_where(api)),
			   relay("web", at[0], backend_where(b))));
	p = activate(ARGV("-l", at[0], "-l", at[1], "-l", at[2],
			  "--fdname=one:two:three"),
		     ARGV("-c", program_file("lowport.conf"), "--take",
			  "systemd:one", "--take", "systemd:two", "--take",
			  "systemd:three"));
	assert_served(at[0], b);
	assert_served(at[1], api);
	proc_line(p,
		  scrap("systemd handed over %s, where no listener is wanted "
			"(--take systemd:three): its clients will wait",
			at[2]),
		  0);
	program_stop(p);
	assert_int_equal(proc_count_lines(p, "no --listen takes"), 0);
	assert_int_equal(proc_count_lines(p, "where no listener"), 1);
}

static void the_same_file_binds_where_nobody_hands_over(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	int fd = peer_listen("127.0.0.1:0");
	const char *where = peer_where(fd), *to = backend_where(b);
	struct proc *p = start(&fd, 1, "web", relay("a", where, to));

	(void)state;
	assert_served(where, b);
	program_stop(p);
	peer_close(fd);
	p = RUN("-c", program_file("lowport.conf"));
	assert_served(where, b);
	program_stop(p);
}

static void what_is_given_up_waits_and_can_be_taken_again(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	int fds[] = {peer_listen("127.0.0.1:0"), peer_listen("127.0.0.1:0")};
	const char *to = backend_where(b);
	const char *stays = peer_where(fds[0]), *goes = peer_where(fds[1]);
	const char *one = relay("a", stays, to), *both = two(stays, goes, to);
	struct proc *p = start(fds, 2, "one:two", both);
	int waits;

	(void)state;
	assert_served(goes, b);
	reload(p, one);
	proc_line(p, scrap("no longer accepting on %s", goes), 0);
	assert_int_equal(proc_count_lines(p, "where no listener"), 0);
	waits = peer_dial(goes);
	peer_send(waits, "hello", 5);
	peer_end(waits);
	assert_served(stays, b);
	/* From now on it is one that nobody takes. */
	reload(p, one);
	proc_line(p, scrap("systemd handed over %s, where no", goes), 0);
	assert_true(peer_is_silent(waits, 50));
	reload(p, both);
	assert_string_equal(peer_hear(waits), backend_answer(b, "hello", 5));
	assert_served(goes, b);
	assert_served(stays, b);
	program_stop(p);
	/* They are whoever's handed them over. */
	assert_in_range(peer_try_dial(goes), 0, INT32_MAX);
}

static void what_was_not_wanted_at_first_can_be_taken_later(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	int fds[] = {peer_listen("127.0.0.1:0"), peer_listen("127.0.0.1:0")};
	int held = peer_listen("127.0.0.1:0");
	const char *to = backend_where(b), *first = peer_where(fds[0]);
	const char *later = peer_where(fds[1]);
	struct proc *p = start(fds, 2, "one:two", relay("a", first, to));

	(void)state;
	/* Nothing is lost by a reload that fails. */
	for (unsigned i = 0; i < 3; i++) {
		write_config(scrap("%s%s", two(first, later, to),
				   relay("c", peer_where(held), to)));
		proc_signal(p, SIGHUP);
		proc_line(p, "the configuration stays as it was", i);
	}
	reload(p, two(first, later, to));
	assert_served(later, b);
	assert_served(first, b);
	/* By another relay, and back. */
	reload(p, two(later, first, to));
	assert_served(later, b);
	assert_served(first, b);
	program_stop(p);
}

static void one_that_did_not_come_is_said_with_those_that_did(void **state)
{
	int fds[] = {peer_listen("127.0.0.1:0"), peer_listen("127.0.0.1:0")};
	struct proc_options opt = {
		.fds = fds, .fd_count = 2, .activated = "one:two"};
	FILE *first =
		fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "r");
	const char *said;
	int port = 0;

	(void)state;
	if (first) {
		assert_int_equal(fscanf(first, "%d", &port), 1);
		fclose(first);
	}
	if (port < 2)
		program_skip("a port that needs rights");
	said = refusal(&opt, relay("a", "127.0.0.1:1", "8080"));
	assert_says(said, "127.0.0.1:1: this user may not bind a port below");
	assert_says(said, scrap("systemd handed over %s and %s; add "
				"ListenStream=127.0.0.1:1 to the .socket unit, "
				"or run lowport install again",
				peer_where(fds[0]), peer_where(fds[1])));
}

static void one_port_at_another_address_is_said(void **state)
{
	int fd = peer_listen("0.0.0.0:0");
	struct proc_options opt = {
		.fds = &fd, .fd_count = 1, .activated = "one"};
	const char *where = scrap("127.0.0.1%s", strrchr(peer_where(fd), ':'));

	(void)state;
	assert_says(refusal(&opt, relay("a", where, "8080")),
		    scrap("%s: this port is held, and not at that very "
			  "address.\n  systemd handed over %s; add",
			  where, peer_where(fd)));
}

static void a_number_is_taken_too_and_its_file_left_alone(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *path = scrap("unix:%s", program_file("taken.sock"));
	int fds[] = {peer_listen("127.0.0.1:0"), peer_listen(path)};
	struct proc_options opt = {.fds = fds, .fd_count = 2};
	const char *to = backend_where(b);
	struct stat st, was;
	struct proc *p;

	(void)state;
	assert_int_equal(chmod(program_file("taken.sock"), 0666), 0);
	assert_int_equal(stat(program_file("taken.sock"), &was), 0);
	reloads = 0;
	p = RUN_WITH(&opt, "-c",
		     write_config(two(peer_where(fds[0]), path, to)), "--take",
		     "fd:3", "--take", "fd:4");
	assert_served(peer_where(fds[0]), b);
	assert_served(path, b);
	reload(p, relay("a", peer_where(fds[0]), to));
	assert_int_equal(stat(program_file("taken.sock"), &st), 0);
	reload(p, two(peer_where(fds[0]), path, to));
	assert_served(path, b);
	program_stop(p);
	assert_int_equal(stat(program_file("taken.sock"), &st), 0);
	assert_int_equal(st.st_ino, was.st_ino);
	assert_int_equal(st.st_mode, was.st_mode);
	unlink(program_file("taken.sock"));
}

static void a_socket_for_both_families_is_for_a_star_alone(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	struct proc_options opt = {.fd_count = 1, .activated = "one"};
	const char *to = backend_where(b), *port;
	int fd = peer_try_listen("[::]:0");
	struct proc *p;

	(void)state;
	if (fd < 0)
		program_skip("IPv6");
	opt.fds = &fd;
	port = strrchr(peer_where(fd), ':');
	if (peer_try_listen(scrap("0.0.0.0%s", port)) >= 0)
		program_skip("a socket for both families");
	p = start(&fd, 1, "one", relay("a", scrap("*%s", port), to));
	assert_served(scrap("127.0.0.1%s", port), b);
	assert_served(scrap("[::1]%s", port), b);
	program_stop(p);
	assert_says(refusal(&opt, relay("a", scrap("[::]%s", port), to)),
		    "and not at that very address");
}

static void an_interface_is_served_on_a_socket_for_all_addresses(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	int fd = peer_listen("0.0.0.0:0");
	struct proc_options opt = {
		.fds = &fd, .fd_count = 1, .activated = "one"};
	const char *port = strrchr(peer_where(fd), ':'), *to = backend_where(b);
	const char *text = relay("a", scrap("if:lo%s", port), to);
	struct proc *p = start(&fd, 1, "one", text);

	(void)state;
	assert_served(scrap("127.0.0.1%s", port), b);
	assert_string_equal(peer_hear(peer_dial(scrap("127.0.0.2%s", port))),
			    "reset");
	reload(p, text);
	assert_served(scrap("127.0.0.1%s", port), b);
	assert_int_equal(proc_count_lines(p, "another program"), 0);
	program_stop(p);
	assert_says(refusal(&opt, two(scrap("if:lo%s", port),
				      scrap("if:eth7%s", port), to)),
		    "is served by another listener already");
}

static void an_address_of_an_interface_is_taken_as_well(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	int fd = peer_listen("127.0.0.1:0");
	const char *where = peer_where(fd), *to = backend_where(b);
	struct proc *p =
		start(&fd, 1, "one",
		      relay("a", scrap("if:lo%s", strrchr(where, ':')), to));

	(void)state;
	proc_line(p, scrap("listening on %s", where), 0);
	assert_served(where, b);
	assert_int_equal(proc_count_lines(p, "where no listener"), 0);
	program_stop(p);
}

static void who_may_end_when_idle_has_all_of_it_handed_over(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	int fds[] = {peer_listen("127.0.0.1:0")};
	struct proc_options opt = {
		.fds = fds, .fd_count = 1, .activated = "one"};
	const char *where = peer_where(fds[0]), *to = backend_where(b);
	const char *own = scrap("127.0.0.1:%u", peer_free_port());
	const char *head = "[lowport]\nexit-on-idle = 1h\n";
	struct proc *p = start(fds, 1, "one",
			       scrap("%s%s", head, relay("a", where, to)));

	(void)state;
	assert_served(where, b);
	program_stop(p);
	assert_says(refusal(&opt, scrap("%s%s", head, two(where, own, to))),
		    scrap("exit-on-idle: \"%s\" was not handed over", own));
}

#define TEST(name) cmocka_unit_test_teardown(name, program_end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sockets_of_systemd_go_to_the_listeners_of_their_addresses),
		TEST(the_same_file_binds_where_nobody_hands_over),
		TEST(what_is_given_up_waits_and_can_be_taken_again),
		TEST(what_was_not_wanted_at_first_can_be_taken_later),
		TEST(one_that_did_not_come_is_said_with_those_that_did),
		TEST(one_port_at_another_address_is_said),
		TEST(a_number_is_taken_too_and_its_file_left_alone),
		TEST(a_socket_for_both_families_is_for_a_star_alone),
		TEST(an_interface_is_served_on_a_socket_for_all_addresses),
		TEST(an_address_of_an_interface_is_taken_as_well),
		TEST(who_may_end_when_idle_has_all_of_it_handed_over),
	};

	return cmocka_run_group_tests(tests, program_set_up, program_tear_down);
}
