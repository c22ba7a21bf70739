#include "process/program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

/* lowport check and lowport reload, as a person has them. */

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

static struct proc *run(int status, const char *const argv[])
{
	struct proc *p = program_start(argv, NULL);

	proc_end(p, status);
	return p;
}

#define LOWPORT(status, ...) \
	run(status, (const char *const[]){__VA_ARGS__, NULL})

static void check_tells_what_would_be_done(void **state)
{
	struct proc *p;

	(void)state;
	p = LOWPORT(0, "check", "-c",
		    write_config("[relay web]\n"
				 "listen = 127.0.0.1:80\n"
				 "listen = if:none0:80\n"
				 "listen = launchd:http\n"
				 "to = 127.0.0.1:8080\n"
				 "to = 127.0.0.1:8081\n"
				 "[relay app]\n"
				 "listen = unix:/tmp/app.sock\n"
				 "exec = node app.js\n"));
	assert_string_equal(
		proc_out(p),
		"no mistake; 2 relays:\n"
		"relay web\n"
		"  listen  127.0.0.1:80  (opened by lowport)\n"
		"  listen  if:none0:80  (opened by lowport at each address of "
		"the interface: the interface is not there yet)\n"
		"  listen  launchd:http  (handed over by launchd)\n"
		"  to      127.0.0.1:8080\n"
		"  to      127.0.0.1:8081\n"
		"relay app\n"
		"  listen  unix:/tmp/app.sock  (a socket file made by "
		"lowport)\n"
		"  exec    node app.js  (for the first client)\n"
		"  to      a free port  (chosen when lowport starts)\n");
	assert_string_equal(proc_err(p), "");
}

static void check_tells_what_would_be_taken(void **state)
{
	const char *path = write_config("[relay web]\n"
					"listen = 127.0.0.1:80\n"
					"listen = if:none0:80\n"
					"listen = unix:/tmp/app.sock\n"
					"to = 127.0.0.1:8080\n");
	struct proc *p = LOWPORT(0, "check", "-c", path, "--take", "systemd:a",
				 "--take", "systemd:b", "--take", "fd:9");

	(void)state;
	assert_string_equal(
		proc_out(p),
		"no mistake; 1 relay:\n"
		"relay web\n"
		"  listen  127.0.0.1:80  (taken from systemd or the parent "
		"process where that hands it over, else opened by lowport)\n"
		"  listen  if:none0:80  (taken from systemd or the parent "
		"process where that hands it over, else opened by lowport at "
		"each address of the interface: the interface is not there "
		"yet)\n"
		"  listen  unix:/tmp/app.sock  (taken from systemd or the "
		"parent process where that hands it over, else a socket file "
		"made by lowport)\n"
		"  to      127.0.0.1:8080\n");
}

static void check_tells_every_mistake_with_its_place(void **state)
{
	struct proc *p;

	(void)state;
	p = LOWPORT(2, "check", "-c",
		    write_config("[relay web]\n"
				 "listen = 127.0.0.1:80\n"
				 "to = 127.0.0.1\n"
				 "idle-timeout = soon\n"));
	assert_string_equal(proc_out(p), "");
	assert_says(proc_err(p), "lowport.conf:3: to: ");
	assert_says(proc_err(p), "lowport.conf:4: idle-timeout: \"soon\" is "
				 "not a duration (try 30s, 10m, 2h)");
	p = LOWPORT(2, "check", "-c", program_file("none.conf"));
	assert_says(proc_err(p), "none.conf: No such file or directory");
	p = LOWPORT(2, "check");
	assert_says(proc_err(p), "nothing to listen on");
}

static void reload_tells_how_it_went(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *to = backend_where(b), *where;
	struct proc *p, *asked;

	(void)state;
	p = RUN("-c", write_config(scrap("[lowport]\nstatus = web\n[relay a]\n"
					 "listen = 127.0.0.1:0\nto = %s\n",
					 to)));
	where = program_where(p, 0);
	asked = LOWPORT(0, "reload");
	assert_string_equal(proc_out(asked),
			    "the new configuration is in force\n");
	write_config("[relay a]\nlisten = 127.0.0.1:0\nto = nowhere\n");
	asked = LOWPORT(2, "reload", "--socket", "web");
	assert_string_equal(proc_out(asked),
			    "the configuration stays as it was\n");
	assert_says(proc_err(asked), "lowport.conf:3: to: \"nowhere\"");
	proc_line(p, "lowport.conf:3: to: \"nowhere\"", 0);
	assert_served(where, b);
	asked = LOWPORT(0, "status", "--json");
	assert_says(proc_out(asked), "\"reloads\":1,\"reloads_refused\":1,");
	asked = LOWPORT(2, "reload", "now");
	assert_says(proc_err(asked), "\"now\" is not understood");
	program_stop(p);
	asked = LOWPORT(1, "reload");
	assert_says(proc_err(asked), "lowport");
}

static void what_a_relay_has_counted_outlives_a_reload(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *to = backend_where(b), *where;
	struct proc *p, *asked;

	(void)state;
	p = RUN("-c", write_config(scrap("[relay a]\nlisten = 127.0.0.1:0\n"
					 "to = %s\n",
					 to)));
	where = program_where(p, 0);
	assert_served(where, b);
	proc_line(p, "closed relay=a client=", 0);
	write_config(scrap("[relay a]\nlisten = 127.0.0.1:0\nto = %s\n"
			   "to = 127.0.0.1:1\n",
			   to));
	LOWPORT(0, "reload");
	assert_served(where, b);
	proc_line(p, "closed relay=a client=", 1);
	asked = LOWPORT(0, "status");
	assert_says(proc_out(asked), "0 now, 2 in all");
	program_stop(p);
}

#define TEST(name) cmocka_unit_test_teardown(name, program_end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(check_tells_what_would_be_done),
		TEST(check_tells_what_would_be_taken),
		TEST(check_tells_every_mistake_with_its_place),
		TEST(reload_tells_how_it_went),
		TEST(what_a_relay_has_counted_outlives_a_reload),
	};

	return cmocka_run_group_tests(tests, program_set_up, program_tear_down);
}
