#include "netns/poor_line.h"
#include "process/network.h"
#include "process/program.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * A WireGuard tunnel: wireguard-go here (wg0) and beyond (wg1), and a cable
 * between the two networks. Here is the relay, an ordinary user's; root holds
 * port 80 at the tunnel's address and hands it over.
 */

#define CABLE_HERE   "192.0.2.1"
#define CABLE_BEYOND "192.0.2.2"
#define HERE         "10.8.0.1"
#define BEYOND       "10.8.0.2"
#define POOR_LINE    "127.0.0.1:51822"

enum { BYTES = 3 << 20, DELAY_MS = 25, LOSE_ONE_IN = 100 };

static const char *missing; /* what this test needs and has not */
static int here, beyond;
static struct proc *device_here;
static struct backend *web;
static struct poor_line *line;

static const char *what_is_missing(void)
{
	static const char *const programs[][2] = {
		{"wireguard-go", "wireguard-go"},
		{"wg", "wg (package wireguard-tools)"},
		{"setpriv", "setpriv (package util-linux)"},
		{"systemd-socket-activate",
		 "systemd-socket-activate (package systemd)"},
	};
	const char *network = network_set_up();
	int tun;

	if (network)
		return network;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (!proc_has(programs[i][0]))
			return programs[i][1];
	tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (tun < 0)
		return "/dev/net/tun, for a tunnel in user space";
	close(tun);
	/* Where wireguard-go has its control sockets, for all networks. */
	if (mount("tmpfs", "/run", "tmpfs", 0, NULL) < 0)
		return "leave to have a /run of its own";
	return NULL;
}

static int set_up(void **state)
{
	missing = what_is_missing();
	return program_set_up(state);
}

/* Sockets of the control of a device that was killed stay in the way. */
static struct proc *start_device(const char *name)
{
	struct proc *p = proc_start(
		(const char *const[]){
			"sh", "-c",
			scrap("rm -f /var/run/wireguard/%s.sock; "
			      "LOG_LEVEL=verbose exec wireguard-go -f %s >&2",
			      name, name),
			NULL},
		NULL);

	proc_line(p, "UAPI listener started", 0);
	return p;
}

static void shell(const char *line_of_it)
{
	network_run((const char *const[]){"sh", "-ec", line_of_it, NULL});
}

static void make_keys(void)
{
	for (int i = 0; i < 2; i++)
		shell(scrap("umask 077; wg genkey >%s; wg pubkey <%s >%s",
			    program_file(scrap("%d.key", i)),
			    program_file(scrap("%d.key", i)),
			    program_file(scrap("%d.pub", i))));
}

static void set_device(const char *name, int own, const char *address,
		       const char *endpoint)
{
	shell(scrap(
		"wg set %s private-key %s listen-port %d peer \"$(cat %s)\" "
		"endpoint %s allowed-ips 10.8.0.0/24",
		name, program_file(scrap("%d.key", own)), 51820 + own,
		program_file(scrap("%d.pub", 1 - own)), endpoint));
	IP("address", "add", scrap("%s/24", address), "dev", name);
	IP("link", "set", name, "up");
}

static void make_device_here(void)
{
	device_here = start_device("wg0");
	set_device("wg0", 0, HERE, CABLE_BEYOND ":51821");
}

/* endpoint is where the machine beyond finds the one here. */
static void make_tunnel(const char *endpoint)
{
	if (missing)
		program_skip(missing);
	beyond = network_new();
	here = network_new();
	network_cable("near", beyond, "far");
	IP("address", "add", CABLE_HERE "/24", "dev", "near");
	IP("link", "set", "near", "up");
	make_keys();
	make_device_here();
	network_go(beyond);
	IP("address", "add", CABLE_BEYOND "/24", "dev", "far");
	IP("link", "set", "far", "up");
	start_device("wg1");
	set_device("wg1", 1, BEYOND, endpoint);
	network_go(here);
	web = backend_start("127.0.0.1:0", "web");
}

