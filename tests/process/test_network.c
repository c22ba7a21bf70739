#include "process/program.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* What a network does to the program, in networks of this test's own: here is
 * the relay, and beyond a cable a client. */

#define ARGV(...)    ((const char *const[]){__VA_ARGS__, NULL})
#define HERE         "fd00:1::1"
#define BEYOND       "fd00:1::2"
#define CLIENT       "fd00:2::2"
#define CLIENT_ROUTE CLIENT "/128"
#define PORT_RANGE   "/proc/sys/net/ipv4/ip_local_port_range"

#define PORT_REUSE "/proc/sys/net/ipv4/tcp_tw_reuse"

enum {
	NAMES = 4,
	CLIENTS_EACH = 10,
	TRIES = 100,
	SENT = 10000,
	PORTS = 10,
	SHORT = 1000,
};

static const char *missing; /* what this test needs and has not */
static int here = -1, beyond = -1;
static const char *covered[8]; /* files that have another over them */
static size_t covered_count;

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void run(const char *const argv[])
{
	proc_end(proc_start(argv, NULL), 0);
}

static int set_up(void **state)
{
	if (geteuid() != 0)
		missing = "root, for a network of its own";
	else if (!proc_has("ip"))
		missing = "ip (iproute2)";
	else if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 ||
		 mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		missing = "leave to make a network of its own";
	return program_set_up(state);
}

/* A fresh one for each test. */
static void need_network(void)
{
	if (missing)
		program_skip(missing);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	run(ARGV("ip", "link", "set", "lo", "up"));
}

/* Sockets and programs are made in the network where this thread is. */
static void go(int network)
{
	assert_int_equal(setns(network, CLONE_NEWNET), 0);
}

/* A second network and the cable to it; the client is found by a route of its
 * own, which can be taken away. */
static void lay_cable(void)
{
	here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	beyond = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_true(here >= 0 && beyond >= 0);
	go(here);
	run(ARGV("ip", "link", "add", "near", "type", "veth", "peer", "name",
		 "far", "netns",
		 scrap("/proc/%ld/fd/%d", (long)getpid(), beyond)));
	run(ARGV("ip", "address", "add", HERE "/64", "dev", "near", "nodad"));
	run(ARGV("ip", "link", "set", "near", "up"));
	go(beyond);
	run(ARGV("ip", "address", "add", BEYOND "/64", "dev", "far", "nodad"));
	run(ARGV("ip", "link", "set", "far", "up"));
	run(ARGV("ip", "-6", "route", "add", HERE "/128", "dev", "far", "src",
		 BEYOND));
	run(ARGV("ip", "address", "add", CLIENT_ROUTE, "dev", "far", "nodad"));
	run(ARGV("ip", "-6", "route", "replace", HERE "/128", "dev", "far",
		 "src", CLIENT));
	go(here);
}

static void take_cable_up(void)
{
	if (here >= 0)
		close(here);
	if (beyond >= 0)
		close(beyond);
	here = beyond = -1;
}

static void client_route(const char *verb)
{
	run(ARGV("ip", "-6", "route", verb, CLIENT_ROUTE, "via", BEYOND));
}

static int dial_from_beyond(const char *where)
{
	int fd;

	go(beyond);
	fd = peer_dial(where);
	go(here);
	return fd;
}

static void let_pass_ms(unsigned ms)
{
	struct timespec t = {.tv_sec = ms / 1000,
			     .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&t, NULL);
}

/* TCP itself gets over that; SO_ERROR tells it all the same. */
static void a_route_that_is_gone_for_a_moment_loses_no_tail(void **state)
{
	static char sent[SENT], heard[SENT];
	int client, backend, listener;
	struct proc *p;

	(void)state;
	need_network();
	lay_cable();
	client_route("add");
	listener = peer_listen("127.0.0.1:0");
	p = RUN("--listen", "[" HERE "]:0", "--to", peer_where(listener));
	client = dial_from_beyond(program_where(p, 0));
	backend = peer_accept(listener);
	client_route("del");
	peer_fill(sent, SENT, 0);
	peer_send(backend, sent, SENT);
	let_pass_ms(50);
	peer_reset(backend);
	let_pass_ms(300);
	assert_int_equal(proc_count_lines(p, "closed client="), 0);
	client_route("add");
	assert_int_equal(recv(client, heard, SENT, MSG_WAITALL), SENT);
	assert_memory_equal(heard, sent, SENT);
	assert_string_equal(peer_hear(client), "reset");
	assert_says(proc_line(p, "closed client=", 0), " why=backend-reset");
	program_stop(p);
}

