#include "process/program.h"

#include "control/http.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* The server, which tells made up numbers (shown.c). */

enum { MANY = HTTP_CLIENTS + 20 };

#define SHOWN(...) \
	shown((const char *const[]){SHOWN_PROGRAM, __VA_ARGS__, NULL})

static struct proc *shown(const char *const argv[])
{
	struct proc *p = proc_start(argv, NULL);

	proc_line(p, "serving ", 0);
	return p;
}

static const char *where_of(struct proc *p)
{
	return proc_line(p, "serving ", 0) + strlen("serving ");
}

static void stop_shown(struct proc *p)
{
	proc_signal(p, SIGTERM);
	proc_end(p, 0);
}

/* The whole answer to these bytes; the connection ends with it. */
static const char *answer_to(const char *where, const char *request)
{
	int fd = peer_dial(where);
	const char *answer;

	peer_send(fd, request, strlen(request));
	answer = peer_hear(fd);
	peer_close(fd);
	return answer;
}

static const char *ask_as(struct proc *p, const char *method, const char *path,
			  const char *headers)
{
	return answer_to(where_of(p),
			 scrap("%s %s HTTP/1.1\r\n%sConnection: close\r\n\r\n",
			       method, path, headers));
}

#define OUR_HOST "Host: localhost\r\n"

static const char *get(struct proc *p, const char *path)
{
	return ask_as(p, "GET", path, OUR_HOST);
}

static void assert_status(const char *answer, int status)
{
	const char *wanted = scrap("HTTP/1.1 %d ", status);

	if (strncmp(answer, wanted, strlen(wanted)) != 0)
		fail_msg("not a %d: %.1000s", status, answer);
}

/* By us, or by a libmicrohttpd that does not let it come so far (1.0). */
static void assert_turned_away(const char *answer)
{
	if (strncmp(answer, "HTTP/1.1 400 ", 13) != 0)
		assert_status(answer, 403);
}

static void each_page_is_what_it_says(void **state)
{
	struct proc *p = SHOWN("127.0.0.1:0");
	const char *brief;

	(void)state;
	assert_status(get(p, "/"), 200);
	assert_says(get(p, "/"), "Content-Type: text/html; charset=utf-8");
	assert_says(get(p, "/metrics"),
		    "Content-Type: text/plain; version=0.0.4; charset=utf-8");
	assert_says(get(p, "/metrics"),
		    "lowport_build_info{version=\"1.2.3\"}");
	assert_says(get(p, "/status.json"), "Content-Type: application/json");
	assert_says(get(p, "/status.json"), "\"pid\":4711");
	brief = get(p, "/status.json?connections=0");
	assert_says(brief, "\"pid\":4711");
	assert_null(strstr(brief, "\"connections\":"));
	assert_status(get(p, "/healthz"), 200);
	assert_says(get(p, "/healthz"), "\r\n\r\nok\n");
	assert_status(get(p, "/healthz?because"), 200);
	stop_shown(p);
}

static void what_is_not_there_is_404(void **state)
{
	static const char *const paths[] = {
		"/x", "/metrics/", "/../metrics",   "/favicon.ico",
		"//", "/%2e%2e",   "/status.json/", "/healthz%20"};
	struct proc *p = SHOWN("127.0.0.1:0");

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		assert_status(get(p, paths[i]), 404);
	assert_says(get(p, "/x"), "/metrics, /status.json and /healthz");
	stop_shown(p);
}

static void only_get_and_head_are_served(void **state)
{
	static const char *const methods[] = {
		"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "FROB"};
	struct proc *p = SHOWN("127.0.0.1:0");
	const char *head;

	(void)state;
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		const char *said = ask_as(p, methods[i], "/metrics", OUR_HOST);

		assert_status(said, 405);
		assert_says(said, "Allow: GET, HEAD");
	}
	head = ask_as(p, "HEAD", "/metrics", OUR_HOST);
	assert_status(head, 200);
	assert_string_equal(strstr(head, "\r\n\r\n"), "\r\n\r\n");
	assert_null(strstr(head, "Content-Length: 0"));
	stop_shown(p);
}

static void a_request_with_a_body_is_refused(void **state)
{
	struct proc *p = SHOWN("127.0.0.1:0");

	(void)state;
	assert_status(ask_as(p, "GET", "/metrics",
			     OUR_HOST "Content-Length: 1000000\r\n"),
		      400);
	assert_status(ask_as(p, "GET", "/metrics",
			     OUR_HOST "Transfer-Encoding: chunked\r\n"),
		      400);
	assert_status(ask_as(p, "GET", "/metrics",
			     OUR_HOST "Content-Length: 0\r\n"),
		      200);
	stop_shown(p);
}

