#include "process/network.h"
#include "process/program.h"

#include <errno.h>
#include <net/if.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* --listen if:wg0:8000 in a network of the test's own, where wg0 and eth0 lead
 * to another, the one beyond. The program is an ordinary user's. */

#define HERE4       "10.8.0.1"
#define HERE6       "fd00:8::1"
#define OTHER       "10.9.0.1"
#define BEYOND4     "10.8.0.2"
#define BEYOND6     "fd00:8::2"
#define FOLLOWED    "if:wg0:8000"
#define AT(address) address ":8000"

static const char *missing; /* what this test needs and has not */
static int here, beyond;
static struct backend *web;

static int set_up(void **state)
{
	missing = network_set_up();
	return program_set_up(state);
}

static void need_network(void)
{
	if (missing)
		program_skip(missing);
	beyond = network_new();
	here = network_new();
	web = backend_start("127.0.0.1:0", "web");
}

/* As the machine beyond sees it. */
static int dial_from_beyond(const char *where)
{
	int fd, error;

	network_go(beyond);
	fd = peer_try_dial(where);
	error = errno;
	network_go(here);
	errno = error;
	return fd;
}

static void ask_from_beyond(const char *where, struct backend *b)
{
	const char *answer;

	network_go(beyond);
	answer = peer_ask(where, "hello");
	network_go(here);
	assert_string_equal(answer, backend_answer(b, "hello", 5));
}

static void assert_refused_beyond(const char *where)
{
	assert_int_equal(dial_from_beyond(where), -1);
	assert_int_equal(errno, ECONNREFUSED);
}

static void lay(const char *name, const char *name_there)
{
	network_cable(name, beyond, name_there);
	IP("link", "set", name, "up");
	network_go(beyond);
	IP("link", "set", name_there, "up");
	network_go(here);
}

static void give_beyond(const char *address, const char *interface)
{
	network_go(beyond);
	if (strchr(address, ':'))
		IP("address", "add", address, "dev", interface, "nodad");
	else
		IP("address", "add", address, "dev", interface);
	network_go(here);
}

static void lay_wg0(void)
{
	lay("wg0", "w1");
	give_beyond(BEYOND4 "/24", "w1");
	give_beyond(BEYOND6 "/64", "w1");
}

static void add4(const char *interface, const char *address)
{
	IP("address", "add", scrap("%s/24", address), "dev", interface);
}

static void add6(const char *interface, const char *address)
{
	IP("address", "add", scrap("%s/64", address), "dev", interface,
	   "nodad");
}

static void del(const char *interface, const char *address)
{
	IP("address", "del",
	   scrap("%s/%s", address, strchr(address, ':') ? "64" : "24"), "dev",
	   interface);
}

static struct proc *start(const char *listen)
{
	return program_start(
		(const char *const[]){"run", "--listen", listen, "--to",
				      backend_where(web), "--log-level",
				      "debug", "--drain-timeout", "0", NULL},
		NULL);
}

static void await_listening(struct proc *p, const char *where, unsigned index)
{
	proc_line(p, scrap("listening on %s -> ", where), index);
}

static void await_lost(struct proc *p, const char *where, unsigned index)
{
	proc_line(p, scrap("no longer listening on %s: wg0 has lost it", where),
		  index);
}

static void an_interface_that_is_not_there_yet_is_waited_for(void **state)
{
	struct proc *p;

	(void)state;
	need_network();
	p = start(FOLLOWED);
	proc_line(p, "there is no interface wg0 yet; waiting for it", 0);
	lay_wg0();
	add4("wg0", HERE4);
	await_listening(p, AT(HERE4), 0);
	ask_from_beyond(AT(HERE4), web);
	add6("wg0", HERE6);
	await_listening(p, AT("[" HERE6 "]"), 0);
	ask_from_beyond(AT("[" HERE6 "]"), web);
	program_stop(p);
}