static void a_route_that_is_gone_for_a_moment_is_no_reset(void **state)
{
	int client, backend, listener;
	struct proc *p;

	(void)state;
	need_network();
	lay_cable();
	client_route("add");
	listener = peer_listen("127.0.0.1:0");
	p = RUN("--listen", "[" HERE "]:0", "--to", peer_where(listener),
		"--keepalive", "4s");
	client = dial_from_beyond(program_where(p, 0));
	backend = peer_accept(listener);
	peer_end(client);
	assert_string_equal(peer_hear(backend), "");
	client_route("del");
	/* A keepalive fails after 4 s; what came of it is looked at every 2. */
	let_pass_ms(6500);
	assert_int_equal(proc_count_lines(p, "closed client="), 0);
	client_route("add");
	peer_send(backend, "hello", 5);
	peer_close(backend);
	assert_string_equal(peer_hear(client), "hello");
	assert_says(proc_line(p, "closed client=", 0), " why=done");
	program_stop(p);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
}

/* With nobody at the backend's port, TCP connects a socket to itself if the
 * system gives it that very port (RFC 793, 3.4): here one of ten. */
static void a_client_is_never_connected_to_itself(void **state)
{
	const char *where = scrap("unix:%s", program_file("self.sock"));
	struct proc *p;

	(void)state;
	need_network();
	p = RUN("--listen", where, "--to", "127.0.0.1:40002",
		"--connect-timeout", "5s", "--drain-timeout", "0");
	write_file(PORT_RANGE, "40000 40009");
	for (unsigned i = 0; i < TRIES; i++) {
		int fd = peer_dial(where);

		/* It may be gone already. */
		send(fd, "hello", 5, 0);
		shutdown(fd, SHUT_WR);
		assert_string_not_equal(peer_hear(fd), "hello");
		assert_says(proc_line(p, "closed client=", i),
			    " why=unreachable error=\"Connection refused\"");
		peer_close(fd);
	}
	program_stop(p);
}

/* So few ports that a test need not make thirty thousand connections; each is
 * held for a minute after its connection, and not given away before. */
static void have_ten_ports(void)
{
	write_file(PORT_RANGE, "40000 40009");
	write_file(PORT_REUSE, "0");
}

static void ports_that_run_out_do_not_end_it(void **state)
{
	const char *where = scrap("unix:%s", program_file("short.sock"));
	struct backend *b;
	struct proc *p;

	(void)state;
	need_network();
	b = backend_start("127.0.0.1:0", "web");
	p = RUN("--listen", where, "--to", backend_where(b), "--threads", "2");
	have_ten_ports();
	for (int i = 0; i < SHORT; i++)
		assert_served(where, b);
	proc_line(p, "no local port is left for connections to 127.0.0.1:", 0);
	program_stop(p);
	assert_int_equal(proc_count_lines(p, "no local port is left"), 1);
	assert_int_equal(proc_count_lines(p, " why=done"), SHORT);
}

static void
ports_that_run_out_for_good_are_said_with_what_mends_it(void **state)
{
	const char *where = scrap("unix:%s", program_file("short.sock"));
	struct backend *b;
	struct proc *p;

	(void)state;
	need_network();
	b = backend_start("[::1]:0", "web");
	p = RUN("--listen", where, "--to", backend_where(b));
	have_ten_ports();
	for (int i = 0; i < PORTS; i++)
		assert_served(where, b);
	for (int i = 0; i < PORTS; i++)
		assert_string_equal(peer_ask(where, ""), "");
	assert_says(proc_line(p,
			      "no local port is left for connections to "
			      "[::1]:",
			      0),
		    "A Unix backend needs none: --to unix:/path");
	assert_says(proc_line(p, " why=unreachable", 0),
		    "error=\"Cannot assign requested address\"");
	program_stop(p);
	assert_int_equal(proc_count_lines(p, "no local port is left"), 1);
}

