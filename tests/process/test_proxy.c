#include "process/program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * The PROXY protocol, judged by those who made it: HAProxy and nginx in front
 * and behind.
 */

enum { BULK = 1 << 20, HEADER_MOST = 256 };

static const char *const versions[] = {"v1", "v2"};
static const char *const loopbacks[] = {"127.0.0.1", "::1"};

enum { TWO = 2 };

static void need(const char *program, const char *package)
{
	if (!proc_has(program))
		program_skip(scrap("%s (package %s)", program, package));
}

static bool has_ipv6(void)
{
	int fd = peer_try_listen("[::1]:0");

	if (fd < 0)
		print_message("skipped, for want of ::1: IPv6\n");
	else
		peer_close(fd);
	return fd >= 0;
}

/* Any free port of the i-th loopback address. */
static const char *any_port(size_t i)
{
	return i == 0 ? "127.0.0.1:0" : "[::1]:0";
}

static const char *port_of(const char *address)
{
	return strrchr(address, ':') + 1;
}

static const char *write_file(const char *name, const char *text)
{
	const char *path = program_file(name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return path;
}

/* --- the others --- */

/* HAProxy with a listener of the test's as fd@3. */
static void start_haproxy(int listener, const char *section)
{
	struct proc_options opt = {
		.fds = &listener, .fd_count = 1, .drop = geteuid() == 0};
	const char *path =
		write_file("haproxy.cfg", scrap("defaults\n"
						"	timeout connect 20s\n"
						"	timeout client 20s\n"
						"	timeout server 20s\n"
						"%s",
						section));

	proc_start((const char *const[]){"haproxy", "-db", "-q", "-f", path,
					 NULL},
		   &opt);
}

/* A server that says whom it thinks it speaks with, and where. */
static void start_haproxy_server(int listener)
{
	start_haproxy(listener,
		      "listen web\n"
		      "	mode http\n"
		      "	bind fd@3 accept-proxy\n"
		      "	http-request return status 200 content-type "
		      "text/plain lf-string \"%[src]:%[src_port] "
		      "%[dst]:%[dst_port]\"\n");
}

/* One that passes on to lowport. */
static void start_haproxy_front(int listener, const char *to, const char *how)
{
	const char *server =
		strncmp(to, "unix:", 5) == 0 ? scrap("unix@%s", to + 5) : to;

	start_haproxy(listener, scrap("listen front\n"
				      "	mode tcp\n"
				      "	bind fd@3\n"
				      "	server back %s %s\n",
				      server, how));
}

/* nginx with a listener of the test's, taken as it takes them when it upgrades.
 */
static void start_nginx(int listener, const char *head, const char *section)
{
	static const char *const env[] = {"NGINX=3;", NULL};
	struct proc_options opt = {.fds = &listener,
				   .fd_count = 1,
				   .env = env,
				   .drop = geteuid() == 0};
	const char *dir = program_file("");
	const char *path =
		write_file("nginx.conf", scrap("%s"
					       "daemon off;\n"
					       "worker_processes 1;\n"
					       "pid %snginx.pid;\n"
					       "error_log stderr;\n"
					       "events { }\n"
					       "%s",
					       head, dir, section));

	proc_start((const char *const[]){"nginx", "-e", "stderr", "-p", dir,
					 "-c", path, NULL},
		   &opt);
}

static void start_nginx_server(int listener)
{
	const char *dir = program_file("");

	start_nginx(listener, "",
		    scrap("http {\n"
			  "	access_log off;\n"
			  "	client_body_temp_path %stemp;\n"
			  "	proxy_temp_path %stemp;\n"
			  "	fastcgi_temp_path %stemp;\n"
			  "	uwsgi_temp_path %stemp;\n"
			  "	scgi_temp_path %stemp;\n"
			  "	server {\n"
			  "		listen %s proxy_protocol;\n"
			  "		return 200 \"$proxy_protocol_addr:"
			  "$proxy_protocol_port $proxy_protocol_server_addr:"
			  "$proxy_protocol_server_port\";\n"
			  "	}\n"
			  "}\n",
			  dir, dir, dir, dir, dir, peer_where(listener)));
}

/* Debian has it as a module, others within the program. */
static const char *nginx_stream_module(void)
{
	static const char *const places[] = {
		"/usr/lib/nginx/modules/ngx_stream_module.so",
		"/usr/lib64/nginx/modules/ngx_stream_module.so"};

	for (size_t i = 0; i < TWO; i++)
		if (access(places[i], R_OK) == 0)
			return scrap("load_module %s;\n", places[i]);
	program_skip("nginx's stream module (package libnginx-mod-stream)");
	return NULL;
}

static void start_nginx_front(int listener, const char *to)
{
	start_nginx(listener, nginx_stream_module(),
		    scrap("stream {\n"
			  "	server {\n"
			  "		listen %s;\n"
			  "		proxy_pass %s;\n"
			  "		proxy_protocol on;\n"
			  "	}\n"
			  "}\n",
			  peer_where(listener), to));
}

/* --- lowport in front of them --- */

/* Ask by HTTP who a server thinks that we are, and compare. */
static void assert_known_at(const char *where)
{
	struct proc *p = proc_start(
		(const char *const[]){
			"curl", "-gsS", "-w",
			"\n%{local_ip}:%{local_port} %{remote_ip}:%{"
			"remote_port}",
			scrap("http://%s/", where), NULL},
		NULL);
	const char *said, *is;

	proc_end(p, 0);
	said = proc_out(p);
	is = strchr(said, '\n');
	assert_non_null(is);
	assert_string_equal(scrap("%.*s", (int)(is - said), said), is + 1);
}

/* And what a server makes of a client that has no such address. */
static const char *answer_over_unix(const char *path)
{
	struct proc *p = proc_start(
		(const char *const[]){"curl", "-gsS", "--unix-socket", path,
				      "http://localhost/", NULL},
		NULL);

	proc_end(p, 0);
	return proc_out(p);
}

static void each_version_and_family(void (*start)(int listener))
{
	for (size_t i = 0; i < TWO && (i == 0 || has_ipv6()); i++) {
		int listener = peer_listen(any_port(i));

		start(listener);
		for (size_t v = 0; v < TWO; v++) {
			struct proc *p = RUN("--listen", any_port(i), "--to",
					     peer_where(listener),
					     "--proxy-protocol", versions[v]);

			assert_known_at(program_where(p, 0));
			program_stop(p);
		}
	}
}

static void nginx_hears_who_the_client_is(void **state)
{
	(void)state;
	need("nginx", "nginx-light");
	need("curl", "curl");
	each_version_and_family(start_nginx_server);
}

static void haproxy_hears_who_the_client_is(void **state)
{
	(void)state;
	need("haproxy", "haproxy");
	need("curl", "curl");
	each_version_and_family(start_haproxy_server);
}

static void both_serve_a_unix_client_of_ours(void **state)
{
	void (*const starts[])(int listener) = {start_nginx_server,
						start_haproxy_server};

	(void)state;
	need("nginx", "nginx-light");
	need("haproxy", "haproxy");
	need("curl", "curl");
	for (size_t i = 0; i < TWO; i++) {
		int listener = peer_listen("127.0.0.1:0");

		starts[i](listener);
		for (size_t v = 0; v < TWO; v++) {
			const char *path = program_file("front.sock");
			struct proc *p = RUN("--listen", scrap("unix:%s", path),
					     "--to", peer_where(listener),
					     "--proxy-protocol", versions[v]);
			const char *said = answer_over_unix(path);

			/* nginx knows no client, HAProxy the connection's. */
			if (i == 0)
				assert_string_equal(said, ": :");
			else
				assert_says(said,
					    scrap(" %s", peer_where(listener)));
			program_stop(p);
		}
	}
}

static void a_wildcard_listener_says_where_it_was_reached(void **state)
{
	int listener = peer_listen("127.0.0.1:0"), client, backend;
	unsigned port = peer_free_port();
	struct proc *p = RUN("--listen", scrap("0.0.0.0:%u", port), "--to",
			     peer_where(listener), "--proxy-protocol", "v1");

	(void)state;
	client = peer_dial(scrap("127.0.0.1:%u", port));
	backend = peer_accept(listener);
	peer_end(client);
	assert_string_equal(peer_hear(backend),
			    scrap("PROXY TCP4 127.0.0.1 127.0.0.1 %s %u\r\n",
				  port_of(peer_where(client)), port));
	peer_close(backend);
	peer_close(client);
	program_stop(p);
}

/* --- and behind them --- */

/* A megabyte up and another down through front and lowport, compared byte by
 * byte; who the client was is told by lowport. */
static void assert_carried(struct proc *p, const char *front, int listener,
			   unsigned index)
{
	int client = peer_dial(front), backend;
	const char *line, *mine = peer_where(client);
	char *sent = test_malloc(BULK), *got = test_malloc(BULK);

	peer_fill(sent, BULK, 0);
	/* Some of it before anyone is asked, the rest when it is read. */
	peer_send(client, sent, HEADER_MOST);
	backend = peer_accept(listener);
	assert_int_equal(recv(backend, got, HEADER_MOST, MSG_WAITALL),
			 HEADER_MOST);
	assert_memory_equal(got, sent, HEADER_MOST);
	for (size_t at = HEADER_MOST; at < BULK; at += HEADER_MOST * 64) {
		size_t n = BULK - at < HEADER_MOST * 64 ? BULK - at
							: HEADER_MOST * 64;

		peer_send(client, sent + at, n);
		assert_int_equal(recv(backend, got, n, MSG_WAITALL), n);
		assert_memory_equal(got, sent + at, n);
		peer_send(backend, sent + at, n);
		assert_int_equal(recv(client, got, n, MSG_WAITALL), n);
		assert_memory_equal(got, sent + at, n);
	}
	peer_close(backend);
	peer_close(client);
	line = proc_line(p, "closed client=", index);
	assert_says(line, scrap("client=%s ", mine));
	assert_says(line, scrap(" up=%d ", BULK));
	test_free(sent);
	test_free(got);
}

static void haproxy_says_who_the_client_is(void **state)
{
	static const char *const ways[] = {"send-proxy", "send-proxy-v2"};

	(void)state;
	need("haproxy", "haproxy");
	for (size_t i = 0; i < TWO && (i == 0 || has_ipv6()); i++) {
		int listener = peer_listen("127.0.0.1:0");
		struct proc *p =
			RUN("--listen", any_port(i), "--to",
			    peer_where(listener), "--accept-proxy",
			    loopbacks[i], "--accept-proxy", "192.0.2.0/24");

		for (unsigned way = 0; way < TWO; way++) {
			int front = peer_listen(any_port(i));

			start_haproxy_front(front, program_where(p, 0),
					    ways[way]);
			assert_carried(p, peer_where(front), listener, way);
		}
		program_stop(p);
	}
}

static void haproxy_says_it_over_a_unix_socket(void **state)
{
	int front, listener;
	struct proc *p;

	(void)state;
	need("haproxy", "haproxy");
	front = peer_listen("127.0.0.1:0");
	listener = peer_listen("127.0.0.1:0");
	p = RUN("--listen", scrap("unix:%s", program_file("behind.sock")),
		"--to", peer_where(listener), "--accept-proxy", "unix");
	start_haproxy_front(front, program_where(p, 0), "send-proxy-v2");
	assert_carried(p, peer_where(front), listener, 0);
	program_stop(p);
}

/* HAProxy looks whether a server is there by connecting, without a header, and
 * leaving; or with send-proxy, with one that is LOCAL. */
static void haproxy_finds_us_healthy(void **state)
{
	int front, listener;
	struct proc *p;

	(void)state;
	need("haproxy", "haproxy");
	front = peer_listen("127.0.0.1:0");
	listener = peer_listen("127.0.0.1:0");
	p = RUN("--listen", "127.0.0.1:0", "--to", peer_where(listener),
		"--accept-proxy", "127.0.0.0/8");
	start_haproxy_front(front, program_where(p, 0),
			    "send-proxy-v2 check inter 50 fall 1");
	for (unsigned i = 0; i < 3; i++)
		proc_line(p, "closed client=", i);
	assert_int_equal(proc_count_lines(p, "why=bad-header"), 0);
	program_stop(p);
}

static void nginx_says_who_the_client_is(void **state)
{
	(void)state;
	need("nginx", "nginx-light");
	for (size_t i = 0; i < TWO && (i == 0 || has_ipv6()); i++) {
		int front = peer_listen(any_port(i));
		int listener = peer_listen("127.0.0.1:0");
		struct proc *p = RUN("--listen", any_port(i), "--to",
				     peer_where(listener), "--accept-proxy",
				     loopbacks[i]);

		start_nginx_front(front, program_where(p, 0));
		assert_carried(p, peer_where(front), listener, 0);
		program_stop(p);
	}
}

/* HAProxy -> lowport -> nginx, which has to know HAProxy's client. */
static void from_haproxy_to_nginx_the_client_stays_the_same(void **state)
{
	(void)state;
	need("haproxy", "haproxy");
	need("nginx", "nginx-light");
	need("curl", "curl");
	for (size_t i = 0; i < TWO && (i == 0 || has_ipv6()); i++) {
		int front = peer_listen(any_port(i));
		int back = peer_listen("127.0.0.1:0");
		struct proc *p =
			RUN("--listen", "127.0.0.1:0", "--to", peer_where(back),
			    "--accept-proxy", "127.0.0.1", "--proxy-protocol",
			    versions[1 - i]);

		start_nginx_server(back);
		start_haproxy_front(front, program_where(p, 0),
				    i == 0 ? "send-proxy" : "send-proxy-v2");
		assert_known_at(peer_where(front));
		program_stop(p);
	}
}

static void one_lowport_understands_another(void **state)
{
	(void)state;
	for (size_t i = 0; i < TWO && (i == 0 || has_ipv6()); i++) {
		int listener = peer_listen("127.0.0.1:0"), client, backend;
		struct proc *second =
			RUN("--listen", any_port(i), "--to",
			    peer_where(listener), "--accept-proxy",
			    loopbacks[i], "--proxy-protocol", versions[0]);
		struct proc *first = RUN("--listen", any_port(i), "--to",
					 program_where(second, 0),
					 "--proxy-protocol", versions[1]);

		client = peer_dial(program_where(first, 0));
		peer_send(client, "hello", 5);
		peer_end(client);
		backend = peer_accept(listener);
		assert_string_equal(peer_hear(backend),
				    scrap("PROXY %s %s %s %s %s\r\nhello",
					  i == 0 ? "TCP4" : "TCP6",
					  loopbacks[i], loopbacks[i],
					  port_of(peer_where(client)),
					  port_of(program_where(first, 0))));
		peer_close(backend);
		assert_string_equal(peer_hear(client), "");
		assert_says(proc_line(second, "closed client=", 0),
			    scrap("client=%s ", peer_where(client)));
		assert_says(proc_line(first, " up=", 0), " up=5 ");
		peer_close(client);
		program_stop(first);
		program_stop(second);
	}
}

static void who_is_not_trusted_may_say_anything(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	static const char lie[] = "PROXY TCP4 192.0.2.7 127.0.0.1 4711 80\r\n";
	struct proc *p =
		RUN("--listen", "127.0.0.1:0", "--to", backend_where(b),
		    "--accept-proxy", "10.0.0.0/8", "--accept-proxy", "unix");

	(void)state;
	assert_string_equal(peer_ask(program_where(p, 0), lie),
			    backend_answer(b, lie, strlen(lie)));
	assert_says(proc_line(p, "closed client=", 0), "client=127.0.0.1:");
	program_stop(p);
}

static void a_front_without_a_header_is_reset(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	struct proc *p =
		RUN("--listen", "127.0.0.1:0", "--to", backend_where(b),
		    "--accept-proxy", "127.0.0.1", "--proxy-timeout", "200ms");
	int silent;

	(void)state;
	assert_string_equal(peer_ask(program_where(p, 0), "GET / HTTP/1.0\r\n"),
			    "reset");
	assert_says(proc_line(p, "closed client=", 0),
		    " backend=- up=0 down=0 ");
	assert_says(proc_line(p, "closed client=", 0), " why=bad-header ");
	silent = peer_dial(program_where(p, 0));
	assert_string_equal(peer_hear(silent), "reset");
	assert_says(proc_line(p, "closed client=", 1),
		    " why=bad-header error=\"Connection timed out\"");
	assert_int_equal(backend_clients(b), 0);
	program_stop(p);
}

/* Where daemons are, for those whose PATH leaves it out. */
static int set_up(void **state)
{
	const char *path = getenv("PATH");
	char longer[4096];

	snprintf(longer, sizeof(longer), "%s:/usr/sbin:/usr/local/sbin",
		 path ? path : "/usr/bin:/bin");
	setenv("PATH", longer, 1);
	return program_set_up(state);
}

#define TEST(name) cmocka_unit_test_teardown(name, program_end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nginx_hears_who_the_client_is),
		TEST(haproxy_hears_who_the_client_is),
		TEST(both_serve_a_unix_client_of_ours),
		TEST(a_wildcard_listener_says_where_it_was_reached),
		TEST(haproxy_says_who_the_client_is),
		TEST(haproxy_says_it_over_a_unix_socket),
		TEST(haproxy_finds_us_healthy),
		TEST(nginx_says_who_the_client_is),
		TEST(from_haproxy_to_nginx_the_client_stays_the_same),
		TEST(one_lowport_understands_another),
		TEST(who_is_not_trusted_may_say_anything),
		TEST(a_front_without_a_header_is_reset),
	};

	return cmocka_run_group_tests(tests, set_up, program_tear_down);
}