/* Root listens at where; the program behind it is an ordinary user's. */
static struct proc *activate(const char *where, const char *listen)
{
	const char *user = scrap("--reuid=%u", proc_user());
	const char *group = scrap("--regid=%u", proc_user());
	struct proc *p = proc_start(
		(const char *const[]){"systemd-socket-activate", "-l", where,
				      "setpriv", user, group, "--clear-groups",
				      program_path(), "run", "--listen", listen,
				      "--to", backend_where(web), NULL},
		NULL);

	proc_line(p, "Listening on ", 0);
	return p;
}

static void ask_from_beyond(const char *where)
{
	network_go(beyond);
	assert_served(where, web);
	network_go(here);
}

static const char *fate_from_beyond(const char *where)
{
	const char *fate = "served";
	int fd, error;

	network_go(beyond);
	fd = peer_try_dial(where);
	error = errno;
	network_go(here);
	if (fd >= 0 && strcmp(peer_hear(fd), "reset") == 0)
		fate = "reset";
	else if (fd < 0)
		fate = error == ECONNREFUSED ? "refused"
		       : error == ECONNRESET ? "reset"
					     : strerror(error);
	return fate;
}

/* Around the tunnel, to the tunnel's address. */
static void route_over_the_cable(const char *verb)
{
	network_go(beyond);
	IP("route", verb, HERE "/32", "via", CABLE_HERE, "dev", "far", "src",
	   CABLE_BEYOND);
	network_go(here);
}

static void port_80_is_had_through_the_tunnel_and_not_beside_it(void **state)
{
	struct proc *p;

	(void)state;
	make_tunnel(CABLE_HERE ":51820");
	p = activate(HERE ":80", "systemd@" HERE ":80");
	ask_from_beyond(HERE ":80");
	assert_says(proc_line(p, "closed client=", 0), "client=" BEYOND ":");
	assert_string_equal(fate_from_beyond(CABLE_HERE ":80"), "refused");
	program_stop(p);
	/* With the interface named, not even by the tunnel's address. */
	p = activate("0.0.0.0:80", "systemd@if:wg0:80");
	ask_from_beyond(HERE ":80");
	assert_string_equal(fate_from_beyond(CABLE_HERE ":80"), "reset");
	route_over_the_cable("add");
	assert_string_equal(fate_from_beyond(HERE ":80"), "reset");
	route_over_the_cable("del");
	ask_from_beyond(HERE ":80");
	program_stop(p);
}

static void an_interface_is_listened_on_through_the_tunnel_alone(void **state)
{
	struct proc *p;

	(void)state;
	make_tunnel(CABLE_HERE ":51820");
	p = RUN("--listen", "if:wg0:8000", "--to", backend_where(web));
	assert_string_equal(program_where(p, 0), HERE ":8000");
	ask_from_beyond(HERE ":8000");
	assert_string_equal(fate_from_beyond(CABLE_HERE ":8000"), "refused");
	route_over_the_cable("add");
	assert_string_equal(fate_from_beyond(HERE ":8000"), "refused");
	program_stop(p);
}

static void the_tunnel_may_go_down_and_come_up_again(void **state)
{
	struct proc *p, *held;

	(void)state;
	make_tunnel(CABLE_HERE ":51820");
	held = activate(HERE ":80", "systemd@" HERE ":80");
	p = RUN("--listen", "if:wg0:8000", "--to", backend_where(web));
	ask_from_beyond(HERE ":80");
	ask_from_beyond(HERE ":8000");
	IP("link", "set", "wg0", "down");
	IP("link", "set", "wg0", "up");
	ask_from_beyond(HERE ":80");
	ask_from_beyond(HERE ":8000");
	/* As `wg-quick down` and `up` do: the interface is another then. */
	proc_signal(device_here, SIGTERM);
	proc_line(p, "no longer listening on " HERE ":8000", 0);
	proc_end(device_here, 0);
	make_device_here();
	proc_line(p, "listening on " HERE ":8000 -> ", 1);
	ask_from_beyond(HERE ":80");
	ask_from_beyond(HERE ":8000");
	program_stop(p);
	program_stop(held);
}

