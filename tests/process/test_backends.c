#include "process/program.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* How the program reaches its backends: real servers on one loopback address,
 * servers that restart, and backends that would lead back. */

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

enum { WAITING = 6, PLACES = 2 };

static void need_ipv6(void)
{
	if (peer_try_listen("[::1]:0") < 0)
		program_skip("IPv6 on the loopback interface");
}

/* --- backends that lead back --- */

/* Such a command line is refused, with both named. */
static void assert_refused(const char *const words[], const char *to,
			   const char *listener)
{
	struct proc *p = program_start(words, NULL);

	proc_end(p, 2);
	assert_says(proc_err(p), scrap("--to %s", to));
	assert_says(proc_err(p), scrap("the listener %s", listener));
	assert_says(proc_err(p), "try the port of your program");
	assert_int_equal(proc_count_lines(p, "listening on "), 0);
}

static void a_backend_that_is_the_listener_is_refused(void **state)
{
	const char *own = scrap("127.0.0.1:%u", peer_free_port());

	(void)state;
	assert_refused(ARGV("run", "--listen", own, "--to", own), own, own);
}

static void a_wildcard_listener_is_every_address(void **state)
{
	unsigned port = peer_free_port();
	const char *all4 = scrap("0.0.0.0:%u", port);
	const char *all6 = scrap("[::]:%u", port);
	const char *near = scrap("127.0.0.1:%u", port);
	const char *near6 = scrap("[::1]:%u", port);

	(void)state;
	assert_refused(ARGV("run", "--listen", all4, "--to", near), near, all4);
	need_ipv6();
	assert_refused(ARGV("run", "--listen", all6, "--to", near6), near6,
		       all6);
	assert_refused(ARGV("run", "--listen", scrap("*:%u", port), "--to",
			    near6),
		       near6, all6);
	assert_refused(ARGV("run", "--listen", scrap("*:%u", port), "--to",
			    scrap("%u", port)),
		       scrap("localhost:%u", port), all4);
}

static void the_same_port_of_the_other_family_is_another_program(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *port = strrchr(backend_where(b), ':') + 1;
	struct proc *p;

	(void)state;
	need_ipv6();
	p = RUN("--listen", scrap("[::]:%s", port), "--to", backend_where(b));
	assert_served(scrap("[::1]:%s", port), b);
	program_stop(p);
	p = RUN("--listen", scrap("[::1]:%s", port), "--to", port);
	assert_served(scrap("[::1]:%s", port), b);
	program_stop(p);
}

static void
a_socket_for_both_families_that_was_handed_over_is_both(void **state)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6};
	socklen_t length = sizeof(any);
	struct proc_options opt = {.fd_count = 1};
	int off = 0, fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const char *to;
	struct proc *p;

	(void)state;
	need_ipv6();
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(fd, 8), 0);
	getsockname(fd, (struct sockaddr *)&any, &length);
	to = scrap("127.0.0.1:%u", ntohs(any.sin6_port));
	opt.fds = &fd;
	p = program_start(ARGV("run", "--listen", "fd:3", "--to", to), &opt);
	proc_end(p, 2);
	assert_says(proc_err(p), scrap("--to %s: that is the listener", to));
	close(fd);
}

static void a_socket_file_by_another_name_is_the_same(void **state)
{
	const char *path = program_file("own.sock");
	const char *other = program_file("other.sock");

	(void)state;
	assert_refused(ARGV("run", "--listen", scrap("unix:%s", path), "--to",
			    scrap("unix:%s", path)),
		       scrap("unix:%s", path), scrap("unix:%s", path));
	assert_int_equal(symlink(path, other), 0);
	assert_refused(ARGV("run", "--listen", scrap("unix:%s", path), "--to",
			    scrap("unix:%s", other)),
		       scrap("unix:%s", other), scrap("unix:%s", path));
	unlink(other);
}

static void groups_may_form_a_chain_but_no_ring(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *first = scrap("127.0.0.1:%u", peer_free_port());
	const char *second = scrap("127.0.0.2:%u", peer_free_port());
	struct proc *p = RUN("--listen", first, "--to", second, "--listen",
			     second, "--to", backend_where(b));

	(void)state;
	assert_served(first, b);
	program_stop(p);
	assert_refused(ARGV("run", "--listen", first, "--to", second,
			    "--listen", second, "--to", first),
		       second, second);
}

static void a_name_that_leads_back_is_an_error_that_is_said(void **state)
{
	const char *own = scrap("127.0.0.1:%u", peer_free_port());
	struct proc *p = RUN("--listen", own, "--to", strrchr(own, ':') + 1);

	(void)state;
	assert_string_equal(peer_ask(own, "hello"), "reset");
	assert_says(proc_line(p, "closed client=", 0),
		    scrap(" backend=%s up=0 down=0 ", own));
	assert_says(proc_line(p, "closed client=", 0),
		    " why=unreachable error=\"it leads back to lowport "
		    "(ELOOP)\"");
	program_stop(p);
	assert_int_equal(proc_count_lines(p, "closed client="), 1);
}

/* --- real servers --- */

/* An HTTP server of that kind at ADDRESS and a port; the directory it serves
 * is not what is asked for. */
