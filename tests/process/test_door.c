#include "process/program.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <time.h>

#include <cmocka.h>

/* Who may call, from the many addresses of the loopback interface. */

enum { SOURCES = 200, LINES_A_SECOND = 10 };

static struct backend *web(void)
{
	return backend_start("127.0.0.1:0", "web");
}

/* All of 127.0.0.0/8 is there on Linux, and one address of it on a Mac. */
static void need_more_addresses(void)
{
	if (peer_try_listen("127.0.0.2:0") < 0)
		program_skip("127.0.0.2 on the loopback interface");
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What a client from that address hears; "reset" if it is refused. */
static const char *ask_from(const char *from, const char *where)
{
	int fd = peer_try_dial_from(from, where);
	const char *heard;

	if (fd < 0 && errno == ECONNRESET)
		return "reset";
	if (fd < 0)
		fail_msg("%s to %s: %s", from, where, strerror(errno));
	/* It may be gone already. */
	shutdown(fd, SHUT_WR);
	heard = peer_hear(fd);
	peer_close(fd);
	return heard;
}

#define assert_let_in(from, where, b)                  \
	assert_string_equal(ask_from((from), (where)), \
			    backend_answer((b), "", 0))
#define assert_refused(from, where) \
	assert_string_equal(ask_from((from), (where)), "reset")

static void the_first_rule_that_fits_decides(void **state)
{
	struct backend *b = web();
	struct proc *p = RUN("--listen", "127.0.0.1:0", "--to",
			     backend_where(b), "--deny", "127.0.0.2", "--allow",
			     "127.0.0.0/29", "--allow", "127.1.0.0/16");
	const char *where = program_where(p, 0);

	(void)state;
	need_more_addresses();
	assert_let_in("127.0.0.1", where, b);
	assert_refused("127.0.0.2", where);
	assert_let_in("127.0.0.7", where, b);
	assert_refused("127.0.0.8", where);
	assert_let_in("127.1.255.255", where, b);
	assert_refused("127.2.0.0", where);
	assert_int_equal(backend_clients(b), 3);
	program_stop(p);
}

static void with_denials_only_the_others_are_let_in(void **state)
{
	struct backend *b = web();
	struct proc *p = RUN("--listen", "127.0.0.1:0", "--to",
			     backend_where(b), "--deny", "127.0.0.2");

	(void)state;
	need_more_addresses();
	assert_refused("127.0.0.2", program_where(p, 0));
	assert_let_in("127.0.0.3", program_where(p, 0), b);
	assert_says(proc_line(p, "refused client=127.0.0.2:", 0),
		    scrap(" local=%s why=denied", program_where(p, 0)));
	program_stop(p);
}

/* In a line for people, and in one for programs. */
static void a_relay_with_a_name_is_named(void **state)
{
	static const char *const formats[] = {"text", "json"};
	const char *path = program_file("lowport.conf");
	struct backend *b = web();
	FILE *f = fopen(path, "w");
	struct proc *p;

	(void)state;
	need_more_addresses();
	assert_non_null(f);
	fprintf(f,
		"[relay web]\nlisten = 127.0.0.1:0\nto = %s\n"
		"deny = 127.0.0.2\n",
		backend_where(b));
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0644), 0);
	for (size_t i = 0; i < 2; i++) {
		p = RUN("-c", path, "--log-format", formats[i]);
		assert_refused("127.0.0.2", program_where(p, 0));
		proc_line(p, "refused relay=web client=127.0.0.2:", 0);
		program_stop(p);
	}
}