static void all_that_it_has_at_the_start_is_served(void **state)
{
	struct proc *p;

	(void)state;
	need_network();
	lay_wg0();
	add4("wg0", HERE4);
	add4("wg0", "10.8.0.9");
	add6("wg0", HERE6);
	p = start(FOLLOWED);
	await_listening(p, AT(HERE4), 0);
	await_listening(p, AT("10.8.0.9"), 0);
	await_listening(p, AT("[" HERE6 "]"), 0);
	ask_from_beyond(AT(HERE4), web);
	ask_from_beyond(AT("10.8.0.9"), web);
	ask_from_beyond(AT("[" HERE6 "]"), web);
	assert_int_equal(proc_count_lines(p, "waiting"), 0);
	assert_int_equal(proc_count_lines(p, "fe80:"), 0);
	/* This machine reaches them too, and nowhere else. */
	assert_served(AT(HERE4), web);
	assert_served(AT("[" HERE6 "]"), web);
	assert_int_equal(peer_try_dial(AT("127.0.0.1")), -1);
	program_stop(p);
}

static void an_address_with_a_label_is_one_of_it(void **state)
{
	struct proc *p;

	(void)state;
	need_network();
	lay_wg0();
	IP("address", "add", HERE4 "/24", "dev", "wg0", "label", "wg0:1");
	p = start(FOLLOWED);
	await_listening(p, AT(HERE4), 0);
	ask_from_beyond(AT(HERE4), web);
	program_stop(p);
}

static void connections_outlive_the_address_that_goes(void **state)
{
	int listener, client, backend;
	char heard[8] = "";
	struct proc *p;

	(void)state;
	need_network();
	lay_wg0();
	add4("wg0", HERE4);
	add4("wg0", "10.8.0.9");
	listener = peer_listen("127.0.0.1:0");
	p = program_start((const char *const[]){"run", "--listen", FOLLOWED,
						"--to", peer_where(listener),
						NULL},
			  NULL);
	await_listening(p, AT(HERE4), 0);
	await_listening(p, AT("10.8.0.9"), 0);
	client = dial_from_beyond(AT(HERE4));
	assert_true(client >= 0);
	backend = peer_accept(listener);
	/* Of two in a subnet the first takes the second along. */
	IP("address", "del", HERE4 "/24", "dev", "wg0");
	await_lost(p, AT(HERE4), 0);
	add4("wg0", HERE4);
	await_listening(p, AT(HERE4), 1);
	peer_send(client, "hello", 5);
	assert_int_equal(recv(backend, heard, 5, MSG_WAITALL), 5);
	assert_string_equal(heard, "hello");
	peer_end(client);
	assert_string_equal(peer_hear(backend), "");
	peer_close(backend);
	assert_string_equal(peer_hear(client), "");
	assert_says(proc_line(p, "closed client=", 0), " why=done");
	program_stop(p);
}

static void an_interface_that_is_made_again_is_served_again(void **state)
{
	struct proc *p;

	(void)state;
	need_network();
	lay_wg0();
	add4("wg0", HERE4);
	p = start(FOLLOWED);
	for (unsigned i = 0; i < 3; i++) {
		await_listening(p, AT(HERE4), i);
		ask_from_beyond(AT(HERE4), web);
		/* Sometimes it is back before anyone has looked. */
		IP("link", "del", "wg0");
		if (i > 0)
			await_lost(p, AT(HERE4), i);
		lay_wg0();
		add4("wg0", HERE4);
	}
	await_listening(p, AT(HERE4), 3);
	ask_from_beyond(AT(HERE4), web);
	program_stop(p);
}

/* The same address at once, but nobody hears what was bound to the first. */
static void another_interface_of_its_name_is_not_it(void **state)
{
	struct proc *p;

	(void)state;
	need_network();
	lay("wg0", "w1");
	add4("wg0", HERE4);
	lay("spare", "w2");
	add4("spare", HERE4);
	p = start(FOLLOWED);
	await_listening(p, AT(HERE4), 0);
	network_run((const char *const[]){
		"sh", "-c",
		"printf '%s\n' 'link set wg0 down' 'link set spare down' "
		"'link set wg0 name old' 'link set spare name wg0' "
		"'link set wg0 up' | ip -batch -",
		NULL});
	await_lost(p, AT(HERE4), 0);
	await_listening(p, AT(HERE4), 1);
	give_beyond(BEYOND4 "/24", "w2");
	ask_from_beyond(AT(HERE4), web);
	program_stop(p);
}