static void nothing_may_be_kept_framed_or_guessed(void **state)
{
	static const char *const paths[] = {"/", "/metrics", "/status.json",
					    "/healthz", "/x"};
	static const char *const wanted[] = {
		"Cache-Control: no-store",
		"X-Content-Type-Options: nosniff",
		"X-Frame-Options: DENY",
		"Content-Security-Policy: default-src 'none'; ",
		"frame-ancestors 'none'",
		"Cross-Origin-Resource-Policy: same-origin"};
	struct proc *p = SHOWN("127.0.0.1:0");

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		for (size_t j = 0; j < sizeof(wanted) / sizeof(wanted[0]); j++)
			assert_says(get(p, paths[i]), wanted[j]);
	assert_null(strstr(get(p, "/metrics"), "Access-Control-Allow"));
	stop_shown(p);
}

/* DNS rebinding: a page of evil.example whose name becomes 127.0.0.1. */
static void a_foreign_host_header_gets_nothing(void **state)
{
	static const char *const paths[] = {"/", "/metrics", "/status.json",
					    "/healthz", "/x"};
	struct proc *p = SHOWN("127.0.0.1:0", "--host", "box.lan");

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		const char *said =
			ask_as(p, "GET", paths[i], "Host: evil.example\r\n");

		assert_status(said, 403);
		assert_says(said, "\"evil.example\"");
		assert_says(said, "--http-host");
	}
	assert_turned_away(ask_as(p, "GET", "/metrics",
				  OUR_HOST "Host: evil.example\r\n"));
	assert_status(ask_as(p, "POST", "/", "Host: evil.example\r\n"), 403);
	assert_status(ask_as(p, "GET", "/healthz", "Host: Box.LAN:80\r\n"),
		      200);
	assert_status(ask_as(p, "GET", "/healthz",
			     scrap("Host: %s\r\n", where_of(p))),
		      200);
	stop_shown(p);
}

static void without_a_host_header_only_http_1_0_is_served(void **state)
{
	struct proc *p = SHOWN("127.0.0.1:0");

	(void)state;
	assert_status(ask_as(p, "GET", "/healthz", ""), 400);
	assert_says(answer_to(where_of(p), "GET /healthz HTTP/1.0\r\n\r\n"),
		    "\r\n\r\nok\n");
	stop_shown(p);
}

static void a_unix_socket_takes_any_host(void **state)
{
	const char *path = program_file("http.sock");
	struct proc *p = SHOWN(scrap("unix:%s", path));

	(void)state;
	assert_status(ask_as(p, "GET", "/healthz", "Host: what.ever\r\n"), 200);
	assert_says(answer_to(where_of(p), "GET /healthz HTTP/1.0\r\n\r\n"),
		    "\r\n\r\nok\n");
	stop_shown(p);
	assert_int_equal(access(path, F_OK), -1);
}

static void health_says_why_it_is_not(void **state)
{
	struct proc *draining = SHOWN("127.0.0.1:0", "--draining");
	struct proc *dead = SHOWN("127.0.0.1:0", "--dead");

	(void)state;
	assert_status(get(draining, "/healthz"), 503);
	assert_says(get(draining, "/healthz"), "draining");
	assert_status(get(dead, "/healthz"), 503);
	assert_says(get(dead, "/healthz"),
		    "no listener is alive: 127.0.0.1:80 of relay web, ");
	assert_status(get(dead, "/metrics"), 200);
	stop_shown(draining);
	stop_shown(dead);
}

static void one_connection_serves_many_requests(void **state)
{
	static const char request[] =
		"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
	struct proc *p = SHOWN("127.0.0.1:0");
	int fd = peer_dial(where_of(p));
	const char *said, *at;
	unsigned count = 0;

	(void)state;
	peer_send(fd, request, strlen(request));
	peer_send(fd, request, strlen(request));
	said = scrap("%s", "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n");
	peer_send(fd, said, strlen(said));
	for (at = peer_hear(fd); (at = strstr(at, "HTTP/1.1 ")); at++)
		count++;
	assert_int_equal(count, 3);
	stop_shown(p);
}

static void garbage_is_refused_and_harms_nobody(void **state)
{
	struct proc *p = SHOWN("127.0.0.1:0");
	size_t size = 200000;
	char *bytes = malloc(size);
	int fd;

	(void)state;
	for (uint64_t place = 0; place < 20; place++) {
		fd = peer_try_dial(where_of(p));
		peer_fill(bytes, 4096, place * 4096);
		if (write(fd, bytes, 4096) < 0)
			print_message("refused at once\n");
		peer_end(fd);
		peer_hear(fd);
		peer_close(fd);
	}
	/* A head that is too long. */
	memset(bytes, 'a', size);
	memcpy(bytes, "GET /", 5);
	fd = peer_dial(where_of(p));
	if (write(fd, bytes, size) < 0)
		print_message("refused at once\n");
	peer_hear(fd);
	free(bytes);
	assert_status(get(p, "/healthz"), 200);
	stop_shown(p);
}