static struct proc *serve_node(const char *address, unsigned port)
{
	return proc_start(ARGV("node", "-e",
			       scrap("require('http').createServer((q, a) => "
				     "a.end('served')).listen(%u, '%s', () => "
				     "console.error('ready'))",
				     port, address)),
			  NULL);
}

static struct proc *serve_python(const char *address, unsigned port)
{
	static const char script[] =
		"import http.server, socket, sys\n"
		"class Answer(http.server.BaseHTTPRequestHandler):\n"
		"    def do_GET(self):\n"
		"        self.send_response(200)\n"
		"        self.end_headers()\n"
		"        self.wfile.write(b'served')\n"
		"class Server(http.server.HTTPServer):\n"
		"    address_family = socket.AF_INET6 if ':' in sys.argv[1] "
		"else socket.AF_INET\n"
		"s = Server((sys.argv[1], int(sys.argv[2])), Answer)\n"
		"print('ready', file=sys.stderr, flush=True)\n"
		"s.serve_forever()\n";

	return proc_start(ARGV("python3", "-c", script, address,
			       scrap("%u", port)),
			  NULL);
}

static void assert_http(const char *where)
{
	assert_says(peer_ask(where, "GET / HTTP/1.0\r\n\r\n"), "served");
}

static void one_address_is_enough(struct proc *(*serve)(const char *address,
							unsigned port))
{
	static const char *const addresses[] = {"127.0.0.1", "::1"};

	need_ipv6();
	for (int i = 0; i < 2; i++) {
		unsigned port = peer_free_port();
		struct proc *server = serve(addresses[i], port);
		struct proc *p = RUN("--listen", "127.0.0.1:0", "--to",
				     scrap("%u", port));

		proc_line(server, "ready", 0);
		assert_http(program_where(p, 0));
		assert_http(program_where(p, 0));
		program_stop(p);
		proc_signal(server, SIGKILL);
		proc_end(server, 128 + SIGKILL);
	}
}

static void a_node_server_on_one_loopback_address_just_works(void **state)
{
	(void)state;
	if (!proc_has("node"))
		program_skip("node");
	one_address_is_enough(serve_node);
}

static void a_python_server_on_one_loopback_address_just_works(void **state)
{
	(void)state;
	if (!proc_has("python3"))
		program_skip("python3");
	one_address_is_enough(serve_python);
}

/* --- waiting --- */

static void a_restart_of_the_server_is_a_slow_answer(void **state)
{
	static const char request[] = "GET / HTTP/1.0\r\n\r\n";
	unsigned port = peer_free_port();
	struct proc *server, *p;
	int client;

	(void)state;
	if (!proc_has("python3"))
		program_skip("python3");
	p = RUN("--listen", "127.0.0.1:0", "--to", scrap("127.0.0.1:%u", port),
		"--wait-for-backend", "30s");
	for (int round = 0; round < 2; round++) {
		client = peer_dial(program_where(p, 0));
		peer_send(client, request, strlen(request));
		proc_line(p,
			  "is not there yet (Connection refused): clients "
			  "wait for it",
			  0);
		assert_true(peer_is_silent(client, 100));
		server = serve_python("127.0.0.1", port);
		assert_says(peer_hear(client), "served");
		peer_close(client);
		assert_says(proc_line(p, "closed client=", (unsigned)round),
			    " why=done");
		proc_signal(server, SIGKILL);
		proc_end(server, 128 + SIGKILL);
	}
	program_stop(p);
}

static void too_many_that_wait_are_said_once(void **state)
{
	const char *dead = peer_where(peer_bind("127.0.0.1:0"));
	struct proc *p = RUN("--listen", "127.0.0.1:0", "--to", dead,
			     "--wait-for-backend", "30s", "--max-waiting", "2",
			     "--drain-timeout", "0");

	(void)state;
	for (int i = 0; i < WAITING; i++)
		peer_dial(program_where(p, 0));
	proc_line(p, "why=unreachable error=\"Connection refused\"",
		  WAITING - PLACES - 1);
	proc_line(p, "2 clients wait for a backend already (max-waiting)", 0);
	program_stop(p);
	assert_int_equal(proc_count_lines(p, "(max-waiting)"), 1);
	assert_int_equal(proc_count_lines(p, "why=shutdown"), PLACES);
}

#define TEST(name) cmocka_unit_test_teardown(name, program_end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_backend_that_is_the_listener_is_refused),
		TEST(a_wildcard_listener_is_every_address),
		TEST(the_same_port_of_the_other_family_is_another_program),
		TEST(a_socket_for_both_families_that_was_handed_over_is_both),
		TEST(a_socket_file_by_another_name_is_the_same),
		TEST(groups_may_form_a_chain_but_no_ring),
		TEST(a_name_that_leads_back_is_an_error_that_is_said),
		TEST(a_node_server_on_one_loopback_address_just_works),
		TEST(a_python_server_on_one_loopback_address_just_works),
		TEST(a_restart_of_the_server_is_a_slow_answer),
		TEST(too_many_that_wait_are_said_once),
	};

	return cmocka_run_group_tests(tests, program_set_up, program_tear_down);
}