/* Of IPv6, no address comes or goes with the name. */
static void one_that_gets_another_name_is_not_it_any_more(void **state)
{
	struct proc *p;

	(void)state;
	need_network();
	network_cable("wg0", beyond, "w1");
	IP("link", "set", "wg0", "addrgenmode", "none");
	IP("link", "set", "wg0", "up");
	add6("wg0", HERE6);
	p = start(FOLLOWED);
	await_listening(p, AT("[" HERE6 "]"), 0);
	network_run((const char *const[]){
		"sh", "-c", "ip link set wg0 name wg7 || true", NULL});
	if (if_nametoindex("wg7") == 0)
		program_skip("a system that renames what is up (Linux 6.2)");
	await_lost(p, AT("[" HERE6 "]"), 0);
	IP("link", "set", "wg7", "name", "wg0");
	await_listening(p, AT("[" HERE6 "]"), 1);
	program_stop(p);
}

static void cross_over(void)
{
	lay("eth0", "e1");
	add4("eth0", OTHER);
	give_beyond("10.9.0.2/24", "e1");
	network_go(beyond);
	IP("route", "add", HERE4 "/32", "via", OTHER, "dev", "e1", "src",
	   "10.9.0.2");
	network_go(here);
}

/* The weak host model: Linux takes a packet for any address of its own,
 * whichever interface it comes through. */
static void through_another_interface_its_address_is_refused(void **state)
{
	struct proc *p, *bound;

	(void)state;
	need_network();
	lay_wg0();
	add4("wg0", HERE4);
	p = start(FOLLOWED);
	await_listening(p, AT(HERE4), 0);
	ask_from_beyond(AT(HERE4), web);
	cross_over();
	assert_refused_beyond(AT(HERE4));
	/* The way there is open: a listener that has only the address is
	 * reached. */
	bound = RUN("--listen", HERE4 ":8001", "--to", backend_where(web));
	ask_from_beyond(HERE4 ":8001", web);
	program_stop(bound);
	program_stop(p);
}

static void two_interfaces_have_a_backend_each(void **state)
{
	struct backend *other;
	struct proc *p;

	(void)state;
	need_network();
	other = backend_start("127.0.0.1:0", "other");
	lay_wg0();
	lay("eth0", "e1");
	give_beyond("10.9.0.2/24", "e1");
	p = program_start((const char *const[]){"run", "--listen", FOLLOWED,
						"--to", backend_where(web),
						"--listen", "if:eth0:8000",
						"--to", backend_where(other),
						NULL},
			  NULL);
	proc_line(p, "wg0 has no address yet", 0);
	add4("eth0", OTHER);
	await_listening(p, AT(OTHER), 0);
	add4("wg0", HERE4);
	await_listening(p, AT(HERE4), 0);
	ask_from_beyond(AT(OTHER), other);
	ask_from_beyond(AT(HERE4), web);
	IP("link", "del", "wg0");
	await_lost(p, AT(HERE4), 0);
	ask_from_beyond(AT(OTHER), other);
	program_stop(p);
}

static void link_local_addresses_are_served_where_they_are_wanted(void **state)
{
	struct proc *p;

	(void)state;
	need_network();
	lay("wg0", "w1");
	add6("wg0", "fe80::1");
	give_beyond("fe80::2/64", "w1");
	p = start("if:wg0+ll:8000");
	await_listening(p, scrap("[fe80::1%%%u]:8000", if_nametoindex("wg0")),
			0);
	network_go(beyond);
	assert_served("[fe80::1%w1]:8000", web);
	network_go(here);
	program_stop(p);
}

static void
an_address_that_is_still_checked_is_tried_until_it_can_be_had(void **state)
{
	struct proc *p;

	(void)state;
	need_network();
	lay_wg0();
	p = start(FOLLOWED);
	proc_line(p, "waiting", 0);
	IP("address", "add", HERE6 "/64", "dev", "wg0");
	proc_line(p, "cannot be bound yet", 0);
	await_listening(p, AT("[" HERE6 "]"), 0);
	ask_from_beyond(AT("[" HERE6 "]"), web);
	assert_int_equal(proc_count_lines(p, "cannot be bound yet"), 1);
	assert_int_equal(proc_count_lines(p, " error "), 0);
	program_stop(p);
}

