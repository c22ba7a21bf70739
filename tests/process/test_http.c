#include "process/program.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* --http of a lowport that relays, asked by curl. */

static struct backend *web(void)
{
	return backend_start("127.0.0.1:0", "web");
}

static const char *url_of(struct proc *p)
{
	return proc_line(p, "status over HTTP at ", 0) +
	       strlen("status over HTTP at ");
}

/* What curl gets, and on a line of its own the status. */
static const char *curl(const char *const arguments[], const char *url)
{
	const char *argv[32] = {"curl",      "-sS", "--noproxy",
				"*",         "-m",  "10",
				"--globoff", "-w",  "\n%{http_code}"};
	size_t n = 9;
	struct proc *p;

	if (!proc_has("curl"))
		program_skip("curl");
	for (size_t i = 0; arguments && arguments[i]; i++)
		argv[n++] = arguments[i];
	argv[n] = url;
	p = proc_start(argv, NULL);
	proc_end(p, 0);
	return proc_out(p);
}

#define CURL(url, ...) curl((const char *const[]){__VA_ARGS__, NULL}, url)

static const char *get(struct proc *p, const char *path)
{
	return curl(NULL, scrap("%s%s", url_of(p), path));
}

static void each_page_is_there(void **state)
{
	struct backend *b = web();
	struct proc *p = RUN("--listen", "127.0.0.1:0", "--to",
			     backend_where(b), "--http", "127.0.0.1:0");

	(void)state;
	assert_string_equal(get(p, "healthz"), "ok\n\n200");
	assert_says(get(p, ""), "<!doctype html>");
	assert_says(get(p, "status.json"),
		    scrap("\"pid\":%d,", (int)proc_pid(p)));
	assert_says(get(p, "status.json"),
		    scrap("\"address\":\"%s\"", program_where(p, 0)));
	assert_says(get(p, "metrics"),
		    "\nlowport_connections_accepted_total 0\n");
	assert_says(get(p, "nowhere"), "\n404");
	assert_says(CURL(url_of(p), "-X", "DELETE"), "\n405");
	assert_says(CURL(url_of(p), "-H", "Host: evil.example"), "\n403");
	assert_says(CURL(url_of(p), "--head"), "X-Frame-Options: DENY");
	program_stop(p);
}

static void what_is_relayed_is_counted(void **state)
{
	struct backend *b = web();
	struct proc *p = RUN("--listen", "127.0.0.1:0", "--to",
			     backend_where(b), "--http", "127.0.0.1:0");
	int client;

	(void)state;
	assert_served(program_where(p, 0), b);
	proc_line(p, "closed client=", 0);
	assert_says(get(p, "metrics"),
		    "\nlowport_connections_accepted_total 1\n");
	assert_says(get(p, "metrics"),
		    "\nlowport_connections_ended_total{reason=\"done\"} 1\n");
	assert_says(get(p, "metrics"),
		    "\nlowport_relayed_bytes_total{direction=\"up\"} 5\n");
	client = peer_dial(program_where(p, 0));
	peer_send(client, "x", 1);
	backend_await_bytes(b, 6);
	assert_says(get(p, "metrics"), "\nlowport_connections_open 1\n");
	assert_says(get(p, "status.json"), "\"open\":1,");
	peer_close(client);
	program_stop(p);
}

static void it_tells_of_draining_until_the_end(void **state)
{
	struct backend *b = web();
	struct proc *p = RUN("--listen", "127.0.0.1:0", "--to",
			     backend_where(b), "--http", "127.0.0.1:0");
	int client = peer_dial(program_where(p, 0));

	(void)state;
	peer_send(client, "x", 1);
	backend_await_bytes(b, 1);
	proc_signal(p, SIGTERM);
	proc_line(p, "SIGTERM: ", 0);
	assert_says(get(p, "healthz"), "draining");
	assert_says(get(p, "healthz"), "\n503");
	assert_says(get(p, "metrics"), "\nlowport_draining 1\n");
	peer_close(client);
	proc_end(p, 0);
}