static void a_request_that_takes_too_long_is_cut_off(void **state)
{
	struct proc *p = SHOWN("127.0.0.1:0", "--patience", "300");
	int silent = peer_dial(where_of(p)), slow = peer_dial(where_of(p));

	(void)state;
	peer_send(slow, "GET /metrics HTTP/1.1\r\nHo", 25);
	assert_string_equal(peer_hear(silent), "");
	peer_hear(slow);
	assert_status(get(p, "/healthz"), 200);
	stop_shown(p);
}

/* So many at a time, exactly; whoever comes then is served once one goes. */
static void further_clients_wait_in_the_backlog(void **state)
{
	static const char request[] =
		"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
	struct proc *p = SHOWN("127.0.0.1:0");
	int fds[MANY];
	char byte;

	(void)state;
	for (int i = 0; i < MANY; i++) {
		fds[i] = peer_dial(where_of(p));
		peer_send(fds[i], request, strlen(request));
	}
	for (int i = 0; i < HTTP_CLIENTS; i++)
		assert_int_equal(read(fds[i], &byte, 1), 1);
	for (int i = HTTP_CLIENTS; i < MANY; i++)
		assert_true(peer_is_silent(fds[i], 5));
	for (int i = 0; i < HTTP_CLIENTS; i++)
		peer_close(fds[i]);
	for (int i = HTTP_CLIENTS; i < MANY; i++) {
		assert_int_equal(read(fds[i], &byte, 1), 1);
		peer_close(fds[i]);
	}
	assert_status(get(p, "/healthz"), 200);
	stop_shown(p);
}

static void who_asks_at_the_same_time_gets_one_snapshot(void **state)
{
	static const char request[] = "GET /metrics HTTP/1.1\r\nHost: "
				      "localhost\r\nConnection: close\r\n\r\n";
	struct proc *p = SHOWN("127.0.0.1:0", "--late", "500");
	int fds[HTTP_CLIENTS];

	(void)state;
	for (int i = 0; i < HTTP_CLIENTS; i++) {
		fds[i] = peer_dial(where_of(p));
		peer_send(fds[i], request, strlen(request));
	}
	for (int i = 0; i < HTTP_CLIENTS; i++)
		assert_status(peer_hear(fds[i]), 200);
	stop_shown(p);
	/* One for the first, and one for those who came while it was made. */
	assert_in_range(atoi(proc_line(p, "took ", 0) + strlen("took ")), 1, 4);
}

/* Whoever waits is let go, and the snapshot comes to nobody. */
static void it_ends_while_a_snapshot_is_made(void **state)
{
	static const char request[] =
		"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
	struct proc *p = SHOWN("127.0.0.1:0", "--late", "300");
	const char *where = where_of(p);
	int first = peer_dial(where), second, idle;

	(void)state;
	peer_send(first, request, strlen(request));
	assert_true(peer_is_silent(first, 100));
	second = peer_dial(where);
	peer_send(second, request, strlen(request));
	idle = peer_dial(where);
	stop_shown(p);
	peer_hear(first);
	peer_hear(second);
	peer_hear(idle);
	assert_string_equal(proc_line(p, "took ", 0), "took 1");
}

static void a_client_that_leaves_before_its_answer_harms_nobody(void **state)
{
	static const char request[] =
		"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
	struct proc *p = SHOWN("127.0.0.1:0", "--late", "100");

	(void)state;
	for (int i = 0; i < HTTP_CLIENTS; i++) {
		int fd = peer_dial(where_of(p));

		peer_send(fd, request, strlen(request));
		if (i % 2 == 0)
			peer_reset(fd);
		else
			peer_close(fd);
	}
	assert_status(get(p, "/metrics"), 200);
	stop_shown(p);
}

#define TEST(name) cmocka_unit_test_teardown(name, program_end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_page_is_what_it_says),
		TEST(what_is_not_there_is_404),
		TEST(only_get_and_head_are_served),
		TEST(a_request_with_a_body_is_refused),
		TEST(nothing_may_be_kept_framed_or_guessed),
		TEST(a_foreign_host_header_gets_nothing),
		TEST(without_a_host_header_only_http_1_0_is_served),
		TEST(a_unix_socket_takes_any_host),
		TEST(health_says_why_it_is_not),
		TEST(one_connection_serves_many_requests),
		TEST(garbage_is_refused_and_harms_nobody),
		TEST(a_request_that_takes_too_long_is_cut_off),
		TEST(further_clients_wait_in_the_backlog),
		TEST(who_asks_at_the_same_time_gets_one_snapshot),
		TEST(it_ends_while_a_snapshot_is_made),
		TEST(a_client_that_leaves_before_its_answer_harms_nobody),
	};

	return cmocka_run_group_tests(tests, program_set_up, program_tear_down);
}