/* Nothing changes on lo: it is tried again all the same. */
static void one_that_another_holds_is_said_once_and_tried_again(void **state)
{
	struct proc *p;
	int held;

	(void)state;
	need_network();
	held = peer_listen(AT("127.0.0.1"));
	p = start("if:lo:8000");
	proc_line(p,
		  " error if:lo:8000: " AT(
			  "127.0.0.1") ": another program holds this port.",
		  0);
	await_listening(p, AT("[::1]"), 0);
	assert_served(AT("[::1]"), web);
	peer_close(held);
	await_listening(p, AT("127.0.0.1"), 0);
	assert_served(AT("127.0.0.1"), web);
	assert_int_equal(proc_count_lines(p, " error "), 1);
	program_stop(p);
}

static void a_low_port_is_refused_with_the_way_to_have_it(void **state)
{
	struct proc *p;

	(void)state;
	need_network();
	p = start("if:wg0:80");
	proc_end(p, 1);
	assert_says(proc_err(p), "if:wg0:80: this user may not bind a port");
	assert_says(proc_err(p),
		    scrap("sudo lowport install --listen if:wg0:80 "
			  "--to %s",
			  backend_where(web)));
}

/* A socket that was handed over, on all addresses. */
static struct proc *start_handed_over(const char *bound, const char *listen)
{
	int fd = peer_listen(bound);
	struct proc_options opt = {
		.fds = &fd, .fd_count = 1, .activated = "web"};
	struct proc *p =
		RUN_WITH(&opt, "--listen", listen, "--to", backend_where(web));

	peer_close(fd);
	return p;
}

static void assert_sent_away_beyond(const char *where)
{
	int fd = dial_from_beyond(where);

	/* A reset is told to whichever call comes first. */
	if (fd >= 0)
		assert_string_equal(peer_hear(fd), "reset");
	else
		assert_int_equal(errno, ECONNRESET);
}

static void a_socket_that_was_handed_over_serves_what_it_has_now(void **state)
{
	struct proc *p;

	(void)state;
	need_network();
	lay_wg0();
	lay("eth0", "e1");
	give_beyond("10.9.0.2/24", "e1");
	add4("eth0", OTHER);
	p = start_handed_over("0.0.0.0:80", "systemd:web@if:wg0:80");
	proc_line(p, "for clients at an address of wg0 only", 0);
	assert_sent_away_beyond(OTHER ":80");
	add4("wg0", HERE4);
	proc_line(p, HERE4 " is there: its clients are served", 0);
	ask_from_beyond(HERE4 ":80", web);
	assert_served(HERE4 ":80", web);
	assert_sent_away_beyond(OTHER ":80");
	del("wg0", HERE4);
	proc_line(p, HERE4 " has gone: its clients are sent away", 0);
	add4("eth0", HERE4);
	network_go(beyond);
	IP("route", "add", HERE4 "/32", "dev", "e1");
	network_go(here);
	assert_sent_away_beyond(HERE4 ":80");
	program_stop(p);
}

static void nor_is_one_let_in_through_another_interface(void **state)
{
	struct proc *p;

	(void)state;
	need_network();
	lay_wg0();
	add4("wg0", HERE4);
	add6("wg0", HERE6);
	p = start_handed_over("[::]:80", "fd:3@if:wg0");
	proc_line(p, HERE4 " is there", 0);
	proc_line(p, HERE6 "] is there", 0);
	ask_from_beyond(HERE4 ":80", web);
	ask_from_beyond("[" HERE6 "]:80", web);
	assert_served("[" HERE6 "]:80", web);
	cross_over();
	add6("eth0", "fd00:9::1");
	give_beyond("fd00:9::2/64", "e1");
	network_go(beyond);
	IP("-6", "route", "add", HERE6 "/128", "via", "fd00:9::1", "dev", "e1",
	   "src", "fd00:9::2");
	network_go(here);
	assert_sent_away_beyond(HERE4 ":80");
	assert_sent_away_beyond("[" HERE6 "]:80");
	program_stop(p);
}