static void clients_of_it_do_not_keep_lowport(void **state)
{
	struct backend *b = web();
	struct proc *p = RUN("--listen", "127.0.0.1:0", "--to",
			     backend_where(b), "--http", "127.0.0.1:0");
	char where[64];
	int silent;

	(void)state;
	sscanf(url_of(p), "http://%63[^/]", where);
	silent = peer_dial(where);
	peer_send(silent, "GET / HT", 8);
	get(p, "healthz");
	program_stop(p);
	peer_hear(silent);
}

static void a_unix_socket_is_private_and_goes_at_the_end(void **state)
{
	struct backend *b = web();
	const char *path = program_file("status.sock");
	struct proc *p =
		RUN("--listen", "127.0.0.1:0", "--to", backend_where(b),
		    "--http", scrap("unix:%s", path));
	struct stat st;

	(void)state;
	assert_says(url_of(p),
		    scrap("unix:%s (curl --unix-socket %s ", path, path));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_string_equal(CURL("http://any.thing/healthz", "--unix-socket",
				 path),
			    "ok\n\n200");
	program_stop(p);
	assert_int_equal(access(path, F_OK), -1);
}

static struct proc *fails(const char *http, const char *more, int status)
{
	struct proc *p = program_start(
		(const char *const[]){"run", "--listen", "127.0.0.1:0", "--to",
				      "127.0.0.1:8080", "--http", http, more,
				      more ? "on" : NULL, NULL},
		NULL);

	proc_end(p, status);
	return p;
}

static void a_port_that_is_taken_is_said_to_be(void **state)
{
	const char *where = peer_where(peer_listen("127.0.0.1:0"));
	struct proc *p = fails(where, NULL, 1);

	(void)state;
	assert_says(proc_err(p), scrap("--http: %s: another program holds "
				       "this port",
				       where));
	assert_int_equal(proc_count_lines(p, "listening on"), 0);
}

static void an_address_that_is_not_here_is_said_to_be(void **state)
{
	struct proc *p = fails("192.0.2.1:0", "--http-anywhere", 1);

	(void)state;
	assert_says(proc_err(p), "--http: 192.0.2.1:0: this machine does not "
				 "have that address");
}

static void the_world_gets_it_only_if_that_was_said(void **state)
{
	struct backend *b = web();
	struct proc *p = fails("0.0.0.0:0", NULL, 2);
	unsigned port;

	(void)state;
	assert_says(proc_err(p), "--http-anywhere on");
	p = RUN("--listen", "127.0.0.1:0", "--to", backend_where(b), "--http",
		"0.0.0.0:0", "--http-anywhere", "on", "--http-host",
		"status.example");
	assert_int_equal(sscanf(url_of(p), "http://0.0.0.0:%u/", &port), 1);
	assert_says(curl(NULL, scrap("http://127.0.0.1:%u/healthz", port)),
		    "\n200");
	assert_says(CURL(scrap("http://127.0.0.1:%u/healthz", port), "-H",
			 "Host: Status.Example"),
		    "\n200");
	assert_says(CURL(scrap("http://127.0.0.1:%u/healthz", port), "-H",
			 "Host: other.example"),
		    "\n403");
	program_stop(p);
}

/* What it may take is not promised to connections. */
static void its_descriptors_are_set_aside(void **state)
{
	struct proc_options opt = {.descriptors = 200};
	struct backend *b = web();
	struct proc *p = RUN_WITH(&opt, "--listen", "127.0.0.1:0", "--to",
				  backend_where(b), "--max-connections", "80",
				  "--http", "127.0.0.1:0");

	(void)state;
	assert_says(proc_err(p), "max-connections 80 is more than 200 "
				 "descriptors carry");
	program_stop(p);
	p = RUN_WITH(&opt, "--listen", "127.0.0.1:0", "--to", backend_where(b),
		     "--max-connections", "80");
	assert_int_equal(proc_count_lines(p, "max-connections"), 0);
	program_stop(p);
}