static void another_address_of_the_tunnel_is_served_instead(void **state)
{
	struct proc *p, *held;

	(void)state;
	make_tunnel(CABLE_HERE ":51820");
	held = activate("0.0.0.0:80", "systemd@if:wg0:80");
	p = RUN("--listen", "if:wg0:8000", "--to", backend_where(web));
	ask_from_beyond(HERE ":8000");
	ask_from_beyond(HERE ":80");
	IP("address", "del", HERE "/24", "dev", "wg0");
	IP("address", "add", "10.8.0.7/24", "dev", "wg0");
	proc_line(p, "no longer listening on " HERE ":8000", 0);
	proc_line(p, "listening on 10.8.0.7:8000 -> ", 0);
	proc_line(held, "10.8.0.7 is there", 0);
	ask_from_beyond("10.8.0.7:8000");
	ask_from_beyond("10.8.0.7:80");
	program_stop(p);
	program_stop(held);
}

struct speaker {
	int listener;
	const char *bytes;
};

static void *speak(void *data)
{
	const struct speaker *s = data;
	int fd = accept(s->listener, NULL, NULL);
	size_t sent = 0;

	while (fd >= 0 && sent < BYTES) {
		ssize_t n = send(fd, s->bytes + sent, BYTES - sent, 0);

		if (n < 0)
			break;
		sent += (size_t)n;
	}
	close(fd);
	return NULL;
}

static uint64_t hash_of_all(int fd)
{
	uint64_t hash = PEER_HASH;
	static char buf[65536];
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		hash = peer_hash(hash, buf, (size_t)n);
	assert_int_equal(n, 0);
	return hash;
}

/* 50 ms there and back, and one packet in a hundred is lost each way. */
static void bytes_arrive_as_they_were_over_a_poor_line(void **state)
{
	static char bytes[BYTES];
	struct speaker speaker = {.bytes = bytes};
	struct proc *up, *down;
	pthread_t thread;
	int fd;

	(void)state;
	make_tunnel(POOR_LINE);
	network_go(beyond);
	line = poor_line_start(&(struct poor_line_options){
		.near = POOR_LINE,
		.far = CABLE_HERE ":51820",
		.delay_ms = DELAY_MS,
		.lose_one_in = LOSE_ONE_IN,
	});
	network_go(here);
	peer_fill(bytes, BYTES, 0);
	up = activate(HERE ":80", "systemd@" HERE ":80");
	network_go(beyond);
	fd = peer_dial(HERE ":80");
	network_go(here);
	peer_send(fd, bytes, BYTES);
	peer_end(fd);
	assert_string_equal(peer_hear(fd), backend_answer(web, bytes, BYTES));
	assert_says(proc_line(up, "closed client=", 0), " why=done");
	program_stop(up);

	speaker.listener = peer_listen("127.0.0.1:0");
	down = RUN("--listen", "if:wg0:8000", "--to",
		   peer_where(speaker.listener));
	assert_int_equal(pthread_create(&thread, NULL, speak, &speaker), 0);
	network_go(beyond);
	fd = peer_dial(HERE ":8000");
	network_go(here);
	assert_true(hash_of_all(fd) == peer_hash(PEER_HASH, bytes, BYTES));
	pthread_join(thread, NULL);
	peer_close(fd);
	assert_says(proc_line(down, "closed client=", 0), " why=done");
	program_stop(down);
	assert_true(poor_line_stop(line) > 0);
	line = NULL;
}

static int end_test(void **state)
{
	int err = program_end_test(state);

	if (line)
		poor_line_stop(line);
	line = NULL;
	networks_close();
	return err;
}

#define TEST(name) cmocka_unit_test_teardown(name, end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(port_80_is_had_through_the_tunnel_and_not_beside_it),
		TEST(an_interface_is_listened_on_through_the_tunnel_alone),
		TEST(the_tunnel_may_go_down_and_come_up_again),
		TEST(another_address_of_the_tunnel_is_served_instead),
		TEST(bytes_arrive_as_they_were_over_a_poor_line),
	};

	return cmocka_run_group_tests(tests, set_up, program_tear_down);
}