static void a_socket_of_another_port_or_family_is_refused(void **state)
{
	const char *path = program_file("web.sock");
	int fds[2];
	struct proc *p;

	(void)state;
	need_network();
	fds[0] = peer_listen("0.0.0.0:8080");
	fds[1] = peer_listen(scrap("unix:%s", path));
	p = program_start((const char *const[]){"run", "--listen",
						"fd:3@if:wg0:80", "--listen",
						"fd:4@if:wg0", "--to", "80",
						NULL},
			  &(struct proc_options){.fds = fds, .fd_count = 2});
	proc_end(p, 1);
	assert_says(proc_err(p), "is bound to 0.0.0.0:8080; expected a TCP "
				 "port, 80");
	assert_says(proc_err(p), scrap("is bound to unix:%s; expected a TCP "
				       "port",
				       path));
}

static void nothing_is_followed_once_it_is_told_to_stop(void **state)
{
	int listener, client, backend;
	struct proc *p;

	(void)state;
	need_network();
	lay_wg0();
	add4("wg0", HERE4);
	listener = peer_listen("127.0.0.1:0");
	p = program_start((const char *const[]){"run", "--listen", FOLLOWED,
						"--to", peer_where(listener),
						NULL},
			  NULL);
	await_listening(p, AT(HERE4), 0);
	client = dial_from_beyond(AT(HERE4));
	backend = peer_accept(listener);
	proc_signal(p, SIGTERM);
	proc_line(p, "SIGTERM", 0);
	add4("wg0", "10.8.0.9");
	assert_refused_beyond(AT("10.8.0.9"));
	peer_close(backend);
	assert_string_equal(peer_hear(client), "");
	peer_close(client);
	proc_end(p, 0);
	assert_int_equal(proc_count_lines(p, "10.8.0.9"), 0);
}

/* As an address that comes and goes for years. */
static void no_descriptor_is_left_of_listeners_that_went(void **state)
{
	enum { ROUNDS = 10 };
	struct proc *p;
	int before;

	(void)state;
	need_network();
	lay_wg0();
	add4("wg0", HERE4);
	p = start(FOLLOWED);
	await_listening(p, AT(HERE4), 0);
	ask_from_beyond(AT(HERE4), web);
	proc_line(p, "closed client=", 0);
	before = program_descriptors(p, "socket:");
	for (unsigned i = 0; i < ROUNDS; i++) {
		del("wg0", HERE4);
		await_lost(p, AT(HERE4), i);
		add4("wg0", HERE4);
		await_listening(p, AT(HERE4), i + 1);
	}
	assert_served(AT(HERE4), web);
	proc_line(p, "closed client=", 1);
	assert_int_equal(program_descriptors(p, "socket:"), before);
	program_stop(p);
}

static int end_test(void **state)
{
	int err = program_end_test(state);

	networks_close();
	return err;
}

#define TEST(name) cmocka_unit_test_teardown(name, end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_interface_that_is_not_there_yet_is_waited_for),
		TEST(all_that_it_has_at_the_start_is_served),
		TEST(an_address_with_a_label_is_one_of_it),
		TEST(connections_outlive_the_address_that_goes),
		TEST(an_interface_that_is_made_again_is_served_again),
		TEST(another_interface_of_its_name_is_not_it),
		TEST(one_that_gets_another_name_is_not_it_any_more),
		TEST(through_another_interface_its_address_is_refused),
		TEST(two_interfaces_have_a_backend_each),
		TEST(link_local_addresses_are_served_where_they_are_wanted),
		TEST(an_address_that_is_still_checked_is_tried_until_it_can_be_had),
		TEST(one_that_another_holds_is_said_once_and_tried_again),
		TEST(a_low_port_is_refused_with_the_way_to_have_it),
		TEST(a_socket_that_was_handed_over_serves_what_it_has_now),
		TEST(nor_is_one_let_in_through_another_interface),
		TEST(a_socket_of_another_port_or_family_is_refused),
		TEST(nothing_is_followed_once_it_is_told_to_stop),
		TEST(no_descriptor_is_left_of_listeners_that_went),
	};

	return cmocka_run_group_tests(tests, set_up, program_tear_down);
}