static void an_ipv4_client_of_an_ipv6_listener_is_ipv4(void **state)
{
	struct backend *b = web();
	int listener = peer_try_listen("[::]:0");
	struct proc_options opt = {.fds = &listener, .fd_count = 1};
	const char *where;
	struct proc *p;

	(void)state;
	need_more_addresses();
	if (listener < 0)
		program_skip("IPv6");
	p = program_start((const char *const[]){"run", "--listen", "fd:3",
						"--to", backend_where(b),
						"--allow", "127.0.0.2", NULL},
			  &opt);
	where = scrap("127.0.0.1:%s", strrchr(peer_where(listener), ':') + 1);
	assert_let_in("127.0.0.2", where, b);
	assert_refused("127.0.0.3", where);
	/* And the line says where it came in. */
	assert_says(proc_line(p, "refused client=127.0.0.3:", 0),
		    scrap(" local=%s ", where));
	program_stop(p);
}

static void each_source_has_so_many(void **state)
{
	int listener = peer_listen("127.0.0.1:0"), extra;
	struct proc *p =
		RUN("--listen", "127.0.0.1:0", "--to", peer_where(listener),
		    "--threads", "3", "--drain-timeout", "0",
		    "--max-connections-per-source", "2");
	const char *where = program_where(p, 0);
	int fds[2][2], backends[2][2];

	(void)state;
	need_more_addresses();
	for (int s = 0; s < 2; s++) {
		const char *from = scrap("127.0.0.%d", 2 + s);

		for (int i = 0; i < 2; i++) {
			fds[s][i] = peer_try_dial_from(from, where);
			assert_true(fds[s][i] >= 0);
			backends[s][i] = peer_accept(listener);
		}
		assert_refused(from, where);
		assert_says(proc_line(p, scrap("refused client=%s:", from), 0),
			    " why=per-source");
	}
	peer_close(fds[0][0]);
	peer_close(backends[0][0]);
	proc_line(p, "closed client=127.0.0.2:", 0);
	extra = peer_try_dial_from("127.0.0.2", where);
	assert_true(extra >= 0);
	peer_accept(listener);
	assert_refused("127.0.0.2", where);
	assert_refused("127.0.0.3", where);
	program_stop(p);
}

static void each_source_has_its_rate(void **state)
{
	struct backend *b = web();
	struct proc *p = RUN("--listen", "127.0.0.1:0", "--to",
			     backend_where(b), "--max-rate", "3/m");
	const char *where = program_where(p, 0);

	(void)state;
	need_more_addresses();
	for (int s = 2; s < 5; s++) {
		const char *from = scrap("127.0.0.%d", s);

		for (int i = 0; i < 3; i++)
			assert_let_in(from, where, b);
		assert_refused(from, where);
		assert_says(proc_line(p, scrap("refused client=%s:", from), 0),
			    " why=rate");
	}
	program_stop(p);
}

static void each_group_counts_for_itself(void **state)
{
	struct backend *b = web();
	struct proc *p =
		RUN("--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0",
		    "--to", backend_where(b), "--listen", "127.0.0.1:0", "--to",
		    backend_where(b), "--max-rate", "2/m");

	(void)state;
	assert_let_in("127.0.0.1", program_where(p, 0), b);
	assert_let_in("127.0.0.1", program_where(p, 1), b);
	assert_refused("127.0.0.1", program_where(p, 0));
	assert_refused("127.0.0.1", program_where(p, 1));
	assert_let_in("127.0.0.1", program_where(p, 2), b);
	assert_let_in("127.0.0.1", program_where(p, 2), b);
	assert_refused("127.0.0.1", program_where(p, 2));
	program_stop(p);
}

static void a_unix_client_has_no_address_to_go_by(void **state)
{
	const char *where = scrap("unix:%s", program_file("door.sock"));
	struct backend *b = web();
	struct proc *p =
		RUN("--listen", where, "--listen", "127.0.0.1:0", "--to",
		    backend_where(b), "--allow", "192.0.2.0/24",
		    "--max-connections-per-source", "1", "--max-rate", "1/m");

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_served(where, b);
	assert_refused("127.0.0.1", program_where(p, 1));
	program_stop(p);
}