static void replace(const char *path, const char *text)
{
	const char *mine = program_file(strrchr(path, '/') + 1);

	write_file(mine, text);
	if (mount(mine, path, NULL, MS_BIND, NULL) < 0)
		program_skip(scrap("%s to put another over it", path));
	covered[covered_count++] = path;
}

static void resolver_is_mine(void)
{
	replace("/etc/resolv.conf", "nameserver 127.0.0.53\n"
				    "options timeout:10 attempts:2\n");
	replace("/etc/hosts", "127.0.0.1 here.test\n");
	replace("/etc/nsswitch.conf", "hosts: files dns\n");
}

static int name_server_that_never_answers(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons(53),
				 .sin_addr.s_addr = htonl(0x7f000035)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void names_that_nobody_answers_for_hold_nobody_up(void **state)
{
	const char *port;
	struct backend *b;
	struct proc *p;
	int64_t asked_ms;
	int server;

	(void)state;
	need_network();
	resolver_is_mine();
	server = name_server_that_never_answers();
	b = backend_start("127.0.0.1:0", "web");
	port = strrchr(backend_where(b), ':') + 1;
	p = RUN("--connect-timeout", "60s", "--drain-timeout", "0", "--listen",
		"127.0.0.1:0", "--to", "lost1.test:80", "--listen",
		"127.0.0.1:0", "--to", "lost2.test:80", "--listen",
		"127.0.0.1:0", "--to", "lost3.test:80", "--listen",
		"127.0.0.1:0", "--to", "lost4.test:80", "--listen",
		"127.0.0.1:0", "--to", scrap("here.test:%s", port));
	for (unsigned i = 0; i < NAMES; i++)
		for (int k = 0; k < CLIENTS_EACH; k++)
			peer_dial(program_where(p, i));
	asked_ms = now_ms();
	assert_served(program_where(p, NAMES), b);
	assert_in_range(now_ms() - asked_ms, 0, 5000);
	asked_ms = now_ms();
	program_stop(p);
	assert_in_range(now_ms() - asked_ms, 0, 5000);
	close(server);
}

/* What a name server says to everything. */
enum answer { NO_SUCH_NAME, GARBAGE, HALF_AN_ANSWER, LOOPBACK, ANSWERS };

enum { QUERY_MOST = 512, HEAD = 12 };

static size_t make_answer(unsigned char *m, size_t n, enum answer how)
{
	/* RFC 1035, 4.1: the question's name, A, IN, a minute, 127.0.0.1. */
	static const unsigned char loopback[] = {
		0xc0, HEAD, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1};
	bool is_a = n > HEAD + 4 && m[n - 3] == 1;

	m[2] = 0x81; /* an answer */
	m[3] = 0x80;
	memset(m + 8, 0, 4);
	if (how == NO_SUCH_NAME)
		m[3] |= 3;
	if (how == GARBAGE)
		memset(m + HEAD, 0xff, n - HEAD);
	if (how == HALF_AN_ANSWER)
		m[7] = 9;
	if (how != LOOPBACK || !is_a)
		return n;
	m[7] = 1;
	memcpy(m + n, loopback, sizeof(loopback));
	return n + sizeof(loopback);
}

/* A thread of the test. */
struct liar {
	pthread_t thread;
	int fd;
	enum answer how;
};

static void *lie(void *data)
{
	struct liar *l = data;
	unsigned char m[2 * QUERY_MOST];

	for (;;) {
		struct sockaddr_in from;
		socklen_t length = sizeof(from);
		ssize_t n = recvfrom(l->fd, m, QUERY_MOST, 0,
				     (struct sockaddr *)&from, &length);

		/* A datagram of nothing ends it. */
		if (n < HEAD)
			return NULL;
		/* What is added for EDNS (RFC 6891) is in nobody's way. */
		n = (ssize_t)make_answer(m, (size_t)n, l->how);
		sendto(l->fd, m, (size_t)n, 0, (struct sockaddr *)&from,
		       length);
	}
}

static void stop_lying(struct liar *l)
{
	struct sockaddr_in at;
	socklen_t length = sizeof(at);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(getsockname(l->fd, (struct sockaddr *)&at, &length),
			 0);
	sendto(fd, "", 0, 0, (struct sockaddr *)&at, length);
	pthread_join(l->thread, NULL);
	close(fd);
	close(l->fd);
}

static void a_name_server_that_lies_harms_only_its_names(void **state)
{
	static const char *const why[ANSWERS] = {
		[NO_SUCH_NAME] = " why=unreachable ",
		[GARBAGE] = " why=",
		[HALF_AN_ANSWER] = " why=",
		[LOOPBACK] = " why=unreachable error=\"it leads back",
	};

	(void)state;
	need_network();
	resolver_is_mine();
	replace("/etc/resolv.conf", "nameserver 127.0.0.53\n"
				    "options timeout:1 attempts:1\n");
	for (unsigned how = 0; how < ANSWERS; how++) {
		struct liar liar = {.fd = name_server_that_never_answers(),
				    .how = (enum answer)how};
		struct backend *b = backend_start("127.0.0.1:0", "web");
		unsigned front = peer_free_port();
		const char *where = scrap("127.0.0.1:%u", front);
		struct proc *p;

		assert_int_equal(pthread_create(&liar.thread, NULL, lie, &liar),
				 0);
		/* A name that leads back to the listener itself. */
		p = RUN("--connect-timeout", "5s", "--listen", where, "--to",
			scrap("lied.test:%u", front), "--listen", "127.0.0.1:0",
			"--to", backend_where(b));
		assert_string_equal(peer_ask(where, "hello"), "reset");
		assert_says(proc_line(p, "closed client=", 0), why[how]);
		assert_served(program_where(p, 1), b);
		program_stop(p);
		stop_lying(&liar);
	}
}

/* From an address of a network of the test's own. */
static bool is_let_in(const char *from, const char *where, int listener)
{
	int fd = peer_try_dial_from(from, where);

	if (fd < 0) {
		assert_int_equal(errno, ECONNRESET);
		return false;
	}
	if (peer_is_silent(fd, 200)) {
		peer_accept(listener);
		return true;
	}
	assert_string_equal(peer_hear(fd), "reset");
	return false;
}

static void an_ipv6_source_is_a_64(void **state)
{
	static const char *const addresses[] = {"fd00:1::1", "fd00:1::ffff:1",
						"fd00:1::2", "fd00:1:0:1::1",
						"fd00:2::1"};
	const char *where;
	int listener;
	struct proc *p;

	(void)state;
	need_network();
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		run(ARGV("ip", "address", "add", scrap("%s/128", addresses[i]),
			 "dev", "lo", "nodad"));
	listener = peer_listen("127.0.0.1:0");
	p = RUN("--listen", "[::]:0", "--to", peer_where(listener),
		"--max-connections-per-source", "2", "--deny", "fd00:2::/32",
		"--drain-timeout", "0");
	where = scrap("[::1]:%s", strrchr(program_where(p, 0), ':') + 1);
	assert_true(is_let_in(addresses[0], where, listener));
	assert_true(is_let_in(addresses[1], where, listener));
	assert_false(is_let_in(addresses[2], where, listener));
	assert_says(proc_line(p, "refused client=[fd00:1::2]:", 0),
		    " why=per-source");
	assert_true(is_let_in(addresses[3], where, listener));
	assert_false(is_let_in(addresses[4], where, listener));
	program_stop(p);
}

static int end_test(void **state)
{
	int err = program_end_test(state);

	take_cable_up();
	while (covered_count > 0)
		umount2(covered[--covered_count], MNT_DETACH);
	return err;
}

#define TEST(name) cmocka_unit_test_teardown(name, end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_route_that_is_gone_for_a_moment_loses_no_tail),
		TEST(a_route_that_is_gone_for_a_moment_is_no_reset),
		TEST(a_client_is_never_connected_to_itself),
		TEST(ports_that_run_out_do_not_end_it),
		TEST(ports_that_run_out_for_good_are_said_with_what_mends_it),
		TEST(names_that_nobody_answers_for_hold_nobody_up),
		TEST(a_name_server_that_lies_harms_only_its_names),
		TEST(an_ipv6_source_is_a_64),
	};

	return cmocka_run_group_tests(tests, set_up, program_tear_down);
}
