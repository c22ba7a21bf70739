#include "process/nginx.h"
#include "process/program.h"

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

enum { MEGABYTE = 1 << 20, BIG = 100 };

/* What this shell command prints; it has to end well. */
static const char *output(const char *command)
{
	struct proc *p = proc_start(
		(const char *const[]){"sh", "-c", command, NULL}, NULL);

	proc_end(p, 0);
	return proc_out(p);
}

static void make_big_file(void)
{
	FILE *f = nginx_file("big");
	char *bytes = test_malloc(MEGABYTE);

	for (uint64_t i = 0; i < BIG; i++) {
		/* Each megabyte another one, without making it anew. */
		if (i == 0)
			peer_fill(bytes, MEGABYTE, 0);
		memcpy(bytes, &i, sizeof(i));
		assert_int_equal(fwrite(bytes, 1, MEGABYTE, f), MEGABYTE);
	}
	test_free(bytes);
	fclose(f);
}

static void curl_keeps_its_connection_to_nginx(void **state)
{
	int listener = peer_listen("127.0.0.1:0");
	FILE *small;
	struct proc *p;
	const char *where;

	(void)state;
	nginx_need();
	program_need("curl", "curl");
	small = nginx_file("small");
	fputs("hello\n", small);
	fclose(small);
	nginx_start(listener);
	p = RUN("--listen", "127.0.0.1:0", "--to", peer_where(listener));
	where = program_where(p, 0);
	assert_string_equal(output(scrap("curl -sS -w '%%{num_connects}\\n' "
					 "http://%s/small http://%s/small",
					 where, where)),
			    "hello\n1\nhello\n0\n");
	proc_line(p, "closed client=", 0);
	program_stop(p);
	assert_int_equal(proc_count_lines(p, "closed client="), 1);
}

static void a_big_file_from_nginx_arrives_whole(void **state)
{
	static const char *const splice[] = {"auto", "off"};
	int listener = peer_listen("127.0.0.1:0");
	const char *sum;

	(void)state;
	nginx_need();
	program_need("curl", "curl");
	make_big_file();
	sum = output(scrap("cksum <%s", program_file("big")));
	nginx_start(listener);
	for (size_t i = 0; i < 2; i++) {
		struct proc *p =
			RUN("--listen", "127.0.0.1:0", "--to",
			    peer_where(listener), "--splice", splice[i]);
		const char *command = scrap("curl -sS http://%s/big | cksum",
					    program_where(p, 0));

		assert_string_equal(output(command), sum);
		program_stop(p);
	}
	unlink(program_file("big"));
}

static void iperf3_runs_in_all_directions(void **state)
{
	static const char *const directions[] = {"", "-R", "--bidir"};
	struct proc *server, *p;
	unsigned port = peer_free_port();

	(void)state;
	program_need("iperf3", "iperf3");
	server = proc_start((const char *const[]){"sh", "-c",
						  scrap("exec iperf3 -s -p %u "
							"--forceflush >&2",
							port),
						  NULL},
			    NULL);
	p = RUN("--listen", "127.0.0.1:0", "--to", scrap("127.0.0.1:%u", port));
	for (unsigned i = 0; i < 3; i++) {
		proc_line(server, "Server listening on", i);
		assert_says(output(scrap("iperf3 -c 127.0.0.1 -p %s -t 1 %s",
					 strrchr(program_where(p, 0), ':') + 1,
					 directions[i])),
			    "iperf Done.");
	}
	program_stop(p);
}

static void socat_hears_the_answer_after_its_own_end(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	struct proc *p;

	(void)state;
	program_need("socat", "socat");
	p = RUN("--listen", "127.0.0.1:0", "--to", backend_where(b));
	assert_string_equal(output(scrap("printf hello | socat -t5 - TCP:%s",
					 program_where(p, 0))),
			    backend_answer(b, "hello", 5));
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
		TEST(curl_keeps_its_connection_to_nginx),
		TEST(a_big_file_from_nginx_arrives_whole),
		TEST(iperf3_runs_in_all_directions),
		TEST(socat_hears_the_answer_after_its_own_end),
	};

	return cmocka_run_group_tests(tests, set_up, program_tear_down);
}