static const char *write_config(const char *to, const char *http)
{
	const char *path = program_file("lowport.conf");
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fprintf(f, "[lowport]\n%s[relay web]\nlisten = unix:%s\nto = %s\n",
		http, program_file("web.sock"), to);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0644), 0);
	return path;
}

static void reload(struct proc *p, const char *to, const char *http,
		   unsigned index)
{
	write_config(to, http);
	proc_signal(p, SIGHUP);
	proc_line(p, "the new configuration is in force", index);
}

static void a_reload_moves_it_and_shuts_it_and_opens_it(void **state)
{
	const char *to = backend_where(web());
	const char *path = program_file("http.sock"), *first, *second;
	const char *at_file = scrap("http = unix:%s\n", path);
	struct proc *p;

	(void)state;
	p = RUN("-c", write_config(to, "http = 127.0.0.1:0\n"));
	first = url_of(p);
	reload(p, to, at_file, 0);
	second = proc_line(p, "status over HTTP at ", 1);
	assert_says(second, path);
	assert_int_equal(peer_try_dial(scrap("%.*s",
					     (int)strcspn(first + 7, "/"),
					     first + 7)),
			 -1);
	assert_string_equal(CURL("http://localhost/healthz", "--unix-socket",
				 path),
			    "ok\n\n200");
	reload(p, to, "", 1);
	assert_int_equal(access(path, F_OK), -1);
	reload(p, to, at_file, 2);
	reload(p, to, scrap("%shttp-host = one.test\n", at_file), 3);
	assert_string_equal(CURL("http://localhost/healthz", "--unix-socket",
				 path),
			    "ok\n\n200");
	assert_int_equal(proc_count_lines(p, "stays as it is"), 0);
	program_stop(p);
	assert_int_equal(access(path, F_OK), -1);
}

static const char *called(struct proc *p, const char *name)
{
	return CURL(scrap("%shealthz", url_of(p)), "-H",
		    scrap("Host: %s", name));
}

static void a_reload_changes_its_names_at_the_same_place(void **state)
{
	static const char one[] = "http = 127.0.0.1:0\nhttp-host = one.test\n";
	static const char two[] = "http = 127.0.0.1:0\nhttp-host = two.test\n";
	const char *to = backend_where(web());
	struct proc *p = RUN("-c", write_config(to, one));

	(void)state;
	/* That of a configuration which is gone. */
	reload(p, to, one, 0);
	reload(p, to, one, 1);
	assert_says(called(p, "one.test"), "\n200");
	reload(p, to, two, 2);
	assert_says(called(p, "one.test"), "\n403");
	assert_says(called(p, "two.test"), "\n200");
	program_stop(p);
}

static void a_reload_that_cannot_have_it_changes_nothing(void **state)
{
	const char *to = backend_where(web());
	int held = peer_listen("127.0.0.1:0");
	struct proc *p = RUN("-c", write_config(to, "http = 127.0.0.1:0\n"));

	(void)state;
	write_config(to, scrap("http = %s\n", peer_where(held)));
	proc_signal(p, SIGHUP);
	proc_line(p, "the configuration stays as it was", 0);
	assert_says(proc_err(p), "--http: ");
	assert_string_equal(get(p, "healthz"), "ok\n\n200");
	program_stop(p);
}

#define TEST(name) cmocka_unit_test_teardown(name, program_end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_page_is_there),
		TEST(what_is_relayed_is_counted),
		TEST(it_tells_of_draining_until_the_end),
		TEST(clients_of_it_do_not_keep_lowport),
		TEST(a_unix_socket_is_private_and_goes_at_the_end),
		TEST(a_port_that_is_taken_is_said_to_be),
		TEST(an_address_that_is_not_here_is_said_to_be),
		TEST(the_world_gets_it_only_if_that_was_said),
		TEST(its_descriptors_are_set_aside),
		TEST(a_reload_moves_it_and_shuts_it_and_opens_it),
		TEST(a_reload_changes_its_names_at_the_same_place),
		TEST(a_reload_that_cannot_have_it_changes_nothing),
	};

	return cmocka_run_group_tests(tests, program_set_up, program_tear_down);
}