/* Of all lines that say "refused N more", the sum of N. */
static unsigned left_out(struct proc *p)
{
	unsigned sum = 0, count;

	for (const char *at = proc_err(p); (at = strstr(at, "refused ")); at++)
		if (sscanf(at, "refused %u more,", &count) == 1)
			sum += count;
	return sum;
}

static void many_sources_do_not_make_many_lines(void **state)
{
	struct backend *b = web();
	struct proc *p = RUN("--listen", "127.0.0.1:0", "--to",
			     backend_where(b), "--deny", "127.0.0.0/16");
	const char *where = program_where(p, 0);
	int64_t begun_ms = now_ms();
	unsigned lines, seconds;

	(void)state;
	need_more_addresses();
	for (int i = 0; i < SOURCES; i++)
		assert_refused(scrap("127.0.1.%d", i + 1), where);
	proc_line(p, "more, each without a line", 0);
	program_stop(p);
	lines = proc_count_lines(p, "refused client=");
	seconds = 1 + (unsigned)(now_ms() - begun_ms) / 1000;
	assert_in_range(lines, LINES_A_SECOND, LINES_A_SECOND * seconds);
	assert_int_equal(lines + left_out(p), SOURCES);
}

/* The status of a curl from that address. */
static int curl_from(const char *from, const char *where)
{
	const char *script = scrap("curl -sS -o %s --interface %s http://%s/; "
				   "echo $?",
				   program_file("page"), from, where);
	struct proc *p = proc_start(
		(const char *const[]){"sh", "-c", script, NULL}, NULL);

	proc_end(p, 0);
	return atoi(proc_out(p));
}

static void curl_is_told_apart_by_its_address(void **state)
{
	const char *const serve[] = {
		"sh", "-c", "exec python3 -u -m http.server -b 127.0.0.1 0 >&2",
		NULL};
	struct proc *p, *server;
	unsigned port;
	int status;

	(void)state;
	need_more_addresses();
	if (!proc_has("curl") || !proc_has("python3"))
		program_skip("curl or python3");
	server = proc_start(serve, NULL);
	assert_int_equal(
		sscanf(proc_line(server, " port ", 0), " port %u", &port), 1);
	p = RUN("--listen", "127.0.0.1:0", "--to", scrap("127.0.0.1:%u", port),
		"--allow", "127.0.0.2");
	assert_int_equal(curl_from("127.0.0.2", program_where(p, 0)), 0);
	status = curl_from("127.0.0.3", program_where(p, 0));
	/* curl(1): it could not connect, send or receive, whichever the reset
	 * has come to first. */
	if (status != 7 && status != 55)
		assert_int_equal(status, 56);
	program_stop(p);
}

static void mistakes_are_told(void **state)
{
	struct proc *p = program_start(
		(const char *const[]){"run", "--listen", "127.0.0.1:0", "--to",
				      "8080", "--allow", "10.0.0.1/8",
				      "--max-rate", "10", NULL},
		NULL);

	(void)state;
	proc_end(p, 2);
	assert_says(proc_err(p), "--allow: \"10.0.0.1/8\" has bits set beyond "
				 "its prefix (try 10.0.0.0/8");
	assert_says(proc_err(p), "--max-rate: \"10\" is not a rate (try 10/s");
}

#define TEST(name) cmocka_unit_test_teardown(name, program_end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_rule_that_fits_decides),
		TEST(with_denials_only_the_others_are_let_in),
		TEST(a_relay_with_a_name_is_named),
		TEST(an_ipv4_client_of_an_ipv6_listener_is_ipv4),
		TEST(each_source_has_so_many),
		TEST(each_source_has_its_rate),
		TEST(each_group_counts_for_itself),
		TEST(a_unix_client_has_no_address_to_go_by),
		TEST(many_sources_do_not_make_many_lines),
		TEST(curl_is_told_apart_by_its_address),
		TEST(mistakes_are_told),
	};

	return cmocka_run_group_tests(tests, program_set_up, program_tear_down);
}
